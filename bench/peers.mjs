#!/usr/bin/env node
// reel beside what a user would otherwise write (bench/peers/), all in one run on this machine:
//
//   node bench/peers.mjs [--check] [http] [drain] [idle] [load] [overload]
//
// Without names, all parts. --check holds the figures against their bars. RUNS (3), SECONDS_EACH (3, of
// each measurement), DRAIN_JOBS (15000) and OVERLOAD_SECONDS (600) can be set. docs/benchmarks.md
// says what is measured and how.
import { cpus } from "node:os";
import { rmSync } from "node:fs";
import { Gate, temporaryFolder } from "../tests/rig.mjs";
import * as contestants from "./contestants.mjs";
import { drainBull, drainReel } from "./drain.mjs";
import { idle } from "./idle.mjs";
import { load } from "./load.mjs";
import { fdatasyncMillis, median, processorSeconds, table, wrk } from "./measure.mjs";
import { overload } from "./overload.mjs";

const check = process.argv.includes("--check");
if (Number(process.versions.node.split(".")[0]) < 20) {
  console.error(`the peers' packages need Node 20 or later, and this is ${process.version}`);
  process.exit(check ? 0 : 2); // there is nothing to compare with, as on Debian 12's own Node
}
const parts = process.argv.slice(2).filter((word) => word !== "--check");
const wants = (part) => parts.length === 0 || parts.includes(part);
const runs = Number(process.env.RUNS ?? 3);
const seconds = Number(process.env.SECONDS_EACH ?? 3);
const drainJobs = Number(process.env.DRAIN_JOBS ?? 15_000);
const drainSeconds = 2 * seconds; // of each drain at most
const overloadSeconds = Number(process.env.OVERLOAD_SECONDS ?? 600);
const waiting = 75_000;
const connections = 64;
const folder = temporaryFolder("reel-peers-");
const gate = new Gate("peers");
// What is not reached on every machine and every day yet: shown, and no reason to fail.
const aim = (met, text) => console.log(`${met ? "met " : "AIM "} ${text}`);
const aimLeast = (what, value, bar) => aim(value >= bar, `${what}: ${value.toFixed(2)}, at least ${bar}`);
const aimMost = (what, value, bar) =>
  aim(value <= bar, `${what}: ${value.toFixed(2)}, at most ${bar.toFixed(2)}`);

const mb = (bytes) => (bytes / 1e6).toFixed(1);
const times = (value) => (Number.isFinite(value) ? `${value.toFixed(value < 10 ? 1 : 0)}×` : "–");
const round = (value, digits = 0) => (Number.isFinite(value) ? value.toFixed(digits) : "–");
const now = () => new Date().toISOString().slice(11, 19);
const began = Date.now();

// ---------------------------------------------------------------- submits and status reads

// Runs `measure` for everyone in turn, `runs` times: what else the machine does at the time weighs on
// all of them. A first round only warms up, as Node's compiler needs it. A Map from the contestant to
// its results; `requests` has those of the warming up too.
async function inTurn(everyone, measure, requests) {
  const results = new Map(everyone.map((each) => [each, []]));
  for (let n = 0; n <= runs; n++)
    for (const each of everyone) {
      const before = processorSeconds(each.pids);
      const result = await measure(each);
      result.cpu = ((processorSeconds(each.pids) - before) / result.requests) * 1e6;
      if (n > 0) results.get(each).push(result);
      requests?.set(each, (requests.get(each) ?? 0) + result.requests);
    }
  return results;
}

const middle = (results, each, field) => median(results.get(each).map((result) => result[field]));
// How often as much as the other, each run compared with its neighbour.
const ratio = (results, one, other, field) =>
  median(results.get(one).map((result, n) => result[field] / results.get(other)[n][field]));

function read(each, ids) {
  const paths = ids.map((id) => each.statusPath(id));
  return wrk({ url: each.url, token: each.token, paths, connections, seconds, folder });
}

function submit(each) {
  const paths = [each.submitPath];
  const body = contestants.requestBody;
  return wrk({ url: each.url, token: each.token, paths, body, connections, seconds, folder });
}

async function submitOne(each) {
  const answer = await fetch(each.url + each.submitPath, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${each.token}` },
    body: contestants.requestBody,
  });
  const text = await answer.text();
  if (![200, 202].includes(answer.status)) throw new Error(`${each.name} answered ${text}`);
  return JSON.parse(text).jobId;
}

function showHttp(everyone, { idleMemory, empty, submits, full, memory }) {
  const [reel] = everyone;
  const row = (each) => [
    each.name,
    round(middle(submits, each, "rate")),
    times(ratio(submits, reel, each, "rate")),
    round(middle(submits, each, "p99"), 1),
    round(middle(submits, each, "cpu")),
    round(middle(empty, each, "rate")),
    times(ratio(empty, reel, each, "rate")),
    full.has(each) ? round(middle(full, each, "rate")) : "",
    full.has(each) ? times(ratio(full, reel, each, "rate")) : "",
    mb(idleMemory.get(each)),
    mb(memory.get(each)),
  ];
  table(
    [
      ...["", "submits/s", "reel", "p99 ms", "CPU µs", "status/s", "reel"],
      ...["75,000 w.", "reel", "idle MB", "loaded MB"],
    ],
    everyone.map(row),
  );
  console.log(
    "reel: how often as much as that peer, each run beside its neighbour; CPU: of all processes, a submit;\n" +
      "75,000 w.: status reads with so many jobs waiting; loaded: after the submits, all processes\n",
  );
}

function checkHttp(everyone, { empty, submits, full, memory, counts }) {
  const [reel, always, everysec, celery, , nginx] = everyone;
  for (const each of everyone) {
    const all = [empty, submits, full].flatMap((results) => results.get(each) ?? []);
    const errors = all.reduce((sum, result) => sum + result.errors, 0);
    gate.expect(errors === 0, `${each.name}: ${errors} answers were not 2xx`);
  }
  for (const [each, { stored, answered }] of counts)
    gate.expect(
      // Requests that wrk had open when its time was up were stored too, but not counted by it.
      stored >= answered && stored <= answered + connections * (runs + 1),
      `${each.name}: ${stored} jobs in its store of ${answered} answered`,
    );
  gate.least("durable submits of Hono + BullMQ always", ratio(submits, reel, always, "rate"), 2);
  aimLeast("durable submits of FastAPI + Celery", ratio(submits, reel, celery, "rate"), 20);
  aimMost("processor time a submit, of BullMQ's", ratio(submits, reel, always, "cpu"), 1 / 3);
  aimLeast("status reads of nginx", ratio(empty, reel, nginx, "rate"), 0.7);
  aimLeast("status reads of nginx, 75,000 waiting", ratio(full, reel, nginx, "rate"), 0.7);
  gate.least("status reads of BullMQ's", ratio(empty, reel, everysec, "rate"), 5);
  gate.least("status reads of BullMQ's, 75,000 waiting", ratio(full, reel, everysec, "rate"), 10);
  aimMost("p99 of submits in ms", middle(submits, reel, "p99"), 15);
  gate.expect(memory.get(reel) <= 100e6, `memory under load is at most 100 MB: ${mb(memory.get(reel))}`);
}

async function http() {
  const everyone = await Promise.all([
    contestants.startReel(folder),
    contestants.startBull(folder, "always"),
    contestants.startBull(folder, "everysec"),
    contestants.startCelery(folder),
    contestants.startMemory(folder),
    contestants.startCeiling(folder),
  ]);
  try {
    const measureMemory = () => new Map(everyone.map((each) => [each, each.memory()]));
    const idleMemory = measureMemory();
    const first = new Map();
    for (const each of everyone) first.set(each, await submitOne(each));
    const empty = await inTurn(everyone, (each) => read(each, [first.get(each)]));
    const answered = new Map(everyone.map((each) => [each, 1])); // the first
    const submits = await inTurn(everyone, submit, answered);
    const memory = measureMemory();
    const counts = new Map();
    for (const each of everyone.filter((one) => one.count))
      counts.set(each, { answered: answered.get(each), stored: await each.count() });
    // BullMQ reads the same whatever its Redis does about the disk: one of the two is enough.
    const fillable = everyone.filter((one) => one.fill && one !== everyone[1]);
    await Promise.all(fillable.map((each) => each.fill(waiting)));
    const ids = new Map();
    for (const each of fillable) ids.set(each, await each.ids(500));
    // The ceiling is asked for as many: to choose among them costs the client time, which is the
    // server's too where there are two cores for both.
    ids.set(everyone.at(-1), ids.get(everyone[0]));
    const full = await inTurn([...ids.keys()], (each) => read(each, ids.get(each)));
    const figures = { idleMemory, empty, submits, full, memory, counts };
    showHttp(everyone, figures);
    if (check) checkHttp(everyone, figures);
  } finally {
    for (const each of everyone) await each.stop();
  }
}

// ---------------------------------------------------------------- the other parts

async function drain() {
  const results = { reel: [], files: [], always: [], everysec: [] };
  for (let n = 0; n < runs; n++) {
    results.reel.push(await drainReel(folder, "bench/nothing", drainJobs, drainSeconds));
    results.files.push(await drainReel(folder, "bench/noop", drainJobs, drainSeconds));
    results.always.push(await drainBull(folder, drainJobs, drainSeconds, "always"));
    results.everysec.push(await drainBull(folder, drainJobs, drainSeconds, "everysec"));
  }
  const share = (name) => median(results.reel.map(({ rate }, n) => rate / results[name][n].rate));
  const row = (title, name) => [
    title,
    round(median(results[name].map(({ rate }) => rate))),
    times(share(name)),
    round(median(results[name].map(({ cpu }) => cpu))),
  ];
  console.log(`${drainJobs} waiting jobs that do nothing, 50 at a time`);
  table(
    ["", "jobs/s", "reel", "CPU µs"],
    [
      row("reel", "reel"),
      row("reel, each with a file", "files"),
      row("BullMQ, always", "always"),
      row("BullMQ, everysec", "everysec"),
    ],
  );
  console.log("");
  if (check) aimLeast("jobs drained of BullMQ always", share("always"), 3);
}

async function connectionsIdle() {
  const { count, before, after } = await idle(folder);
  console.log(
    `${count} idle keep-alive connections: ${mb(after)} MB, ${mb(before)} MB without (${round((after - before) / count)} bytes each)\n`,
  );
  if (check)
    gate.expect(after <= 40e6, `memory with ${count} idle connections is at most 40 MB: ${mb(after)}`);
}

async function users() {
  const server = await contestants.startReel(folder);
  try {
    for (let n = 0; n < 300; n++) await submitOne(server);
    const { paced, unbounded } = await load(folder, server, Math.max(5, 2 * seconds));
    const row = (name, result) => [
      name,
      round(result.rate),
      round(result.mean, 2),
      round(result.p95, 1),
      round(result.p99, 1),
      `${round((100 * result.errors) / result.requests, 2)} %`,
      mb(result.resident),
    ];
    console.log("100 users: 30 % submits, 60 % status reads, 10 % lists");
    table(
      ["", "requests/s", "mean ms", "p95 ms", "p99 ms", "errors", "MB"],
      [
        ["the seed's figures", "200", "250", "800", "2500", "0.2 %", "3000"],
        row("reel at 200/s", paced),
        row("reel unbounded", unbounded),
      ],
    );
    console.log("");
    if (!check) return;
    for (const [name, result] of [
      ["at 200/s", paced],
      ["unbounded", unbounded],
    ]) {
      gate.expect(result.errors === 0, `100 users ${name}: no error`);
      for (const [field, bar] of Object.entries({ mean: 25, p95: 80, p99: 250 }))
        gate.most(`100 users ${name}, ${field} in ms, a tenth of the seed's`, result[field], bar);
      gate.expect(result.resident <= 100e6, `100 users ${name}: at most 100 MB`);
    }
  } finally {
    await server.stop();
  }
}

async function tooMuch() {
  const found = await overload(folder, overloadSeconds);
  const { peak, during, offered, answers, healthz, largest, open, surplus } = found;
  console.log(
    `${overloadSeconds} s of ${times(offered / peak)} overload on ${found.connections} connections: ` +
      `${round(during)} jobs/s done, ${round(peak)} without it (${round((100 * during) / peak)} %)\n` +
      `${answers.accepted} accepted, ${answers.refused} refused with 429 and Retry-After, ${answers.bare} without, ` +
      `${answers.other} otherwise; /healthz: ${healthz.bad} of ${healthz.count} not answered, p99 ${round(healthz.p99, 1)} ms; ` +
      `memory at most ${mb(largest)} MB\n`,
  );
  if (!check) return;
  aim(during >= 0.9 * peak, "overload: at least 90 % of what is done without it");
  gate.expect(answers.refused > answers.accepted, "overload: most is refused");
  gate.expect(
    answers.bare === 0 && answers.other === 0,
    "overload: every refusal is a 429 with Retry-After",
  );
  gate.expect(healthz.bad === 0, "overload: /healthz always answers");
  gate.expect(largest <= 100e6, "overload: memory is at most 100 MB");
  gate.expect(
    open === 0 && surplus >= 0 && surplus <= found.connections,
    `overload: every accepted job is done (${open} are not, ${surplus} more than were counted)`,
  );
}

const sync = fdatasyncMillis(folder);
console.log(
  `${now()}: ${cpus().length} × ${cpus()[0].model}; fdatasync of 4 KiB: median ${sync.median.toFixed(2)} ms, ` +
    `p99 ${sync.p99.toFixed(2)} ms; ${connections} connections, bodies of ${contestants.requestBody.length} bytes, ` +
    `${runs} runs of ${seconds} s, medians\n`,
);
if (wants("http")) await http();
if (wants("drain")) await drain();
if (wants("idle")) await connectionsIdle();
if (wants("load")) await users();
if (wants("overload")) await tooMuch();
console.log(`took ${Math.round((Date.now() - began) / 1000)} s`);
if (check) gate.end();
rmSync(folder, { recursive: true, force: true });
