#!/usr/bin/env node
// Webhooks to receivers of every kind while the server is killed: every event arrives at least once,
// under one id and with one body; receivers that answer are not held up by those that are down, slow,
// refuse, redirect, flood or never answer. KILLS (20), CLIENTS (8) and SEED can be set.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:net";
import { Reel, Gate, ask, sleep } from "../rig.mjs";
import { Receiver } from "../receiver.mjs";
import { rmSync } from "node:fs";

const kills = Number(process.env.KILLS ?? 20);
const clients = Number(process.env.CLIENTS ?? 8);
let seed = Number(process.env.SEED ?? 1);
function random() {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed / 2147483648;
}

const gate = new Gate("webhooks");
const reel = new Reel({
  environment: {
    REEL_LOG_LEVEL: "error",
    REEL_ALLOW_NETWORKS: "127.0.0.0/8",
    REEL_ALLOW_PORTS: "*",
    REEL_WEBHOOKS_SCHEDULE: "0s, 1s, 2s, 4s, 8s",
    REEL_WEBHOOKS_TIMEOUT: "5s",
  },
});

// A port at which nobody listens, and one where connections are taken up and nothing is said.
const silent = createServer(() => {});
await new Promise((done) => silent.listen(0, "127.0.0.1", done));
const closed = createServer();
await new Promise((done) => closed.listen(0, "127.0.0.1", done));
const deadPort = closed.address().port;
await new Promise((done) => closed.close(done));

const kinds = ["refuse", "redirect", "slow", "never", "flood", "flood-refuse", "break", "third"];
const receivers = {};
for (const name of ["good-1", "good-2", "good-3", ...kinds])
  receivers[name] = await new Receiver().start();
const good = ["good-1", "good-2", "good-3"];
const hooks = {
  dead: () => `http://127.0.0.1:${deadPort}/`,
  silent: () => `http://127.0.0.1:${silent.address().port}/`,
};
for (const name of kinds) hooks[name] = (n) => receivers[name].url(`${name}/${n}`);
const bad = Object.keys(hooks);

let running = true, asked = 0;

// Most jobs are ended without a render, so that there is more to tell than workers could make.
async function client() {
  while (running) {
    const n = asked++;
    const isGood = random() < 0.5;
    const name = isGood ? good[Math.floor(random() * 3)] : bad[Math.floor(random() * bad.length)];
    const webhookUrl = isGood ? receivers[name].url(`ok/${n}`) : hooks[name](n);
    const request = { model: "local/still", prompt: `p${n}`, width: 256, height: 256, webhookUrl };
    try {
      if (n % 40 === 0) {
        await reel.post("/api/v1/generate", request);
        continue;
      }
      const answer = await reel.post("/api/v1/generate", { ...request, startAt: 3600 });
      if (answer.status === 202)
        await reel.call("DELETE", `/api/v1/generate/${answer.body.jobId}`);
      else await sleep(50);
    } catch {
      await sleep(20); // the server is down
    }
  }
}

await reel.start();
await reel.ready();
const secret = (await reel.get("/api/v1/webhooks/secret")).body.secret;
const key = Buffer.from(secret.slice(6), "base64");
const running_clients = Array.from({ length: clients }, client);
let most = 0;
for (let n = 0; n < kills; n++) {
  await sleep(800 + 1600 * random());
  most = Math.max(most, reel.residentBytes());
  await reel.kill();
  await reel.start();
  await reel.ready();
}
await sleep(1000);
running = false;
await Promise.all(running_clients);

// What is due to receivers that answer is delivered soon; the others are tried for as long as the
// schedule says, and are not waited for.
const port = (name) => receivers[name].port;
const open = () =>
  ask(
    reel.home,
    `SELECT count(*) AS n FROM deliveries JOIN inputs ON inputs.job = deliveries.job WHERE state =
     'pending' AND (${good.map((name) => `options LIKE '%:${port(name)}/%'`).join(" OR ")})`,
  )[0].n;
const active = () =>
  ask(
    reel.home,
    "SELECT count(*) AS n FROM jobs WHERE ended_at = 0 AND state <> 'waiting'",
  )[0].n;
const until = Date.now() + 30000;
while ((open() > 0 || active() > 0) && Date.now() < until) await sleep(200);
most = Math.max(most, reel.residentBytes());
await reel.kill("SIGTERM");

const rows = ask(
  reel.home,
  `SELECT jobs.id, jobs.ended_at, json_extract(options, '$.webhookUrl') AS url, deliveries.number,
   deliveries.state, deliveries.logged, body FROM jobs JOIN inputs ON inputs.job = jobs.key
   LEFT JOIN deliveries ON deliveries.job = jobs.key
   LEFT JOIN bodies ON bodies.job = jobs.key AND bodies.number = deliveries.number
   WHERE jobs.ended_at > 0`,
);
const byPort = new Map(Object.entries(receivers).map(([name, one]) => [one.port, { name, one }]));
let untold = 0, lost = 0, changed = 0, forged = 0, twice = 0, untried = 0;
const delays = [];
for (const row of rows) {
  if (row.number !== 1) {
    untold++;
    continue;
  }
  const found = byPort.get(Number(new URL(row.url).port));
  const id = `msg_${row.id.slice(4)}_1`;
  const calls = found?.one.ids.get(id) ?? [];
  const isGood = good.includes(found?.name);
  if (isGood && (calls.length === 0 || row.state !== "delivered")) lost++;
  if (!isGood && row.logged === 0 && row.state !== "pending") untried++;
  twice += isGood && calls.length > 1;
  for (const call of calls) {
    const sent = call.headers["webhook-timestamp"];
    const expected = createHmac("sha256", key).update(`${id}.${sent}.`).update(call.body).digest();
    const told = Buffer.from(call.headers["webhook-signature"].slice(3), "base64");
    if (told.length !== 32 || !timingSafeEqual(told, expected)) forged++;
    if (call.body.toString() !== row.body) changed++;
  }
  if (isGood && calls.length) delays.push(calls[0].at - row.ended_at);
}
delays.sort((a, b) => a - b);
const at = (share) => delays[Math.min(delays.length - 1, Math.floor(delays.length * share))];
const strange = Object.values(receivers).flatMap((one) =>
  [...one.ids.keys()].filter((id) => !/^msg_[0-9a-z]{26}_1$/.test(id)),
);
const unfound = ask(
  reel.home,
  `SELECT count(*) AS n FROM deliveries LEFT JOIN lanes ON lanes.key = deliveries.lane
   WHERE state = 'pending' AND (lanes.next_at IS NULL OR (lanes.next_at > deliveries.next_at
   AND lanes.next_at > (SELECT now FROM meta)))`,
)[0].n;
const pending = ask(reel.home, "SELECT count(*) AS n FROM deliveries WHERE state = 'pending'")[0].n;

console.log(
  `${rows.length} events, ${kills} kills; ${delays.length} to receivers that answer, ${twice} of ` +
    `them more than once; ${pending} still pending; delay p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ` +
    `most ${at(1)} ms; at most ${Math.round(most / 1048576)} MiB`,
);
gate.expect(rows.length > kills * 20, "there was something to tell");
gate.expect(untold === 0, `every end is a delivery of its own commit (${untold} are not)`);
gate.expect(lost === 0, `every receiver that answers was told of every end (${lost} were lost)`);
gate.expect(untried === 0, `nothing was given up without a try (${untried} were)`);
gate.expect(changed === 0, `every try had the same bytes (${changed} had others)`);
gate.expect(forged === 0, `every call was signed (${forged} were not)`);
gate.expect(strange.length === 0, `every event had one id (${strange.slice(0, 3)})`);
gate.expect(unfound === 0, `what is pending is found by its lane (${unfound} are not)`);
gate.most("milliseconds until receivers that answer have heard (p99)", at(0.99), 1000);
gate.expect(
  receivers.redirect.calls.every((call) => call.path.startsWith("/redirect/")),
  "redirects were not followed",
);
gate.expect(most < 128 * 1048576, "memory stayed below 128 MiB");
const counted = ask(reel.home, "SELECT hooks_pending AS n FROM meta")[0].n;
gate.expect(counted === pending, `the count of what is pending adds up (${counted})`);
for (const one of Object.values(receivers)) await one.stop();
silent.close();
rmSync(reel.home, { recursive: true, force: true });
gate.end();
process.exit();
