// Hono + BullMQ + Redis: what api.mjs and worker.mjs share. REDIS_URL names the Redis.
import { Redis } from "ioredis";

export const queueName = "generate";

export function connect() {
  // BullMQ asks for it: a worker waits for Redis as long as it takes.
  return new Redis(process.env.REDIS_URL, { maxRetriesPerRequest: null });
}
