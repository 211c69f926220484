#!/usr/bin/env node
// Ten thousand jobs at providers of whose answers a fifth is lost after they accepted: a gateway
// beside a sandbox, canned files. Nothing may be submitted twice, nothing stay open, and every cent
// of the gateway's attempts must stand in the providers' ledger. JOBS names another number.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Gate, Reel, ask, root, sleep, temporaryFolder } from "../rig.mjs";
import { attemptOf, canned, makeFiles, models, readLedger, writeScript } from "../sandbox.mjs";

const jobs = Number(process.env.JOBS ?? 10000);
const clients = 8;
const limit = 300; // s
const folder = temporaryFolder();
const gate = new Gate("lost answers");

makeFiles(folder);

// The built-in entries, but for how much each provider takes at once: otherwise that is the measure.
const catalog = join(folder, "catalog");
mkdirSync(catalog);
for (const name of ["replicate", "fal", "runpod"]) {
  const { provider } = JSON.parse(readFileSync(join(root, "catalog", `${name}.json`), "utf8"));
  writeFileSync(join(catalog, `${name}.json`), JSON.stringify({ provider: { ...provider, limit: 500 } }));
}

// Every fifth, and not a chance of a fifth: five lost in a row open the breaker for a minute, which is
// as it should be and would be all that is measured. And jobs take so long that no call back
// overtakes the answer to its own submission, for want of which it waits for the safety poll.
const rules = [...canned(1500), { match: { call: "create" }, every: 5, fault: "lost_after" }];
const reel = new Reel({
  arguments: [
    ...["--sandbox", "--sandbox-script", writeScript(folder, rules)],
    ...["--set", "limits.inFlight=1500", "--set", "log.level=error"],
    ...["--set", `catalog.folder=${catalog}`],
  ],
});

const began = Date.now();
const seconds = () => (Date.now() - began) / 1000;
const one = (sql) => ask(reel.home, sql)[0];

async function submit(from) {
  for (let n = from; n < jobs; n += clients) {
    const [model, more] = models[n % models.length];
    await reel.generate({ model, prompt: `job number ${n}`, ...more });
  }
}

async function drain() {
  for (let shown = 0; ; await sleep(1000)) {
    const states = ask(reel.home, "SELECT state, count(*) AS n FROM jobs GROUP BY state");
    const ended = ["succeeded", "failed", "canceled", "expired"];
    const open = states.filter(({ state }) => !ended.includes(state));
    if (open.length === 0 || seconds() > 2 * limit) return;
    if (seconds() - shown < 20) continue;
    shown = seconds();
    console.log(`     ${Math.round(shown)} s: ${states.map(({ state, n }) => `${state} ${n}`).join(", ")}`);
  }
}

try {
  await reel.start();
  await reel.ready();
  await Promise.all(Array.from({ length: clients }, (_, n) => submit(n)));
  console.log(`     ${jobs} jobs submitted in ${seconds().toFixed(1)} s`);
  await drain();
  const took = seconds();
  const { n: succeeded } = one("SELECT count(*) AS n FROM jobs WHERE state = 'succeeded'");
  const { n: uncertain } = one(
    "SELECT count(DISTINCT job) AS n FROM timeline WHERE to_state = 'uncertain'",
  );
  const rows = readLedger(join(reel.home, "sandbox"));
  const attempts = new Map(
    ask(reel.home, "SELECT remote_id, settled FROM attempts WHERE remote_id <> ''").map((each) => [
      each.remote_id,
      each.settled,
    ]),
  );
  const distinct = (of) => new Set(rows.map(of)).size;
  const wrong = rows.filter((row) => attempts.get(row.remoteId) !== (row.priceMicros ?? 0));
  const cents = rows.reduce((sum, row) => sum + (row.priceMicros ?? 0), 0) / 1e6;
  const { n: settled } = one("SELECT sum(settled) AS n FROM attempts");
  console.log(
    `     ${succeeded} succeeded, ${uncertain} answers lost, ${rows.length} rows in the ledger, ` +
      `$${cents.toFixed(6)} there and $${(settled / 1e6).toFixed(6)} here, ` +
      `${(jobs / took).toFixed(1)} jobs/s, ${(reel.residentBytes() / 2 ** 20).toFixed(0)} MiB`,
  );
  gate.expect(succeeded === jobs, `all ${jobs} jobs have succeeded: ${succeeded}`);
  gate.expect(
    uncertain > jobs * 0.15 && uncertain < jobs * 0.25,
    `about a fifth of the answers was lost: ${uncertain}`,
  );
  gate.expect(rows.length === jobs, `the providers accepted each once: ${rows.length}`);
  gate.expect(distinct((row) => JSON.stringify(attemptOf(row))) === rows.length, "no attempt twice");
  gate.expect(distinct((row) => row.digest) === rows.length, "no input twice");
  gate.expect(rows.every((row) => row.became === "succeeded"), "the ledger knows every end");
  gate.expect(
    wrong.length === 0 && attempts.size === rows.length,
    `each attempt cost what its row says: ${wrong.length} differ`,
  );
  gate.expect(Math.round(cents * 1e6) === settled, "the sums are equal to the micro-dollar");
  gate.most("seconds from the first submission to the last end", took, limit);
} finally {
  await reel.stop();
  rmSync(folder, { recursive: true, force: true });
}
gate.end();
