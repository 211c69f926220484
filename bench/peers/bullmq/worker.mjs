// Hono + BullMQ + Redis, the working side: does nothing, CONCURRENCY jobs at a time.
import { Worker } from "bullmq";
import { connect, queueName } from "./queue.mjs";

const worker = new Worker(queueName, async () => ({ url: "none" }), {
  connection: connect(),
  concurrency: Number(process.env.CONCURRENCY ?? 50),
});
worker.on("error", (error) => console.error(error));
