#!/usr/bin/env node
// Durable submits and status reads a second, processor time and memory of a server, beside nginx
// `return 200` on the same machine in the same run. --check holds the figures against the bars.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Reel, Gate, root, sleep, temporaryFolder, ask } from "../tests/rig.mjs";
import { fdatasyncMillis, median, startNginx, wrk as measureWrk } from "./measure.mjs";

const check = process.argv.includes("--check");
const runs = Number(process.env.RUNS ?? 5);
const seconds = Number(process.env.SECONDS ?? 3);
const connections = 64;
const folder = temporaryFolder("reel-bench-");
const body = JSON.stringify({
  model: "local/still",
  width: 512,
  height: 512,
  prompt: "A quiet harbour at dawn, fishing boats, mist over the water. ".repeat(5).trim(),
});
console.log(
  `body of ${body.length} bytes, ${connections} connections, ${runs} runs of ${seconds} s, medians`,
);

const wrk = (server, path, post) =>
  measureWrk({
    ...{ url: server.url, paths: [path], token: reel.token, connections, seconds, folder },
    body: post ? body : undefined,
  });

const gate = new Gate("bench");
const reel = new Reel({
  environment: {
    REEL_LOCAL_PROGRAM: join(root, "tests/hold_worker.sh"),
    REEL_LOG_LEVEL: "error",
    REEL_LOCAL_WORKERS: "2",
  },
});
await reel.start();
await reel.ready();
await sleep(500);
const idle = reel.residentBytes();
const nginx = await startNginx(folder);
const sync = fdatasyncMillis(folder);

const first = await reel.generate(JSON.parse(body));
const results = { nginxGet: [], nginxPost: [], submit: [], status: [] };
const cpu = { submit: [], status: [] };
let errors = 0;
for (let n = 0; n < runs; n++) {
  results.nginxGet.push(await wrk(nginx, "/", false));
  results.nginxPost.push(await wrk(nginx, "/", true));
  for (const [name, path, post] of [
    ["status", `/api/v1/generate/${first.jobId}`, false],
    ["submit", "/api/v1/generate", true],
  ]) {
    const before = reel.processorSeconds();
    const result = await wrk(reel, path, post);
    cpu[name].push(((reel.processorSeconds() - before) / result.requests) * 1e6);
    results[name].push(result);
    errors += result.errors;
  }
}
const loaded = reel.residentBytes();
const answered = results.submit.reduce((sum, result) => sum + result.requests, 1);
await reel.kill("SIGTERM");
const [{ n: stored }] = ask(reel.home, "SELECT count(*) AS n FROM jobs");
nginx.stop();

// Each run has its own nginx beside it: what else the machine does then weighs on both.
const share = (name, ceiling) =>
  median(results[name].map((result, n) => result.rate / results[ceiling][n].rate));
const rate = (name) => median(results[name].map((result) => result.rate));
const p99 = (name) => median(results[name].map((result) => result.p99));
const row = (...cells) =>
  console.log(
    cells.map((cell, n) => (n ? String(cell).padStart(12) : String(cell).padEnd(22))).join(""),
  );
row("", "per second", "p99 ms", "CPU µs each", "of nginx");
row("nginx return 200 GET", rate("nginxGet").toFixed(0), p99("nginxGet").toFixed(2), "", "");
row("nginx return 200 POST", rate("nginxPost").toFixed(0), p99("nginxPost").toFixed(2), "", "");
row(
  "status",
  rate("status").toFixed(0),
  p99("status").toFixed(2),
  median(cpu.status).toFixed(1),
  `${(100 * share("status", "nginxGet")).toFixed(0)} %`,
);
row(
  "durable submit",
  rate("submit").toFixed(0),
  p99("submit").toFixed(2),
  median(cpu.submit).toFixed(1),
  `${(100 * share("submit", "nginxPost")).toFixed(0)} %`,
);
console.log(
  `memory: ${(idle / 1e6).toFixed(1)} MB idle, ${(loaded / 1e6).toFixed(1)} MB after ${answered} submits; fdatasync of 4 KiB: median ${sync.median.toFixed(2)} ms, p99 ${sync.p99.toFixed(2)} ms`,
);
if (check) {
  gate.expect(errors === 0, `${errors} answers were not 2xx`);
  // Requests that wrk had open when its time was up were stored too, but not counted by it.
  gate.expect(
    stored >= answered && stored <= answered + connections * runs,
    `${stored} jobs are stored of ${answered} answered`,
  );
  gate.least("status reads of nginx return 200", share("status", "nginxGet"), 0.6);
  gate.least("durable submits of nginx return 200", share("submit", "nginxPost"), 0.15);
  gate.expect(idle <= 20e6, "idle memory is at most 20 MB");
  gate.expect(loaded <= 100e6, "memory under load is at most 100 MB");
  gate.end();
}
rmSync(reel.home, { recursive: true, force: true });
rmSync(folder, { recursive: true, force: true });
