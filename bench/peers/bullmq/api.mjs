// Hono + BullMQ + Redis, the web side: a job is in Redis before it is answered 202. Whether Redis has
// it on the disk by then is the choice of appendfsync.
import { serve } from "@hono/node-server";
import { Queue } from "bullmq";
import { Hono } from "hono";
import { fault } from "../fault.mjs";
import { connect, queueName } from "./queue.mjs";

const queue = new Queue(queueName, { connection: connect() });
const app = new Hono();
const shown = {
  waiting: "queued",
  delayed: "queued",
  prioritized: "queued",
  "waiting-children": "queued",
  active: "processing",
  completed: "completed",
  failed: "failed",
};

app.post("/generate", async (context) => {
  const body = await context.req.json().catch(() => undefined);
  const wrong = fault(body);
  if (wrong) return context.json({ success: false, error: wrong }, 400);
  const job = await queue.add("generate", body);
  return context.json(
    { success: true, jobId: job.id, status: "queued", statusUrl: `/generate/${job.id}` },
    202,
  );
});

app.get("/generate/:id", async (context) => {
  const job = await queue.getJob(context.req.param("id"));
  if (!job) return context.json({ success: false, error: "There is no such job." }, 404);
  const state = await job.getState();
  return context.json({
    jobId: job.id,
    model: job.data.model,
    status: shown[state],
    progress: job.progress,
    createdAt: new Date(job.timestamp).toISOString(),
    result: job.returnvalue ?? undefined,
    error: job.failedReason,
  });
});

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env.PORT) });
