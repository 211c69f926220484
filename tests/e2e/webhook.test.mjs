// Webhooks as their receivers see them, checked with the libraries that receivers use.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { Reel, sleep, temporaryFolder } from "../rig.mjs";
import { Receiver } from "../receiver.mjs";

const small = { width: 256, height: 256 };
const still = { model: "local/still", prompt: "A lighthouse", ...small };
const clip = { model: "local/animatic", prompt: "A tide", duration: 2, fps: 12, ...small };
const unfindable = { model: "local/kenburns", imageUrl: "http://127.0.0.1:1/x.png", duration: 1 };
const own = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const environment = {
  REEL_ALLOW_NETWORKS: "127.0.0.0/8",
  REEL_ALLOW_PORTS: "*",
  REEL_WEBHOOKS_SCHEDULE: "0s, 100ms, 100ms, 100ms",
  REEL_WEBHOOKS_TIMEOUT: "2s",
};
let reel, receiver;

before(async () => {
  receiver = await new Receiver().start();
  reel = await new Reel({ environment }).start();
  await reel.ready();
});
after(async () => {
  const exit = await reel.stop();
  await receiver.stop();
  assert.equal(
    exit.status,
    0,
    `the server ended with ${JSON.stringify(exit)}: ${reel.log.slice(-4000)}`,
  );
});

const secretOf = async () => (await reel.get("/api/v1/webhooks/secret")).body.secret;

// Both libraries accept the call, and refuse it when a byte is changed.
function verify(call, secret) {
  const { headers } = call;
  const text = call.body.toString();
  const read = new Webhook(secret).verify(text, headers);
  assert.deepEqual(new SvixWebhook(secret).verify(text, headers), read);
  assert.throws(() => new Webhook(secret).verify(text.replace("jobId", "jobID"), headers));
  return read;
}

// The job's deliveries once none is pending.
async function settled(jobId, seconds = 20) {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const { status, body } = await reel.get(`/api/v1/jobs/${jobId}/deliveries`);
    assert.equal(status, 200);
    if (body.items.length && body.items.every((item) => item.state !== "pending"))
      return body.items;
    if (Date.now() > until) throw new Error(`still pending: ${JSON.stringify(body)}`);
    await sleep(20);
  }
}

test("the end of a job is told, signed, with a link that works", async () => {
  const metadata = { order: "17" };
  const { jobId, warnings } = await reel.generate({
    ...still,
    metadata,
    webhookUrl: receiver.url("ok/end?a=1"),
  });
  assert.equal(warnings, undefined);
  const [call] = await receiver.received("ok/end?a=1");
  const body = verify(call, await secretOf());
  const done = await reel.finished(jobId);
  assert.equal(call.method, "POST");
  assert.equal(call.headers["content-type"], "application/json");
  assert.match(call.headers["user-agent"], /^reel\//);
  assert.equal(call.id, `msg_${jobId.slice(4)}_1`);
  assert.ok(Math.abs(Number(call.headers["webhook-timestamp"]) - Date.now() / 1000) < 5);
  assert.equal(body.event, "completed");
  assert.equal(body.jobId, jobId);
  assert.equal(body.status, "completed");
  assert.equal(body.result.fileSizeBytes, done.result.fileSizeBytes);
  assert.equal(body.result.processingTimeMs, done.processingTimeMs);
  assert.equal(body.sequence, 1);
  assert.deepEqual(body.metadata, metadata);
  const file = await reel.download(body.result.url);
  assert.equal(file.status, 200);
  assert.equal(file.bytes.length, done.result.fileSizeBytes);

  const [item] = await settled(jobId);
  assert.equal(item.state, "delivered");
  assert.equal(item.id, call.id);
  assert.equal(item.url, receiver.url("ok/end?a=1"));
  assert.equal(item.attempts.length, 1);
  assert.equal(item.attempts[0].status, 204);
  assert.equal(item.attempts[0].error, undefined);
  assert.equal(receiver.ids.get(call.id).length, 1);
});

test("failures and cancels are ends too", async () => {
  const failed = await reel.generate({ ...unfindable, webhookUrl: receiver.url("ok/failed") });
  const body = verify((await receiver.received("ok/failed"))[0], await secretOf());
  const status = await reel.finished(failed.jobId);
  assert.equal(body.event, "completed");
  assert.equal(body.status, "failed");
  assert.equal(body.error, status.error);
  assert.equal(body.errorCode, status.errorCode);
  assert.equal(body.result, undefined);

  const later = await reel.generate({
    ...still,
    startAt: 3600,
    webhookUrl: receiver.url("ok/canceled"),
  });
  await reel.call("DELETE", `/api/v1/generate/${later.jobId}`);
  const canceled = verify((await receiver.received("ok/canceled"))[0], await secretOf());
  assert.equal(canceled.status, "canceled");
  assert.equal(canceled.receipt, "not_submitted");
});

test("started and progress are told to who asks, in growing sequence", async () => {
  const { jobId } = await reel.generate({
    ...clip,
    webhookUrl: receiver.url("ok/all"),
    webhookEvents: ["started", "progress", "completed"],
  });
  await reel.finished(jobId);
  const items = await settled(jobId);
  const secret = await secretOf();
  const events = items.map((item) => item.event).reverse();
  assert.equal(events[0], "started");
  assert.equal(events.at(-1), "completed");
  const bodies = receiver.calls
    .filter((call) => call.path === "/ok/all")
    .map((call) => verify(call, secret));
  assert.deepEqual(
    bodies.map((body) => body.sequence).sort((a, b) => a - b),
    bodies.map((_, n) => n + 1),
  );
  const started = bodies.find((body) => body.event === "started");
  assert.equal(started.status, "processing");

  const quiet = await reel.generate({
    ...still,
    webhookUrl: receiver.url("ok/quiet"),
    webhookEvents: ["started"],
  });
  await reel.finished(quiet.jobId);
  assert.deepEqual((await settled(quiet.jobId)).map((item) => item.event), ["started"]);
});
test("what fails is tried again: the same id and bytes, a new signature, and the log says why", async () => {
  const { jobId } = await reel.generate({ ...still, webhookUrl: receiver.url("third/again") });
  const calls = await receiver.received("third/again", 3);
  const secret = await secretOf();
  assert.equal(new Set(calls.map((call) => call.id)).size, 1);
  assert.equal(new Set(calls.map((call) => call.body.toString("hex"))).size, 1);
  for (const call of calls) verify(call, secret);
  const [item] = await settled(jobId);
  assert.equal(item.state, "delivered");
  assert.deepEqual(
    item.attempts.map((line) => [line.number, line.status, line.error]),
    [
      [1, 500, "It answered 500 (Internal Server Error)."],
      [2, 500, "It answered 500 (Internal Server Error)."],
      [3, 200, undefined],
    ],
  );
});

test("a receiver says when it wants to be asked again", async () => {
  await reel.generate({ ...still, webhookUrl: receiver.url("later/1") });
  const [first, second] = await receiver.received("later/1", 2);
  assert.ok(second.at - first.at >= 1990, `${second.at - first.at} ms`);
});

test("410 ends it at once; the last try ends it too", async () => {
  const gone = await reel.generate({ ...still, webhookUrl: receiver.url("gone/1") });
  const refused = await reel.generate({ ...still, webhookUrl: receiver.url("refuse/1") });
  const [ended] = await settled(gone.jobId);
  assert.equal(ended.state, "gone");
  assert.equal(ended.attempts.length, 1);
  const [failed] = await settled(refused.jobId);
  assert.equal(failed.state, "failed");
  assert.equal(failed.attempts.length, 4);
  assert.equal(receiver.ids.get(failed.id).length, 4);
});

test("the log says what stood in the way", async () => {
  const folder = temporaryFolder();
  execFileSync("openssl", [
    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
    "-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem"),
  ], { stdio: "ignore" });
  const secure = await new Receiver({
    tls: {
      key: readFileSync(join(folder, "key.pem")),
      cert: readFileSync(join(folder, "cert.pem")),
    },
  }).start();
  const rows = [
    [receiver.url("redirect/1"), /It answered 302 .*redirects are not followed/],
    ["http://127.0.0.1:1/", /could not be connected to/],
    ["http://nowhere.invalid/", /could not be found/],
    [secure.url("ok/tls"), /No secure connection/],
    [receiver.url("break/1"), /broke before its answer was complete/],
    [receiver.url("never/1"), /did not answer in time|more than 2 s/],
  ];
  const jobs = [];
  for (const [webhookUrl] of rows)
    jobs.push((await reel.generate({ ...still, webhookUrl })).jobId);
  for (const [n, jobId] of jobs.entries()) {
    const [item] = await settled(jobId, 40);
    assert.equal(item.state, "failed");
    assert.match(item.attempts[0].error, rows[n][1]);
  }
  assert.equal(receiver.calls.filter((call) => call.path === "/ok/redirected").length, 0);
  assert.equal(secure.calls.length, 0);
  await secure.stop();
});

test("answers without an end are cut off; their status counts", async () => {
  const taken = await reel.generate({ ...still, webhookUrl: receiver.url("flood/1") });
  const refused = await reel.generate({ ...still, webhookUrl: receiver.url("flood-refuse/1") });
  const before = reel.residentBytes();
  assert.equal((await settled(taken.jobId))[0].state, "delivered");
  const [failed] = await settled(refused.jobId);
  assert.equal(failed.state, "failed");
  assert.equal(failed.attempts[0].status, 500);
  assert.ok(failed.attempts[0].ms < 1500, `${failed.attempts[0].ms} ms`);
  assert.ok(reel.residentBytes() - before < 32 * 1024 * 1024);
});

test("secrets: one for each tenant, replaced on demand while the old one signs too", async () => {
  const first = await reel.get("/api/v1/webhooks/secret");
  assert.equal(first.headers.get("cache-control"), "no-store");
  assert.match(first.body.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  const rotated = await reel.post("/api/v1/webhooks/secret/rotate");
  assert.equal(rotated.status, 200);
  assert.notEqual(rotated.body.secret, first.body.secret);
  const hours = (Date.parse(rotated.body.previousSignsUntil) - Date.now()) / 3600000;
  assert.ok(hours > 23.9 && hours <= 24);
  assert.equal(await secretOf(), rotated.body.secret);
  await reel.generate({ ...still, webhookUrl: receiver.url("ok/rotated") });
  const [call] = await receiver.received("ok/rotated");
  assert.equal(call.headers["webhook-signature"].split(" ").length, 2);
  verify(call, first.body.secret);
  verify(call, rotated.body.secret);
});

test("a job may have a secret of its own, which is never shown", async () => {
  for (const webhookSecret of ["secret", "whsec_", "whsec_!!!", "whsec_QUJD", 7, ""]) {
    const refused = await reel.post("/api/v1/generate", {
      ...still,
      webhookUrl: receiver.url("ok/own"),
      webhookSecret,
    });
    assert.equal(refused.status, 400);
    assert.equal(refused.body.details[0].field, "webhookSecret");
  }
  const { jobId } = await reel.generate({
    ...still,
    webhookUrl: receiver.url("ok/own"),
    webhookSecret: own,
  });
  const [call] = await receiver.received("ok/own");
  verify(call, own);
  const ofTheTenant = await secretOf();
  assert.throws(() => new Webhook(ofTheTenant).verify(call.body.toString(), call.headers));
  await settled(jobId);
  const answers = await Promise.all([
    reel.get(`/api/v1/generate/${jobId}`),
    reel.get(`/api/v1/jobs/${jobId}/deliveries`),
    reel.get(`/api/v1/jobs/${jobId}/timeline`),
    reel.get("/api/v1/jobs"),
    reel.get("/metrics"),
  ]);
  for (const answer of answers) assert.ok(!answer.text.includes(own.slice(6, 20)));
  assert.ok(!reel.log.includes(own.slice(6, 20)));
});

test("a webhook goes with the job into its repetition", async () => {
  const first = await reel.generate({
    ...still,
    webhookUrl: receiver.url("ok/repeated"),
    webhookSecret: own,
  });
  await reel.finished(first.jobId);
  const again = await reel.post(`/api/v1/generate/${first.jobId}/retry`);
  assert.equal(again.status, 202);
  const calls = await receiver.received("ok/repeated", 2);
  assert.equal(verify(calls[1], own).jobId, again.body.jobId);
});

test("addresses that may not be called are refused when the job is asked for", async () => {
  const guarded = await new Reel({
    environment: { REEL_WEBHOOKS_SCHEDULE: "0s" },
  }).start();
  await guarded.ready();
  for (const url of ["http://127.0.0.1/", "http://10.0.0.1/x", "http://example.com:22/"]) {
    const refused = await guarded.post("/api/v1/generate", { ...still, webhookUrl: url });
    assert.equal(refused.status, 400, url);
    assert.equal(refused.body.details[0].field, "webhookUrl");
    const tested = await guarded.post("/api/v1/webhooks/test", { url });
    assert.equal(tested.status, 400, url);
    assert.equal(tested.body.details[0].field, "url");
  }
  // A name shows only when it is resolved where it leads.
  const { jobId } = await guarded.generate({ ...still, webhookUrl: "http://localhost/hook" });
  const until = Date.now() + 20000;
  let item;
  do {
    await sleep(50);
    item = (await guarded.get(`/api/v1/jobs/${jobId}/deliveries`)).body.items[0];
  } while (item?.state !== "failed" && Date.now() < until);
  assert.match(item.attempts[0].error, /may not be fetched from/);
  await guarded.stop();
});

test("a test call says how it went", async () => {
  const good = await reel.post("/api/v1/webhooks/test", { url: receiver.url("ok/test") });
  assert.equal(good.status, 200);
  assert.equal(good.body.delivered, true);
  assert.equal(good.body.status, 204);
  const [call] = await receiver.received("ok/test");
  assert.equal(call.id, good.body.id);
  assert.equal(new Webhook(await secretOf()).verify(call.body.toString(), call.headers).event, "test");
  const bad = await reel.post("/api/v1/webhooks/test", { url: receiver.url("refuse/test") });
  assert.equal(bad.body.delivered, false);
  assert.equal(bad.body.status, 500);
  assert.match(bad.body.error, /It answered 500/);
  for (const body of [{}, { url: "ftp://x" }, { url: 7 }, { url: receiver.url("ok"), more: 1 }, []])
    assert.equal((await reel.post("/api/v1/webhooks/test", body)).status, 400);
});

test("a delivery is sent again on demand: the same id and bytes", async () => {
  const { jobId } = await reel.generate({ ...still, webhookUrl: receiver.url("ok/redeliver") });
  await settled(jobId);
  const path = `/api/v1/jobs/${jobId}/deliveries`;
  const again = await reel.post(`${path}/1/redeliver`);
  assert.equal(again.status, 202);
  assert.equal(again.body.items[0].number, 1);
  const [first, second] = await receiver.received("ok/redeliver", 2);
  assert.equal(second.id, first.id);
  assert.deepEqual(second.body, first.body);
  const [item] = await settled(jobId);
  assert.equal(item.attempts.length, 2);
  for (const number of ["2", "0", "x", "-1", "99999999999"])
    assert.equal((await reel.post(`${path}/${number}/redeliver`)).status, 404, number);
  const stranger = "/api/v1/jobs/gen_000000000000100aywaheppjw7/deliveries";
  assert.equal((await reel.get(stranger)).status, 404);
  assert.equal((await reel.post(`${stranger}/1/redeliver`)).status, 404);
  assert.equal((await reel.get(path, { authorization: "Bearer wrong" })).status, 401);
  const plain = await reel.generate(still);
  assert.deepEqual((await reel.get(`/api/v1/jobs/${plain.jobId}/deliveries`)).body.items, []);
});

test("what was not delivered is sent after kill -9, with the same id and bytes", async () => {
  const patient = await new Reel({
    environment: { ...environment, REEL_WEBHOOKS_SCHEDULE: "0s, 1s, 1s, 1s, 1s, 1s" },
  }).start();
  await patient.ready();
  const { jobId } = await patient.generate({ ...still, webhookUrl: receiver.url("never/kill") });
  await receiver.received("never/kill");
  await patient.kill();
  await patient.start();
  await patient.ready();
  const [first, second] = await receiver.received("never/kill", 2);
  assert.equal(second.id, first.id);
  assert.deepEqual(second.body, first.body);
  const { body } = await patient.get(`/api/v1/jobs/${jobId}/deliveries`);
  assert.equal(body.items.length, 1);
  await patient.kill();
  await patient.stop();
});

test("metrics count deliveries", async () => {
  const text = (await reel.get("/metrics")).text;
  const value = (name) => Number(text.match(new RegExp(`^${name} (\\d+)$`, "m"))[1]);
  assert.ok(value('reel_webhook_deliveries_total{result="delivered"}') > 5);
  assert.ok(value('reel_webhook_deliveries_total{result="given_up"}') >= 6);
  assert.ok(value('reel_webhook_deliveries_total{result="gone"}') >= 1);
  assert.equal(value("reel_webhook_pending"), 0);
});

test("the operator is told of webhooks that fail, and of a disk that is nearly full", async () => {
  const watched = await new Reel({
    environment: {
      ...environment,
      REEL_ALERTS_URL: receiver.url("ok/alerts"),
      REEL_ALERTS_SECRET: own,
    },
  }).start();
  await watched.ready();
  for (let n = 0; n < 3; n++)
    await watched.generate({ ...still, webhookUrl: receiver.url("refuse/watched") });
  const [call] = await receiver.received("ok/alerts");
  const alert = new Webhook(own).verify(call.body.toString(), call.headers);
  assert.equal(alert.event, "alert");
  assert.equal(alert.kind, "deliveries");
  assert.match(alert.message, /webhook msg_\S+ fails after 3 tries: It answered 500/);
  await sleep(500);
  assert.equal(receiver.calls.filter((call) => call.path === "/ok/alerts").length, 1);
  await watched.stop();

  const full = await new Reel({
    environment: {
      ...environment,
      REEL_DISK_RESERVE: "1000GB",
      REEL_ALERTS_URL: receiver.url("ok/disk"),
    },
  }).start();
  const [disk] = await receiver.received("ok/disk");
  assert.equal(disk.headers["webhook-signature"], undefined);
  const told = JSON.parse(disk.body.toString());
  assert.equal(told.kind, "disk");
  assert.match(told.message, /nearly full/);
  await full.stop();
});
