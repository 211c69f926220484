// The models of Replicate and fal and the routes that are named after them, on a real server without
// keys: every model is checked and priced, nothing is sent anywhere.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Reel, root, temporaryFolder } from "../rig.mjs";

// The exchanges of golden/relay_mapping.txt: a model, an input, and the price that is expected.
function exchanges() {
  const text = readFileSync(join(root, "src/dialect/golden/relay_mapping.txt"), "utf8");
  return text
    .split("\n# ")
    .slice(1)
    .map((part) => {
      const [name, ...lines] = part.split("\n");
      const of = (mark) => lines.filter((line) => line.startsWith(mark)).map((l) => l.slice(2));
      return {
        name,
        model: name.split(",")[0],
        input: JSON.parse(of("> ").join("\n")),
        provider: of("< ")[0].split(" ")[0],
        price: of("< ").at(-1),
      };
    });
}

function priceOf(text) {
  if (text === "price unknown") return null;
  const [min, max] = text.match(/[\d.]+/g).map(Number);
  return { min, max: max ?? min, currency: "USD" };
}

let reel, folder;

// A user's own route under the same dialect: what it asks for is rendered on this machine.
const routes = ["fal", "replicate"].map((provider) => ({
  method: "POST",
  path: `/api/${provider}/still/submit`,
  provider,
  dialect: "relay",
  action: "submit",
  scope: "generate",
  model: "local/still",
}));

before(async () => {
  folder = temporaryFolder();
  writeFileSync(join(folder, "mine.json"), JSON.stringify({ routes }));
  reel = await new Reel({ environment: { REEL_CATALOG_FOLDER: folder } }).start();
  await reel.ready();
});
after(async () => {
  const exit = await reel.stop();
  rmSync(folder, { recursive: true });
  assert.equal(exit.status, 0, `${JSON.stringify(exit)}: ${reel.log.slice(-4000)}`);
});

async function until(path, seconds, good) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await reel.get(path);
    if (good(answer)) return answer;
    if (Date.now() > end) throw new Error(`${path}: ${answer.status} ${answer.text}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

test("every model's least and fullest input is valid, and has its price", async () => {
  const models = new Set();
  for (const { name, model, input, provider, price } of exchanges()) {
    const answer = await reel.post("/api/v1/generate", { model, ...input, dryRun: true });
    assert.equal(answer.status, 200, `${name}: ${answer.text}`);
    assert.equal(answer.body.valid, true);
    assert.equal(answer.body.configured, false);
    assert.deepEqual(answer.body.route, [provider], name);
    assert.deepEqual(answer.body.price, priceOf(price), name);
    assert.ok(answer.body.estimatedTimeSeconds >= 60, name);
    models.add(model);
  }
  assert.equal(models.size, 45);
});

test("without a key a valid request is 503 that names the variable, after validation", async () => {
  for (const [path, variable] of [
    ["/api/fal/veo3/text-to-video/submit", "FAL_KEY"],
    ["/api/replicate/seedance-t2v/submit", "REPLICATE_API_TOKEN"],
  ]) {
    const answer = await reel.post(path, { prompt: "a paper boat" });
    assert.equal(answer.status, 503, answer.text);
    assert.equal(answer.body.errorCode, "provider_not_configured");
    assert.match(answer.body.error, new RegExp(variable));
    const wrong = await reel.post(path, { prompt: 7, colour: "red" });
    assert.equal(wrong.status, 400);
    assert.deepEqual(
      wrong.body.details.map((detail) => detail.field),
      ["colour", "prompt"],
    );
    const quote = await reel.post(path, { prompt: "a paper boat", dryRun: true });
    assert.equal(quote.status, 200);
    assert.equal(quote.body.configured, false);
  }
});

test("the routes want a key, and know their methods", async () => {
  const bare = await fetch(`${reel.url}/api/fal/veo3/text-to-video/submit`, { method: "POST" });
  assert.equal(bare.status, 401);
  assert.equal((await reel.get("/api/fal/veo3/text-to-video/submit")).status, 405);
  const none = await reel.get("/api/replicate/kling-t2v/status/gen_00000000000010000000000007");
  assert.equal(none.status, 404);
  assert.equal(none.body.errorCode, "not_found");
});

test("fal's words from the submit to the result", async () => {
  const sent = await reel.post("/api/fal/still/submit", { prompt: "A lighthouse" });
  assert.equal(sent.status, 200, sent.text);
  assert.equal(sent.body.status, "IN_QUEUE");
  assert.match(sent.body.request_id, /^gen_/);
  assert.equal(sent.body.requestId, sent.body.request_id);
  assert.equal(sent.body.taskId, sent.body.request_id);
  assert.equal(sent.body.status_url, `${reel.url}/api/fal/still/status/${sent.body.request_id}`);
  const path = (url) => new URL(url).pathname;
  const done = await until(path(sent.body.status_url), 60, (a) => a.body.status === "COMPLETED");
  assert.equal(done.status, 200);
  assert.equal(done.body.error, undefined);
  assert.equal(typeof done.body.metrics.inference_time, "number");
  const result = await reel.get(path(sent.body.response_url));
  assert.equal(result.status, 200, result.text);
  assert.equal(result.body.images[0].content_type, "image/png");
  const file = await reel.download(result.body.images[0].url);
  assert.equal(file.bytes.length, result.body.images[0].file_size);
  const late = await reel.call("PUT", path(sent.body.cancel_url));
  assert.equal(late.status, 400);
  assert.equal(late.body.status, "ALREADY_COMPLETED");
  // The same job in the other languages.
  assert.equal((await reel.get(`/api/v1/jobs/${sent.body.taskId}`)).body.status, "completed");
  const other = await reel.get(`/api/replicate/any/status/${sent.body.taskId}`);
  assert.equal(other.body.status, "succeeded");
});

test("Replicate's words from the submit to the result, and a cancel", async () => {
  const sent = await reel.post("/api/replicate/still/submit", {
    prompt: "A lighthouse",
    startAt: 3600,
  });
  assert.equal(sent.status, 201, sent.text);
  assert.equal(sent.body.status, "starting");
  assert.equal(sent.body.output, null);
  assert.equal(sent.body.taskId, sent.body.id);
  const path = (url) => new URL(url).pathname;
  const early = await reel.get(`/api/replicate/still/result/${sent.body.id}`);
  assert.equal(early.status, 409);
  assert.equal(early.body.errorCode, "conflict");
  assert.ok(Number(early.headers.get("retry-after")) >= 1);
  const canceled = await reel.call("POST", path(sent.body.urls.cancel));
  assert.equal(canceled.status, 200, canceled.text);
  assert.equal(canceled.body.status, "aborted");
  assert.equal((await reel.get(`/api/replicate/still/result/${sent.body.id}`)).status, 499);

  const again = await reel.post("/api/replicate/still/submit", { prompt: "A lighthouse" });
  const done = await until(path(again.body.urls.get), 60, (a) => a.body.status === "succeeded");
  assert.equal(done.body.input.prompt, "A lighthouse");
  const result = await reel.get(`/api/replicate/still/result/${again.body.id}`);
  assert.equal((await reel.download(result.body.output)).status, 200);
});

test("a failure is told by the result's status", async () => {
  // An image that nobody can fetch: the route's own model needs none, so a native job stands in.
  const { jobId } = await reel.generate({
    model: "local/kenburns",
    imageUrl: "http://127.0.0.1:9/none.png",
  });
  await reel.finished(jobId);
  const status = await reel.get(`/api/fal/any/status/${jobId}`);
  assert.equal(status.body.status, "COMPLETED");
  assert.equal(status.body.error_type, "file_download_error");
  const result = await reel.get(`/api/fal/any/result/${jobId}`);
  assert.equal(result.status, 422);
  assert.equal(result.body.errorCode, "input_unreachable");
  assert.equal((await reel.get(`/api/replicate/any/status/${jobId}`)).body.status, "failed");
});

test("a key is bound to the address and the body", async () => {
  const headers = { "idempotency-key": "one" };
  const first = await reel.post("/api/fal/still/submit", { prompt: "Sea" }, headers);
  const same = await reel.post("/api/fal/still/submit", { prompt: "Sea" }, headers);
  assert.equal(same.body.taskId, first.body.taskId);
  assert.equal(same.headers.get("idempotency-replayed"), "true");
  const other = await reel.post("/api/replicate/still/submit", { prompt: "Sea" }, headers);
  assert.equal(other.status, 409);
  assert.equal(other.body.errorCode, "idempotency_conflict");
});

test("another tenant's job is not there", async () => {
  const { taskId } = (await reel.post("/api/fal/still/submit", { prompt: "Sea", startAt: 3600 })).body;
  const made = await reel.post("/api/v1/keys", { tenant: "eve" });
  const eve = { authorization: `Bearer ${made.body.key}` };
  for (const [method, path] of [
    ["GET", `/api/fal/still/status/${taskId}`],
    ["GET", `/api/fal/still/result/${taskId}`],
    ["PUT", `/api/fal/still/cancel/${taskId}`],
    ["GET", `/api/replicate/still/status/${taskId}`],
    ["POST", `/api/replicate/still/cancel/${taskId}`],
  ])
    assert.equal((await reel.call(method, path, undefined, eve)).status, 404, path);
  assert.equal((await reel.get(`/api/fal/still/status/${taskId}`)).body.status, "IN_QUEUE");
});

test("the catalogue lists them, with schemas and offers", async () => {
  const { body } = await reel.get("/api/v1/models/veo3.1/fast/text-to-video");
  assert.deepEqual(body.parameters.properties.duration.enum, [4, 6, 8]);
  assert.equal(body.offers[0].slug, "fal-ai/veo3.1/fast");
  assert.deepEqual(body.offers[0].needs, ["FAL_KEY"]);
  assert.deepEqual(body.price, { min: 1.2, max: 1.2, currency: "USD", unit: "second" });
});
