// RunPod's own client (npm: runpod-sdk), as it is but for its base URL, against a server that
// renders on this machine. For it a good answer is a 200: of a 202 it keeps nothing.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import runpodSdk from "runpod-sdk";
import { Reel, sleep } from "../rig.mjs";
import { Receiver } from "../receiver.mjs";

const small = { width: 256, height: 256 };
const still = { input: { prompt: "A lighthouse", ...small } };
const later = { input: { prompt: "Some day", startAt: 3600, ...small } };
let reel, receiver, runpod, endpoint;

before(async () => {
  receiver = await new Receiver().start();
  reel = await new Reel({
    environment: {
      REEL_ALLOW_NETWORKS: "127.0.0.0/8",
      REEL_ALLOW_PORTS: "*",
      RUNPOD_LTX2_ENDPOINT_ID: "1a2b3c4d5e6f7g",
    },
  }).start();
  await reel.ready();
  runpod = runpodSdk(reel.token, { baseUrl: `${reel.url}/runpod/v2` });
  endpoint = runpod.endpoint("local-still");
});
after(async () => {
  const exit = await reel.stop();
  await receiver.stop();
  assert.equal(exit.status, 0, `${JSON.stringify(exit)}: ${reel.log.slice(-4000)}`);
});

async function ended(of, id, seconds = 60) {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const status = await of.status(id);
    if (status.completed) return status;
    if (Date.now() > until) throw new Error(JSON.stringify(status));
    await sleep(50);
  }
}

test("run, status, and the file", async () => {
  const sent = await endpoint.run(still);
  assert.match(sent.id, /^gen_/);
  assert.equal(sent.status, "IN_QUEUE");
  const done = await ended(endpoint, sent.id);
  assert.equal(done.status, "COMPLETED");
  assert.equal(done.succeeded, true);
  assert.equal(typeof done.executionTime, "number");
  assert.equal(typeof done.delayTime, "number");
  assert.equal(done.output.url, done.output.image_url);
  const file = await reel.download(done.output.image_url);
  assert.equal(file.headers.get("content-type"), "image/png");
  assert.equal(file.bytes.length, done.output.file_size);
});

test("runSync, and statusSync", async () => {
  const done = await endpoint.runSync(still);
  assert.equal(done.status, "COMPLETED");
  assert.equal((await reel.download(done.output.url)).status, 200);
  const { id } = await endpoint.run(still);
  assert.equal((await endpoint.statusSync(id)).status, "COMPLETED");
  // Not over when the time is: the client polls on.
  const early = await endpoint.runSync(later, 1000);
  assert.equal(early.completed, false);
  assert.equal(early.status, "IN_QUEUE");
  await endpoint.cancel(early.id);
});

test("stream gives all that there is", async () => {
  const video = runpod.endpoint("local-animatic");
  const { id } = await video.run({ input: { prompt: "A tide", duration: 1, fps: 12, ...small } });
  const parts = [];
  for await (const part of video.stream(id)) parts.push(part);
  assert.equal(parts.length, 1);
  assert.equal(parts[0].output.content_type, "video/mp4");
});

test("cancel, and what a running job says", async () => {
  const { id } = await endpoint.run(later);
  assert.equal((await endpoint.status(id)).status, "IN_QUEUE");
  assert.deepEqual(await endpoint.cancel(id), { id, status: "CANCELLED" });
  const canceled = await endpoint.status(id);
  assert.deepEqual(
    [canceled.status, canceled.completed, canceled.succeeded],
    ["CANCELLED", true, false],
  );
  const video = runpod.endpoint("local-animatic");
  const long = await video.run({
    input: { prompt: "A long tide", duration: 60, fps: 30, width: 1280, height: 720 },
  });
  let now;
  do now = await video.status(long.id);
  while (now.status === "IN_QUEUE" || now.delayTime === undefined);
  assert.equal(now.status, "IN_PROGRESS");
  assert.equal(typeof now.output.progress, "number");
  assert.equal((await video.cancel(long.id)).status, "CANCELLED");
});

test("a failure", async () => {
  const video = runpod.endpoint("local-kenburns");
  const { id } = await video.run({
    input: { image_url: "http://127.0.0.1:1/none.png", duration: 1 },
  });
  const failed = await ended(video, id);
  assert.equal(failed.status, "FAILED");
  assert.equal(typeof failed.error, "string");
  const again = await reel.post(`/runpod/v2/local-kenburns/retry/${id}`);
  assert.equal(again.status, 200);
  assert.equal(again.body.status, "IN_QUEUE");
  assert.notEqual(again.body.id, id, "a retry has an id of its own");
  const { id: running } = await endpoint.run(later);
  assert.equal((await reel.post(`/v2/local-still/retry/${running}`)).status, 409);
  await endpoint.cancel(running);
});

test("health, requests, and purge-queue", async () => {
  const ids = [];
  for (let n = 0; n < 3; n++) ids.push((await endpoint.run(later)).id);
  const other = await runpod
    .endpoint("local-animatic")
    .run({ input: { prompt: "x", startAt: 3600 } });
  const health = await endpoint.health();
  assert.equal(health.jobs.inQueue, 3);
  assert.ok(health.jobs.completed >= 1);
  assert.ok(health.workers.ready >= 1);
  const list = await reel.get("/runpod/v2/local-still/requests");
  assert.deepEqual(
    list.body.requests.slice(0, 3).map((request) => request.id),
    ids.toReversed?.() ?? [...ids].reverse(),
  );
  assert.deepEqual(await endpoint.purgeQueue(), { removed: 3, status: "completed" });
  for (const id of ids) {
    const status = await ended(endpoint, id);
    assert.equal(status.status, "CANCELLED");
  }
  assert.equal((await endpoint.status(other.id)).status, "IN_QUEUE", "another endpoint's");
  assert.equal((await endpoint.purgeQueue()).removed, 0);
});

test("a purge takes more than a page", async () => {
  const body = JSON.stringify(later);
  const post = () => reel.post("/v2/local-still/run", body);
  for (let n = 0; n < 11; n++) await Promise.all(Array.from({ length: 20 }, post));
  const { removed } = await endpoint.purgeQueue(60000);
  assert.equal(removed, 220);
});

test("a webhook with the whole envelope", async () => {
  const { id } = await endpoint.run({ ...still, webhook: receiver.url("ok/runpod?t=SECRET") });
  const until = Date.now() + 30000;
  while (!receiver.calls.length && Date.now() < until) await sleep(50);
  const [call] = receiver.calls;
  assert.match(call.path, /t=SECRET$/);
  const body = JSON.parse(call.body);
  assert.equal(body.id, id);
  assert.equal(body.status, "COMPLETED");
  assert.equal(body.input.prompt, "A lighthouse");
  assert.equal((await reel.download(body.output.image_url)).status, 200);
});

test("endpoints: the configured id, or a model's with dashes", async () => {
  const input = { image_url: "https://example.com/a.png", job_id: "mine", num_inference_steps: 30 };
  for (const name of ["1a2b3c4d5e6f7g", "ltx2"]) {
    const answer = await reel.post(`/v2/${name}/run`, { input });
    assert.equal(answer.status, 503, answer.text);
    assert.match(answer.body.error, /RUNPOD_API_KEY/);
  }
  assert.equal((await reel.post("/v2/none/run", { input })).status, 404);
});

test("policy: ttl is a deadline, lowPriority a priority", async () => {
  const { id } = await endpoint.run({
    ...later,
    policy: { ttl: 7200000, executionTimeout: 900000, lowPriority: true },
    s3Config: { accessId: "AK", accessSecret: "SK", bucketName: "media" },
  });
  const { body } = await reel.get(`/api/v1/jobs/${id}`);
  assert.equal(body.priority, -50);
  assert.ok(Math.abs(new Date(body.deadline) - Date.now() - 7200_000) < 60_000);
  assert.ok(!JSON.stringify(body).includes("SK"), "the secret was not kept");
  await endpoint.cancel(id);
});

test("refusals, and the key alone", async () => {
  const wrong = await reel.post("/v2/local-still/run", { input: { prompt: 7 } });
  assert.equal(wrong.status, 400);
  assert.match(wrong.body.error, /^prompt is 7/);
  assert.equal((await reel.post("/v2/local-still/run", {})).status, 400);
  assert.equal((await reel.get("/v2/local-still/status/eaebd6e7-u1")).status, 404);
  const bare = { authorization: reel.token };
  assert.equal((await reel.get("/v2/local-still/health", bare)).status, 200);
  assert.equal((await reel.get("/v2/local-still/health", { authorization: "x" })).status, 401);
  assert.equal((await reel.get("/v1/predictions", bare)).status, 401);
});
