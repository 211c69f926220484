// Ten times more jobs than the workers can do, for minutes, from ten times the usual connections:
// what can be done is done as quickly as ever, the rest is refused with 429 and a time to come again,
// memory stays where it is, and /healthz answers.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask, sleep } from "../tests/rig.mjs";
import { metric, noopEnvironment, requestBody, startReel } from "./contestants.mjs";
import { output } from "./measure.mjs";

const workers = 50;
const milliseconds = 200; // of each job: 250 jobs a second can be done
const queueMax = 2000;
const connections = 640;
const factor = 10;

const { prompt } = JSON.parse(requestBody);
const body = JSON.stringify({ model: "bench/noop", prompt, milliseconds });

const succeeded = (reel) => metric(reel, 'reel_jobs_ended_total{state="succeeded"}');

// Jobs that ended a second, over so many seconds.
async function goodput(reel, seconds) {
  const [before, began] = [await succeeded(reel), performance.now()];
  await sleep(seconds * 1000);
  const after = await succeeded(reel);
  return ((after - before) / (performance.now() - began)) * 1000;
}

// wrk at so many requests a second in all, which counts answers by their status:
// { accepted, refused, bare (429 without Retry-After), other }.
async function flood(folder, reel, seconds, rate) {
  const script = join(folder, "flood.lua");
  const think = Math.round((2 * 1000 * connections) / rate);
  writeFileSync(
    script,
    `math.randomseed(7)
wrk.method = "POST"
wrk.path = "/api/v1/generate"
wrk.body = [==[${body}]==]
wrk.headers["Authorization"] = "Bearer ${reel.token}"
wrk.headers["Content-Type"] = "application/json"
accepted, refused, bare, other = 0, 0, 0, 0
delay = function() return math.random(0, ${think}) end
response = function(status, headers)
  if status == 202 then accepted = accepted + 1
  elseif status == 429 and headers["Retry-After"] then refused = refused + 1
  elseif status == 429 then bare = bare + 1
  else other = other + 1 end
end
local the
setup = function(thread) the = thread end
done = function(summary)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", the:get("accepted"), the:get("refused"),
    the:get("bare"), the:get("other"), errors.connect + errors.read + errors.write + errors.timeout))
end`,
  );
  const said = await output("wrk", [
    ...["-t1", `-c${connections}`, `-d${Math.ceil(seconds)}s`, "-s", script, reel.url],
  ]);
  const found = said.match(/RESULT (\d+) (\d+) (\d+) (\d+) (\d+)/);
  if (!found) throw new Error(`wrk said ${said}`);
  const [accepted, refused, bare, other, broken] = found.slice(1).map(Number);
  return { accepted, refused, bare, other: other + broken };
}

// Asks /healthz ten times a second until told to stop.
function watchHealth(reel) {
  const times = [];
  let bad = 0;
  let running = true;
  const watching = (async () => {
    while (running) {
      const began = performance.now();
      try {
        const answer = await fetch(`${reel.url}/healthz`, { signal: AbortSignal.timeout(5000) });
        await answer.arrayBuffer();
        if (answer.status !== 200) bad++;
      } catch {
        bad++;
      }
      times.push(performance.now() - began);
      await sleep(100);
    }
  })();
  return async () => {
    running = false;
    await watching;
    times.sort((a, b) => a - b);
    return { bad, count: times.length, p99: times[Math.floor(times.length * 0.99)] };
  };
}

function watchMemory(reel) {
  const sizes = [];
  const timer = setInterval(() => sizes.push(reel.residentBytes()), 500);
  return () => {
    clearInterval(timer);
    return Math.max(...sizes);
  };
}

export async function overload(folder, seconds) {
  const server = await startReel(folder, {
    ...noopEnvironment(folder, workers),
    REEL_LIMITS_QUEUE: String(queueMax),
  });
  const { reel } = server;
  try {
    // The peak: a queue that nobody adds to.
    const many = { ...JSON.parse(body), count: 8 };
    const asked = (queueMax / 8) | 0;
    await Promise.all(
      Array.from({ length: 10 }, async (_, lane) => {
        for (let n = lane; n < asked; n += 10) await reel.generate(many);
      }),
    );
    await sleep(1500); // until all fifty processes are there
    const before = await goodput(reel, 4);
    const [health, memory] = [watchHealth(reel), watchMemory(reel)];
    const flooding = flood(folder, reel, seconds, factor * before);
    await sleep(2000);
    const during = await goodput(reel, seconds - 3);
    const answers = await flooding;
    // Once more, for the machine itself may have become slower or faster; the queue is still full.
    const peak = (before + (await goodput(reel, 4))) / 2;
    const largest = memory();
    const healthz = await health();
    // And then all is as before: what was accepted gets done.
    for (let tries = 0; tries < 600 && (await metric(reel, "reel_jobs_queued")) > 0; tries++)
      await sleep(100);
    await sleep(1500);
    const [{ n: open }] = ask(
      reel.home,
      "SELECT count(*) AS n FROM jobs WHERE state <> 'succeeded'",
    );
    const [{ n: stored }] = ask(reel.home, "SELECT count(*) AS n FROM jobs");
    const offered = (answers.accepted + answers.refused + answers.bare + answers.other) / seconds;
    return {
      ...{ peak, during, offered, answers, healthz, largest, open },
      // Requests that were open when wrk's time was up are stored and not counted.
      surplus: stored - asked * 8 - answers.accepted,
      connections,
    };
  } finally {
    await server.stop();
  }
}
