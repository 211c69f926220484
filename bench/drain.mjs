// How quickly a full queue empties when the work is nothing, 50 at a time: reel with a model that makes
// no output, and with its smallest possible worker that makes a file; BullMQ's worker with an empty
// processor.
import { rmSync } from "node:fs";
import { sleep } from "../tests/rig.mjs";
import { metric, noopEnvironment, requestBody, startBull, startReel } from "./contestants.mjs";
import { processorSeconds } from "./measure.mjs";

const concurrency = 50;

// Jobs a second, and processor time for each, from the first twentieth (so that no start counts) to
// the last (so that no straggler does), or for so many seconds.
async function rate(jobs, seconds, done, pids) {
  const look = async () => ({
    at: performance.now(),
    done: await done(),
    cpu: processorSeconds(pids),
  });
  const until = performance.now() + 120_000;
  let first, last;
  do {
    await sleep(20);
    last = await look();
    if (!first && last.done >= jobs * 0.05) first = last;
    if (last.at > until) throw new Error(`only ${last.done} of ${jobs} jobs ended within 120 s`);
  } while (!first || (last.done < jobs * 0.95 && last.at - first.at < seconds * 1000));
  const count = last.done - first.done;
  return {
    rate: (count / (last.at - first.at)) * 1000,
    cpu: ((last.cpu - first.cpu) / count) * 1e6,
  };
}

export async function drainReel(folder, model, jobs, seconds) {
  // Filled while two jobs in flight hold the queue, then started anew without them.
  const environment = noopEnvironment(folder, concurrency);
  const { REEL_CATALOG_FOLDER } = environment;
  const server = await startReel(folder, { REEL_CATALOG_FOLDER, REEL_LIMITS_IN_FLIGHT: "2" });
  const { reel } = server;
  try {
    const { prompt } = JSON.parse(requestBody);
    for (let n = 0; n < 2; n++) await reel.generate(JSON.parse(requestBody));
    while ((await metric(reel, "reel_jobs_in_flight")) < 2) await sleep(20);
    const ask = { model, prompt, count: 8 };
    await Promise.all(
      Array.from({ length: 32 }, async (_, lane) => {
        for (let n = lane; n < jobs / 8; n += 32) await reel.generate(ask);
      }),
    );
    await reel.kill("SIGKILL");
    reel.environment = { ...reel.environment, ...environment };
    await reel.start();
    const succeeded = () => metric(reel, 'reel_jobs_ended_total{state="succeeded"}');
    return await rate(jobs, seconds, succeeded, [reel.process.pid]);
  } finally {
    await reel.stop();
    rmSync(reel.home, { recursive: true, force: true });
  }
}

export async function drainBull(folder, jobs, seconds, appendfsync) {
  const bull = await startBull(folder, appendfsync);
  let worker;
  try {
    await bull.fill(jobs);
    worker = bull.work(concurrency);
    return await rate(jobs, seconds, async () => bull.completed(), [...bull.pids, worker.pid]);
  } finally {
    await worker?.stop();
    await bull.stop();
  }
}
