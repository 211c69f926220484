// Puts COUNT jobs into the queue of api.mjs, by BullMQ's own bulk call, each with BODY.
import { Queue } from "bullmq";
import { connect, queueName } from "./queue.mjs";

const connection = connect();
const queue = new Queue(queueName, { connection });
const data = JSON.parse(process.env.BODY);
for (let left = Number(process.env.COUNT); left > 0; left -= 1000)
  await queue.addBulk(
    Array.from({ length: Math.min(left, 1000) }, () => ({ name: "generate", data })),
  );
await queue.close();
await connection.quit();
