#!/usr/bin/env node
// A million queued jobs: submits stay as quick as with none, memory stays small, a restart is ready at
// once. The server with a million and fresh ones take turns, and the ratio is the median of those of
// neighbours: disks and machines change their speed within minutes. The claim rate, which no client can see, is measured on the store itself (bench/store_bench).
// JOBS can be set.
import { execFileSync } from "node:child_process";
import { writeFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Reel, Gate, root, sleep, temporaryFolder, ask } from "../rig.mjs";

const jobs = Number(process.env.JOBS ?? 1_000_000);
const gate = new Gate("million");
const folder = temporaryFolder("reel-million-");
const environment = {
  REEL_LOCAL_PROGRAM: join(root, "tests/hold_worker.sh"),
  REEL_LOG_LEVEL: "error",
  REEL_LOCAL_WORKERS: "2",
};
const reel = new Reel({ environment });

function submit(server, seconds, count) {
  const body = JSON.stringify({ model: "local/still", prompt: "a million of these", count });
  const script = join(folder, "wrk.lua");
  writeFileSync(
    script,
    `wrk.method = "POST"
wrk.body = [==[${body}]==]
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer ${server.token}"
done = function(summary) io.write(string.format("RESULT %d %d %d\\n", summary.requests, summary.duration, summary.errors.status)) end`,
  );
  const out = execFileSync("wrk", [
    "-t1",
    "-c64",
    `-d${seconds}s`,
    "-s",
    script,
    `${server.url}/api/v1/generate`,
  ]).toString();
  const [, requests, micros, errors] = out.match(/RESULT (\d+) (\d+) (\d+)/).map(Number);
  return { rate: requests / (micros / 1e6), errors };
}

async function queued() {
  const { text } = await reel.get("/metrics");
  return Number(text.match(/^reel_jobs_queued (\d+)/m)[1]);
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
async function fresh() {
  const server = new Reel({ environment });
  await server.start();
  await server.ready();
  submit(server, 1, 1); // warm
  const { rate } = submit(server, 2, 1);
  await server.kill("SIGKILL");
  rmSync(server.home, { recursive: true, force: true });
  return rate;
}

await reel.start();
await reel.ready();
const began = Date.now();
while ((await queued()) < jobs && Date.now() - began < 600_000) submit(reel, 5, 8);
await sleep(200);
const waiting = await queued();
const rounds = [];
for (let n = 0; n < 9; n++) {
  const empty = await fresh();
  rounds.push({ empty, full: submit(reel, 2, 1).rate });
}
const ratio = median(rounds.map(({ empty, full }) => full / empty));
const of = (name) => median(rounds.map((round) => round[name])).toFixed(0);
const memory = reel.residentBytes();
await reel.kill("SIGKILL");
const started = process.hrtime.bigint();
await reel.start();
await reel.ready();
const ready = Number(process.hrtime.bigint() - started) / 1e6;
const after = reel.residentBytes();
const [{ n }] = ask(reel.home, "SELECT count(*) AS n FROM jobs WHERE state = 'queued'");
const counted = await queued();
await reel.kill("SIGTERM");

console.log(
  `submits: ${of("empty")}/s with a fresh store, ${of("full")}/s with ${waiting} queued, ` +
    `${(100 * ratio).toFixed(0)} % of it; ` +
    `memory ${(memory / 1e6).toFixed(1)} MB, ${(after / 1e6).toFixed(1)} MB after the restart; ready after ${ready.toFixed(0)} ms`,
);
gate.expect(waiting >= jobs, `${waiting} jobs are queued`);
gate.least("submits with a million queued, of a fresh store's", ratio, 0.8);
gate.expect(memory <= 100e6 && after <= 100e6, "memory is at most 100 MB");
gate.most("milliseconds from the start until it is ready", ready, 1000);
gate.expect(Math.abs(n - counted) <= 4, `the counts agree: ${n} rows, ${counted} counted`);
rmSync(reel.home, { recursive: true, force: true });
rmSync(folder, { recursive: true, force: true });
gate.end();
