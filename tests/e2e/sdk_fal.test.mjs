// fal's own client (npm: @fal-ai/client), as it is but for where its requests go: by a middleware
// that changes the address, and by its proxy mode, against a server that renders on this machine.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import { createFalClient } from "@fal-ai/client";
import { Webhook } from "standardwebhooks";
import { Reel, sleep } from "../rig.mjs";
import { Receiver } from "../receiver.mjs";
import { Cutter } from "../cutter.mjs";

const small = { width: 256, height: 256 };
const later = { prompt: "Some day", startAt: 3600, ...small };
const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
let reel, receiver;
const clients = {};

// Where fal's hosts are on a server of ours.
const moved = (base) => (request) =>
  Promise.resolve({
    ...request,
    url: request.url
      .replace("https://queue.fal.run", `${base}/fal`)
      .replace("https://fal.run", `${base}/fal/run`)
      .replace("https://rest.fal.ai", `${base}/fal`),
  });

before(async () => {
  receiver = await new Receiver().start();
  reel = await new Reel({
    environment: { REEL_ALLOW_NETWORKS: "127.0.0.0/8", REEL_ALLOW_PORTS: "*" },
  }).start();
  await reel.ready();
  clients.moved = createFalClient({
    credentials: reel.token,
    requestMiddleware: moved(reel.url),
  });
  clients.proxied = createFalClient({
    credentials: reel.token,
    proxyUrl: { url: `${reel.url}/fal/proxy`, when: "always" },
  });
});
after(async () => {
  const exit = await reel.stop();
  await receiver.stop();
  assert.equal(exit.status, 0, `${JSON.stringify(exit)}: ${reel.log.slice(-4000)}`);
});

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was not refused");
}

for (const name of ["moved", "proxied"]) {
  test(`${name}: submit, status, result`, async () => {
    const fal = clients[name];
    const sent = await fal.queue.submit("local/still", { input: { prompt: "Sea", ...small } });
    assert.match(sent.request_id, /^gen_/);
    assert.equal(sent.status, "IN_QUEUE");
    assert.equal(sent.response_url, `${reel.url}/fal/local/still/requests/${sent.request_id}`);
    const early = await refusal(
      fal.queue.result("local/still", {
        requestId: (await fal.queue.submit("local/still", { input: later })).request_id,
      }),
    );
    assert.equal(early.status, 400);
    assert.equal(early.body.detail, "Request is still in progress");
    const done = await fal.queue.subscribeToStatus("local/still", {
      requestId: sent.request_id,
      pollInterval: 50,
      logs: true,
    });
    assert.equal(done.status, "COMPLETED");
    assert.equal(done.error, undefined);
    assert.equal(typeof done.metrics.inference_time, "number");
    const { data, requestId } = await fal.queue.result("local/still", {
      requestId: sent.request_id,
    });
    assert.equal(requestId, sent.request_id);
    const file = await reel.download(data.images[0].url);
    assert.equal(file.headers.get("content-type"), "image/png");
    assert.equal(file.bytes.length, data.images[0].file_size);
  });

  test(`${name}: subscribe, by polls and by a stream`, async () => {
    const fal = clients[name];
    const input = { prompt: "A tide", duration: 1, fps: 12, ...small };
    for (const mode of ["polling", "streaming"]) {
      const seen = [];
      const { data } = await fal.subscribe("local/animatic", {
        input,
        mode,
        pollInterval: 50,
        logs: true,
        onQueueUpdate: (update) => seen.push(update.status),
      });
      assert.equal(seen.at(-1), "COMPLETED", `${mode}: ${seen}`);
      assert.equal(data.video.content_type, "video/mp4");
      assert.equal((await reel.download(data.video.url)).bytes.length, data.video.file_size);
    }
  });

  test(`${name}: run waits for the result`, async () => {
    const { data, requestId } = await clients[name].run("local/still", {
      input: { prompt: "Sea", ...small },
    });
    assert.match(requestId, /^gen_/);
    assert.equal((await reel.download(data.images[0].url)).status, 200);
  });

  test(`${name}: cancel`, async () => {
    const fal = clients[name];
    const { request_id: requestId } = await fal.queue.submit("local/still", { input: later });
    assert.equal((await fal.queue.status("local/still", { requestId })).status, "IN_QUEUE");
    await fal.queue.cancel("local/still", { requestId });
    const status = await fal.queue.status("local/still", { requestId });
    assert.equal(status.status, "COMPLETED");
    assert.equal(status.error_type, "client_cancelled");
    const result = await refusal(fal.queue.result("local/still", { requestId }));
    assert.equal(result.status, 499);
    const again = await fal.queue.submit("local/still", { input: { prompt: "Sea", ...small } });
    await fal.queue.subscribeToStatus("local/still", { requestId: again.request_id });
    const late = await refusal(fal.queue.cancel("local/still", { requestId: again.request_id }));
    assert.equal(late.status, 400);
    assert.equal(late.body.status, "ALREADY_COMPLETED");
  });

  test(`${name}: refusals and failures in its shape`, async () => {
    const fal = clients[name];
    const wrong = await refusal(
      fal.queue.submit("local/still", { input: { prompt: 7, colour: "red" } }),
    );
    assert.equal(wrong.status, 422);
    assert.equal(wrong.name, "ValidationError");
    assert.deepEqual(
      wrong.fieldErrors.map((error) => error.loc),
      [
        ["body", "colour"],
        ["body", "prompt"],
      ],
    );
    assert.equal(wrong.getFieldErrors("prompt").length, 1);
    assert.equal((await refusal(fal.queue.submit("no/such", { input: {} }))).status, 404);
    const failed = await fal.queue.submit("local/kenburns", {
      input: { image_url: "http://127.0.0.1:1/none.png", duration: 1 },
    });
    const { request_id: requestId } = failed;
    const status = await fal.queue.subscribeToStatus("local/kenburns", { requestId });
    assert.equal(status.error_type, "file_download_error");
    const result = await refusal(fal.queue.result("local/kenburns", { requestId }));
    assert.equal(result.status, 422);
    assert.equal(result.fieldErrors[0].type, "file_download_error");
    const unknown = { requestId: "019b0c3e-7a51-7c22-9f10-3d5b8a6e4c01" };
    assert.equal((await refusal(fal.queue.status("local/still", unknown))).status, 404);
  });
}

test("a status is 202 until it is over", async () => {
  const sent = await clients.moved.queue.submit("local/still", { input: later });
  const path = new URL(sent.status_url).pathname;
  const waiting = await reel.get(path);
  assert.equal(waiting.status, 202);
  assert.equal(waiting.headers.get("x-fal-request-id"), sent.request_id);
  await reel.call("PUT", new URL(sent.cancel_url).pathname);
  assert.equal((await reel.get(path)).status, 200);
});

test("files become inputs", async () => {
  const fal = clients.moved;
  const url = await fal.storage.upload(new Blob([png], { type: "image/png" }));
  assert.match(url, /^reel:\/\/upl_/);
  const input = { duration: 1, fps: 12, ...small };
  const first = await fal.run("local/kenburns", { input: { ...input, imageUrl: url } });
  assert.equal((await reel.download(first.data.video.url)).status, 200);
  // A file in an input is uploaded by the client itself; in proxy mode too.
  const blob = new Blob([png], { type: "image/png" });
  const second = await clients.proxied.run("local/kenburns", {
    input: { ...input, image_url: blob },
  });
  assert.equal(second.data.video.content_type, "video/mp4");
  // The address takes one file, and is of use to nobody who changes it.
  const { body } = await reel.post("/fal/storage/upload/initiate", {});
  const put = (address) => fetch(address, { method: "PUT", body: png });
  const other = await reel.post("/fal/storage/upload/initiate", {});
  const [path] = body.upload_url.split("?");
  const [, query] = other.body.upload_url.split("?");
  assert.equal((await put(path)).status, 401);
  assert.equal((await put(`${path}?${query}`)).status, 401);
  assert.equal((await put(body.upload_url)).status, 200);
  const twice = await put(body.upload_url);
  assert.ok(twice.status >= 400, `a second file: ${twice.status}`);
});

test("the proxy goes nowhere else", async () => {
  for (const target of [
    undefined,
    "https://example.com/fal-ai/veo3",
    "https://queue.fal.run.example.com/local/still",
    "https://queue.fal.run/proxy",
    "https://rest.fal.ai/tokens/",
    `${reel.url}/api/v1/generate`,
  ]) {
    const headers = target ? { "x-fal-target-url": target } : {};
    const answer = await reel.post("/fal/proxy", { prompt: "x" }, headers);
    assert.equal(answer.status, 422, `${target}: ${answer.text}`);
    assert.equal(answer.body.detail[0].loc[1], "x-fal-target-url");
  }
});

test("webhooks in fal's shape, with its signature", async () => {
  const fal = clients.moved;
  const good = await fal.queue.submit("local/still", {
    input: { prompt: "Told", ...small },
    webhookUrl: receiver.url("ok/fal?job=1"),
  });
  const bad = await fal.queue.submit("local/kenburns", {
    input: { imageUrl: "http://127.0.0.1:1/none.png", duration: 1 },
    webhookUrl: receiver.url("ok/fal?job=2"),
  });
  const until = Date.now() + 30000;
  while (receiver.calls.length < 2 && Date.now() < until) await sleep(50);
  const { keys } = (await (await fetch(`${reel.url}/fal/.well-known/jwks.json`)).json());
  const key = createPublicKey({ key: keys[0], format: "jwk" });
  const { secret } = (await reel.get("/api/v1/webhooks/secret")).body;
  const bodies = {};
  for (const call of receiver.calls) {
    const header = (name) => call.headers[`x-fal-webhook-${name}`];
    const digest = createHash("sha256").update(call.body).digest("hex");
    const message = [header("request-id"), header("user-id"), header("timestamp"), digest];
    const signature = Buffer.from(header("signature"), "hex");
    assert.ok(verify(null, Buffer.from(message.join("\n")), key, signature));
    assert.ok(Math.abs(Date.now() / 1000 - header("timestamp")) < 300);
    new Webhook(secret).verify(call.body.toString(), call.headers);
    const body = JSON.parse(call.body);
    assert.equal(body.request_id, header("request-id"));
    bodies[body.request_id] = body;
  }
  const told = bodies[good.request_id];
  assert.equal(told.status, "OK");
  assert.equal((await reel.download(told.payload.images[0].url)).status, 200);
  const failed = bodies[bad.request_id];
  assert.equal(failed.status, "ERROR");
  assert.equal(failed.payload.detail[0].type, "file_download_error");
});

test("priority low is low", async () => {
  const sent = await clients.moved.queue.submit("local/still", { input: later, priority: "low" });
  assert.equal((await reel.get(`/api/v1/jobs/${sent.request_id}`)).body.priority, -50);
});

test("a submit that the client sends again after a broken connection is one job", async () => {
  const cutter = await new Cutter(reel, 1).start();
  const cut = createFalClient({
    credentials: reel.token,
    requestMiddleware: moved(cutter.url),
  });
  const input = { ...later, metadata: { resent: "fal" } };
  const sent = await cut.queue.submit("local/still", { input });
  await cutter.stop();
  assert.equal(cutter.creates, 2);
  const { items } = (await reel.get("/api/v1/jobs?metadata.resent=fal")).body;
  assert.deepEqual(
    items.map((job) => job.jobId),
    [sent.request_id],
  );
});
