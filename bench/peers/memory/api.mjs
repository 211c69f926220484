// An in-memory promise queue behind Hono: at most three tasks at once, higher priority first. Nothing
// is written down; a restart loses every job. As in many an application, and no match for a promise
// to keep what was accepted: measured because it is what there often is.
import { randomUUID } from "node:crypto";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { fault } from "../fault.mjs";

class TaskQueue {
  constructor(concurrency) {
    this.concurrency = concurrency;
    this.running = 0;
    this.waiting = new Map(); // priority → tasks, oldest first
    this.priorities = []; // highest first
  }

  add(task, priority = 0) {
    if (!this.waiting.has(priority)) {
      this.waiting.set(priority, []);
      this.priorities = [...this.waiting.keys()].sort((a, b) => b - a);
    }
    this.waiting.get(priority).push(task);
    this.next();
  }

  next() {
    while (this.running < this.concurrency) {
      const priority = this.priorities.find((each) => this.waiting.get(each).length > 0);
      if (priority === undefined) return;
      const task = this.waiting.get(priority).shift();
      this.running++;
      task().finally(() => {
        this.running--;
        this.next();
      });
    }
  }
}

const jobs = new Map();
const queue = new TaskQueue(3);
const app = new Hono();
const never = new Promise(() => {}); // a generation that takes longer than the measurement

app.post("/generate", async (context) => {
  const body = await context.req.json().catch(() => undefined);
  const wrong = fault(body);
  if (wrong) return context.json({ success: false, error: wrong }, 400);
  const job = { jobId: randomUUID(), body, status: "queued", createdAt: new Date() };
  jobs.set(job.jobId, job);
  queue.add(() => {
    job.status = "processing";
    return never;
  }, body.priority);
  return context.json(
    { success: true, jobId: job.jobId, status: job.status, statusUrl: `/generate/${job.jobId}` },
    202,
  );
});

app.get("/generate/:id", (context) => {
  const job = jobs.get(context.req.param("id"));
  if (!job) return context.json({ success: false, error: "There is no such job." }, 404);
  return context.json({
    jobId: job.jobId,
    model: job.body.model,
    status: job.status,
    createdAt: job.createdAt.toISOString(),
  });
});

app.get("/count", (context) => context.json({ count: jobs.size }));
app.get("/ids", (context) =>
  context.json([...jobs.keys()].slice(-Number(context.req.query("last")))),
);

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env.PORT) });
