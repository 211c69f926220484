#!/usr/bin/env node
// Ten thousand jobs in flight at a provider: what the gateway costs while they run, and what it asks
// when a thousand of them end within a second. The provider is a sandbox in a process of its own,
// whose calls a relay counts. Once the gateway polls, and once it is called back.
//
//   bench/flight.mjs [--check] [PROVIDER:polls|calls[:READS] …]     (fal:polls fal:calls:3000)
//
// READS stands for the entry's readsPerMinute. Replicate calls back when a job starts, too, which is
// polled for: 10,000 starts take more than three minutes at its 3,000 reads, and are waited for.
// --check holds the figures against the bars of docs/benchmarks.md. JOBS (10,000), ENDING (1,050, a
// multiple of seven), SECONDS (60, of the steady state) and SETTLING (60, before it where the gateway
// polls: so long its blind schedule grows) can be set.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Gate, Reel, ask, root, sleep, temporaryFolder } from "../tests/rig.mjs";
import { makeFiles, readLedger, writeScript } from "../tests/sandbox.mjs";
import { freePort, table } from "./measure.mjs";
import { Relay, busiest } from "./flight_relay.mjs";

const check = process.argv.includes("--check");
const jobs = Number(process.env.JOBS ?? 10_000);
const ending = Number(process.env.ENDING ?? 1_050);
const seconds = Number(process.env.SECONDS ?? 60);
const clients = 32;
const step = 1000; // ms between the batches of those that end
const settlingPolls = Number(process.env.SETTLING ?? 60);
const runs = process.argv.slice(2).filter((word) => word.includes(":"));
const providers = {
  // Of the first model are the jobs that go on, of the others those that end.
  fal: {
    models: [
      ...["veo3/fast", "veo3", "veo3.1", "veo3.1/fast", "sora2", "sora2/pro", "ltx2/pro"],
      ...["ltx2/fast"],
    ],
    environment: (origin) => ({ FAL_KEY: "key", FAL_BASE_URL: `${origin}/fal` }),
  },
  replicate: {
    models: [
      ...["kling2.5/turbo-pro", "kling2.1/master", "kling2.6", "wan2.5", "wan2.5/fast"],
      ...["seedance1/lite", "seedance1/pro", "seedance1/pro-fast"],
    ],
    environment: (origin) => ({
      REPLICATE_API_TOKEN: "token",
      REPLICATE_BASE_URL: `${origin}/replicate/v1`,
    }),
  },
};

const gate = new Gate("flight");
const folder = temporaryFolder("reel-flight-");
makeFiles(folder);

// The built-in entry, but for how much the provider takes.
function writeEntry(name, reads) {
  const catalog = join(folder, "catalog");
  mkdirSync(catalog, { recursive: true });
  const { provider } = JSON.parse(readFileSync(join(root, "catalog", `${name}.json`), "utf8"));
  const entry = { ...provider, limit: jobs, ...(reads ? { readsPerMinute: reads } : {}) };
  writeFileSync(join(catalog, `${name}.json`), JSON.stringify({ provider: entry }));
  return { catalog, reads: entry.readsPerMinute ?? 30_000, fetches: entry.fetches ?? 3 };
}

class Sandbox extends Reel {
  command() {
    const [program, [, ...rest]] = super.command();
    return [program, ["sandbox", ...rest]];
  }
}

function status(pid, name) {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(text.match(new RegExp(`^${name}:\\s+(\\d+)`, "m"))[1]);
}

// Seconds of processor time by the name of the thread, which the kernel keeps for 15 characters.
function threads(pid) {
  const times = new Map();
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8");
    const [user, system] = text.replace(/^.*\) /s, "").split(" ").slice(11).map(Number);
    times.set(task, (user + system) / 100);
  }
  return times;
}

async function submitAll(reel, count, model) {
  let next = 0;
  const client = async () => {
    while (next < count)
      await reel.generate({ model: `${model}/text-to-video`, prompt: `number ${next++}` });
  };
  await Promise.all(Array.from({ length: clients }, client));
}

// One model's jobs each second, which take a second less each: they end together.
async function submitEnding(reel, models) {
  const began = Date.now();
  for (let n = 0; n < models.length; n++) {
    await sleep(began + n * step - Date.now());
    await submitAll(reel, ending / models.length, models[n]);
  }
}

const count = (reel, where) => ask(reel.home, `SELECT count(*) AS n FROM jobs WHERE ${where}`)[0].n;

async function until(what, limit, reached) {
  for (const began = Date.now(); !(await reached()); await sleep(250))
    if (Date.now() - began > limit * 1000) throw new Error(`not in ${limit} s: ${what}`);
}

async function steady(reel, relay) {
  relay.reset();
  const { pid } = reel.process;
  const before = reel.processorSeconds();
  const threadsBefore = threads(pid);
  const began = Date.now();
  await sleep(seconds * 1000);
  const took = (Date.now() - began) / 1000;
  const share = (reel.processorSeconds() - before) / took;
  const loops = [...threads(pid)].map(([task, time]) => time - (threadsBefore.get(task) ?? 0));
  return {
    share,
    busiest: Math.max(...loops) / took,
    reads: relay.tallies.read.times.length / took,
    resident: reel.residentBytes(),
    threads: status(pid, "Threads"),
  };
}

async function burst(reel, sandbox, relay) {
  const ends = () =>
    readFileSync(join(sandbox.home, "ledger.jsonl"), "utf8")
      .split("\n")
      .filter((line) => line.includes('"ended"'))
      .map((line) => Date.parse(JSON.parse(line).at))
      .sort((a, b) => a - b);
  relay.reset();
  await until("the first has ended", 300, () => ends().length > 0);
  await until("all that ended are stored", 400, () => count(reel, "state = 'succeeded'") >= ending);
  const stored = ask(reel.home, "SELECT max(ended_at) AS at FROM jobs")[0].at;
  const times = ends();
  return {
    stored: count(reel, "state = 'succeeded'"),
    spread: (times.at(-1) - times[0]) / 1000,
    endsInSecond: busiest(times, 1000),
    took: (stored - times.at(-1)) / 1000,
  };
}

async function measure(name, callsBack, reads) {
  const { models, environment } = providers[name];
  const entry = writeEntry(name, reads);
  const starts = callsBack && name === "replicate" ? (60 * jobs) / entry.reads : 1;
  const settling = callsBack ? starts : settlingPolls;
  const [lasting, ...short] = models;
  const takes = (settling + seconds + 5 + short.length) * 1000 + short.length * step;
  const file = { fault: "canned", file: "clip.mp4" };
  const script = writeScript(folder, [
    ...short.map((model, n) => ({
      ...{ match: { model: `${model}/text-to-video` }, ...file, ms: takes - n * step },
    })),
    { ...file, ms: 600_000 },
  ]);
  const sandbox = await new Sandbox({
    arguments: ["--script", script, "--set", "log.level=error"],
  }).start();
  const relay = await new Relay(sandbox.url).start();
  const listen = `127.0.0.1:${await freePort()}`;
  const reel = new Reel({
    listen,
    environment: environment(relay.origin),
    arguments: [
      ...["--set", `limits.inFlight=${jobs}`, "--set", "log.level=error"],
      ...["--set", `catalog.folder=${entry.catalog}`, "--set", "network.allow=127.0.0.0/8"],
      ...(callsBack ? ["--set", `publicUrl=http://${listen}`] : []),
    ],
  });
  try {
    await reel.start();
    await reel.ready();
    const empty = reel.residentBytes();
    const began = Date.now();
    await submitAll(reel, jobs - ending, lasting);
    await until("all are running", 300, () => count(reel, "state = 'running'") >= jobs - ending);
    await submitEnding(reel, short);
    await until("all are running", 100, () => count(reel, "state = 'running'") >= jobs);
    const submitting = (Date.now() - began) / 1000;
    const creates = relay.tallies.create;
    const created = { most: creates.most, second: creates.busiest(1000) };
    console.log(`     ${name}: ${jobs} running after ${submitting.toFixed(1)} s`);
    await sleep(settling * 1000);
    const calm = await steady(reel, relay);
    const running = count(reel, "state = 'running'");
    const end = await burst(reel, sandbox, relay);
    const { read, file, stream } = relay.tallies;
    return {
      ...{ name, callsBack, entry, empty, submitting, created, running, ...calm, ...end },
      peak: status(reel.process.pid, "VmHWM") * 1024,
      accepted: readLedger(sandbox.home).length,
      read: { count: read.times.length, most: read.most, second: read.busiest(1000), minute: read.busiest(60_000) },
      file: { count: file.times.length, most: file.most, second: file.busiest(1000) },
      streams: stream.most,
      refused: Object.values(relay.tallies).reduce((sum, tally) => sum + tally.refused, 0),
    };
  } catch (error) {
    if (reel.exit) error.message += `; the gateway ended (${JSON.stringify(reel.exit)}): ${reel.log}`;
    throw error;
  } finally {
    await reel.stop();
    await relay.stop();
    await sandbox.stop();
  }
}

// The bars; a share of the processor and times may suffer from whatever else the machine does.
function judge(run) {
  const { read, file, streams, entry } = run;
  const of = `${run.name}, ${run.callsBack ? "called back" : "polling"}`;
  gate.expect(run.running === jobs, `${of}: all ${jobs} are in flight while it is measured: ${run.running}`);
  gate.expect(run.accepted === jobs, `${of}: the provider accepted each once: ${run.accepted}`);
  gate.most(`${of}: per cent of a core`, run.share * 100, 10);
  gate.expect(run.peak <= 150e6, `${of}: MB at most: ${mb(run.peak)}, at most 150`);
  gate.expect(run.stored === ending, `${of}: all ${ending} that ended are stored: ${run.stored}`);
  gate.least(`${of}: of them ended within a second`, run.endsInSecond, ending / 2);
  gate.most(`${of}: seconds until all are stored`, run.took, 120);
  gate.expect(file.most <= entry.fetches, `${of}: files fetched at once: ${file.most}, at most ${entry.fetches}`);
  gate.expect(read.most <= 16, `${of}: reads at once: ${read.most}, at most 16`);
  gate.expect(streams <= 32, `${of}: streams at once: ${streams}, at most 32`);
  gate.expect(
    read.minute <= entry.reads,
    `${of}: reads in a minute: ${read.minute}, at most ${entry.reads}`,
  );
  gate.expect(run.refused === 0, `${of}: answers 429: ${run.refused}`);
}

const mb = (bytes) => (bytes / 1e6).toFixed(1);

function show(results) {
  const row = (run) => [
    `${run.name}, ${run.callsBack ? "called back" : "polling"}`,
    run.submitting.toFixed(0),
    (run.share * 100).toFixed(1),
    (run.busiest * 100).toFixed(1),
    run.reads.toFixed(0),
    `${mb(run.resident)} / ${mb(run.peak)}`,
    run.threads,
    run.endsInSecond,
    run.took.toFixed(0),
    `${run.read.most} / ${run.read.second}`,
    `${run.file.most} / ${run.file.second}`,
    run.refused,
  ];
  table(
    [
      ...[`${jobs} jobs`, "s to submit", "% of a core", "busiest thread", "reads/s", "MB / peak"],
      ...["threads", `of ${ending} end in 1 s`, "stored after s", "reads at once / in 1 s"],
      ...["files at once / in 1 s", "429"],
    ],
    results.map(row),
  );
}

const results = [];
try {
  for (const run of runs.length ? runs : ["fal:polls", "fal:calls:3000"]) {
    const [name, how, reads] = run.split(":");
    results.push(await measure(name, how === "calls", Number(reads ?? 0)));
  }
  show(results);
  if (check) {
    results.forEach(judge);
    gate.end();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
