// Replicate's own client (npm: replicate), as it is but for its base URL, against a server that
// renders on this machine: every call that it has for predictions, models, files and webhooks.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import Replicate, { parseProgressFromLogs, validateWebhook } from "replicate";
import { Reel, sleep } from "../rig.mjs";
import { Receiver } from "../receiver.mjs";
import { Cutter } from "../cutter.mjs";

const small = { width: 256, height: 256 };
const later = { prompt: "Some day", startAt: 3600, ...small };
const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
let reel, receiver, replicate;

before(async () => {
  receiver = await new Receiver().start();
  reel = await new Reel({
    environment: { REEL_ALLOW_NETWORKS: "127.0.0.0/8", REEL_ALLOW_PORTS: "*" },
  }).start();
  await reel.ready();
  replicate = new Replicate({ auth: reel.token, baseUrl: `${reel.url}/replicate/v1` });
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
    return { status: error.response.status, body: JSON.parse(error.message.match(/\{.*\}/s)[0]) };
  }
  throw new Error("it was not refused");
}

test("create, wait, and the file", async () => {
  const made = await replicate.predictions.create({
    model: "local/still",
    input: { prompt: "A lighthouse", ...small },
  });
  assert.match(made.id, /^gen_[0-9a-z]{26}$/);
  assert.equal(made.status, "starting");
  assert.equal(made.output, null);
  assert.equal(made.input.prompt, "A lighthouse");
  assert.equal(made.model, "local/still");
  assert.equal(made.urls.get, `${reel.url}/replicate/v1/predictions/${made.id}`);
  const done = await replicate.wait(made, { interval: 50 });
  assert.equal(done.status, "succeeded");
  assert.equal(typeof done.metrics.predict_time, "number");
  assert.ok(done.completed_at > done.created_at);
  assert.equal(parseProgressFromLogs(done).percentage, 1);
  const file = await reel.download(done.output);
  assert.equal(file.headers.get("content-type"), "image/png");
  assert.ok(file.bytes.length > 1000);
  // The same job in the native words.
  assert.equal((await reel.get(`/api/v1/jobs/${made.id}`)).body.status, "completed");
});

test("run holds the connection until the output is there", async () => {
  const seen = [];
  const output = await replicate.run(
    "local/animatic",
    { input: { prompt: "A tide", duration: 1, fps: 12, ...small } },
    (prediction) => seen.push(prediction.status),
  );
  assert.deepEqual(seen, ["succeeded", "succeeded"], "one call, and no poll");
  const file = await reel.download(String(output));
  assert.equal(file.headers.get("content-type"), "video/mp4");
});

test("run polls where it was told to, and by version", async () => {
  const seen = [];
  const output = await replicate.run(
    "local/still:hidden",
    { input: { prompt: "Sea", ...small }, wait: { mode: "poll", interval: 20 } },
    (prediction) => seen.push(prediction.status),
  ).catch((error) => error);
  // "hidden" is no version that anybody could ask for: the client sends the version alone.
  assert.equal(output.response?.status, 422);
  const made = await replicate.predictions.create({
    version: "local/still",
    input: { prompt: "Sea", ...small },
  });
  assert.equal((await replicate.wait(made, { interval: 20 })).status, "succeeded");
  const polled = await replicate.run(
    "local/still",
    { input: { prompt: "Sea", ...small }, wait: { mode: "poll", interval: 20 } },
    (prediction) => seen.push(prediction.status),
  );
  assert.ok(seen.length >= 2 && seen.at(-1) === "succeeded", seen.join());
  assert.equal((await reel.download(String(polled))).status, 200);
});

test("a wait that runs out is answered as created", async () => {
  const begun = Date.now();
  const made = await replicate.predictions.create({ model: "local/still", input: later, wait: 1 });
  assert.ok(Date.now() - begun >= 900);
  assert.equal(made.status, "starting");
  assert.equal((await replicate.predictions.get(made.id)).status, "starting");
  const canceled = await replicate.predictions.cancel(made.id);
  assert.equal(canceled.status, "aborted", "it never started");
  assert.ok(canceled.completed_at);
  assert.equal((await replicate.predictions.cancel(made.id)).status, "aborted");
});

test("a cancel while it runs", async () => {
  const made = await replicate.predictions.create({
    model: "local/animatic",
    input: { prompt: "A long tide", duration: 60, fps: 30, width: 1280, height: 720 },
  });
  let now;
  do now = await replicate.predictions.get(made.id);
  while (now.status === "starting" || !now.started_at);
  assert.equal(now.status, "processing");
  const canceled = await replicate.predictions.cancel(made.id);
  assert.equal(canceled.status, "canceled");
  assert.equal((await replicate.wait(made, {})).status, "canceled");
});

test("a failure", async () => {
  const input = { image_url: "http://127.0.0.1:1/none.png", duration: 1 };
  const made = await replicate.predictions.create({ model: "local/kenburns", input });
  await assert.rejects(replicate.wait(made, { interval: 50 }), /Prediction failed: .+/);
  await assert.rejects(replicate.run("local/kenburns", { input }), /Prediction failed: .+/);
});

test("streams, without a key but with a signed address", async () => {
  const events = [];
  for await (const event of replicate.stream("local/still", {
    input: { prompt: "Sea", ...small },
  }))
    events.push(event);
  assert.deepEqual(
    events.map((event) => event.event),
    ["output", "done"],
  );
  assert.equal((await reel.download(events[0].data)).status, 200);
  assert.equal(events[1].data, "{}");

  const made = await replicate.predictions.create({ model: "local/still", input: later });
  const { pathname, search } = new URL(made.urls.stream);
  const open = await fetch(made.urls.stream, { headers: { accept: "text/event-stream" } });
  assert.equal(open.headers.get("content-type"), "text/event-stream");
  await replicate.predictions.cancel(made.id);
  assert.equal(await open.text(), 'event: done\ndata: {"reason":"canceled"}\n\n');
  // Nothing but this one signature opens it, and it opens nothing else.
  assert.equal((await fetch(`${reel.url}${pathname}`)).status, 401);
  assert.equal((await fetch(`${reel.url}${pathname}${search.slice(0, -1)}`)).status, 401);
  const other = await replicate.predictions.create({ model: "local/still", input: later });
  const foreign = `${reel.url}${pathname.replace(made.id, other.id)}${search}`;
  assert.equal((await fetch(foreign)).status, 401);
  await replicate.predictions.cancel(other.id);
});

test("lists page by page", async () => {
  const since = new Date().toISOString();
  const ids = [];
  for (let n = 0; n < 103; n++)
    ids.push(
      (await replicate.predictions.create({ model: "local/still", input: { ...later, seed: n } }))
        .id,
    );
  const seen = [];
  let pages = 0;
  for await (const page of replicate.paginate(replicate.predictions.list)) {
    seen.push(...page.map((prediction) => prediction.id));
    if (++pages === 1) assert.equal(page.length, 100);
  }
  assert.ok(pages >= 2);
  assert.deepEqual(seen.slice(0, 103), ids.reverse(), "newest first, none missed, none twice");
  assert.equal(new Set(seen).size, seen.length);
  const page = await reel.get(`/v1/predictions?created_after=${since}`);
  assert.equal(page.body.results.length, 100);
  const rest = await fetch(page.body.next, { headers: reel.headers() }).then((r) => r.json());
  assert.equal(rest.results.length, 3, "the filter goes with the cursor");
  assert.equal(rest.next, null);
  const none = await reel.get(`/v1/predictions?created_after=${since}&created_before=${since}`);
  assert.equal(none.body.results.length, 0);
  for (const id of ids) await replicate.predictions.cancel(id);
});

test("models, versions and the account", async () => {
  const model = await replicate.models.get("local", "still");
  assert.equal(model.owner, "local");
  assert.equal(model.name, "still");
  const schema = model.latest_version.openapi_schema.components.schemas.Input;
  assert.ok(schema.properties.prompt);
  const kling = await replicate.models.get("kwaivgi", "kling-v2.1-master");
  assert.equal(kling.name, "kling-v2.1-master");
  assert.ok((await replicate.models.list()).results.length > 20);
  const versions = await replicate.models.versions.list("local", "still");
  assert.equal(versions.results.length, 1);
  const version = await replicate.models.versions.get("local", "still", "hidden");
  assert.equal(version.id, versions.results[0].id);
  assert.equal((await replicate.accounts.current()).username, "default");
  assert.equal((await refusal(replicate.models.get("no", "such"))).status, 404);
});

test("files become inputs", async () => {
  const file = await replicate.files.create(png, { note: "mine" });
  assert.equal(file.content_type, "image/png");
  assert.equal(file.size, png.length);
  assert.equal((await replicate.files.get(file.id)).checksums.sha256, file.checksums.sha256);
  // The client uploads what is a buffer and puts its address in place.
  const made = await replicate.predictions.create({
    model: "local/kenburns",
    input: { imageUrl: png, duration: 1, fps: 12, ...small },
  });
  const done = await replicate.wait(made, { interval: 50 });
  assert.match(done.input.imageUrl, /^reel:\/\/upl_/);
  assert.equal((await reel.download(done.output)).headers.get("content-type"), "video/mp4");
  assert.equal(await replicate.files.delete(file.id), true);
  assert.equal((await refusal(replicate.files.get(file.id))).status, 404);
  const text = await refusal(replicate.files.create(Buffer.from("words"), {}));
  assert.equal(text.status, 415);
});

test("webhooks in Replicate's shape, which its validator accepts", async () => {
  const made = await replicate.predictions.create({
    model: "local/still",
    input: { prompt: "Told", ...small },
    webhook: receiver.url("ok/replicate"),
    webhook_events_filter: ["start", "completed"],
  });
  const until = Date.now() + 30000;
  const calls = () => receiver.calls.filter((call) => call.path.endsWith("/replicate"));
  while (calls().length < 2 && Date.now() < until) await sleep(50);
  const { key } = await replicate.webhooks.default.secret.get();
  const bodies = [];
  for (const call of calls()) {
    const body = call.body.toString();
    const { headers } = call;
    assert.equal(await validateWebhook({ headers, body }, key, webcrypto), true);
    assert.equal(await validateWebhook({ headers, body: `${body} ` }, key, webcrypto), false);
    bodies.push(JSON.parse(body));
  }
  assert.deepEqual(
    bodies.map((body) => [body.id, body.status]),
    [
      [made.id, "processing"],
      [made.id, "succeeded"],
    ],
  );
  const now = await replicate.predictions.get(made.id);
  const plain = ({ urls, output, ...rest }) => rest;
  assert.deepEqual(plain(bodies[1]), plain(now), "as a get would give it");
  assert.equal((await reel.download(bodies[1].output)).status, 200);
});

test("refusals in its shape", async () => {
  const create = (body) => refusal(replicate.predictions.create(body));
  const wrong = await create({ model: "local/still", input: { prompt: 7, colour: "red" } });
  assert.equal(wrong.status, 422);
  assert.equal(wrong.body.title, "Input validation failed");
  assert.deepEqual(
    wrong.body.invalid_fields.map((field) => field.field),
    ["colour", "prompt"],
  );
  assert.match(wrong.body.detail, /^- colour: /);
  assert.equal((await create({ model: "no/such", input: {} })).status, 404);
  assert.equal((await create({ version: "f".repeat(64), input: {} })).status, 422);
  const hook = await create({ model: "local/still", input: { prompt: "x" }, webhook: "ftp://x/" });
  assert.deepEqual(hook.body.invalid_fields[0].field, "webhook");
  assert.equal((await refusal(replicate.predictions.get("h3s8dq2x9nrma0cv4kzg1b7e5t"))).status, 404);
  const stranger = new Replicate({ auth: "wrong", baseUrl: replicate.baseUrl });
  const unknown = await refusal(stranger.predictions.list());
  assert.equal(unknown.status, 401);
  assert.equal(unknown.body.title, "Unauthenticated");
  const paid = await create({ model: "bytedance/seedance-1-lite", input: { prompt: "x" } });
  assert.equal(paid.status, 503);
  assert.match(paid.body.detail, /REPLICATE_API_TOKEN/);
});

test("older clients say Token, and the root has aliases", async () => {
  const headers = { authorization: `Token ${reel.token}` };
  const made = await reel.post("/v1/models/local/still/predictions", { input: later }, headers);
  assert.equal(made.status, 201);
  assert.equal(made.body.urls.get, `${reel.url}/v1/predictions/${made.body.id}`);
  assert.equal((await reel.get(`/v1/predictions/${made.body.id}`, headers)).status, 200);
  const gone = await reel.post(`/v1/predictions/${made.body.id}/cancel`, undefined, headers);
  assert.equal(gone.body.status, "aborted");
  const native = await reel.get("/api/v1/jobs", headers);
  assert.equal(native.status, 401, "the native API has its own scheme only");
});

test("Cancel-After is a deadline", async () => {
  const headers = { "cancel-after": "2h30m" };
  const made = await reel.post("/v1/models/local/still/predictions", { input: later }, headers);
  const job = (await reel.get(`/api/v1/jobs/${made.body.id}`)).body;
  assert.ok(Math.abs(new Date(job.deadline) - Date.now() - 9000_000) < 60_000, job.deadline);
  await replicate.predictions.cancel(made.body.id);
  const wrong = await reel.post("/v1/models/local/still/predictions", { input: later }, {
    "cancel-after": "soon",
  });
  assert.equal(wrong.status, 422);
});

test("a create that the client sends again after a broken connection is one job", async () => {
  const cutter = await new Cutter(reel, 3).start();
  const cut = new Replicate({ auth: reel.token, baseUrl: `${cutter.url}/replicate/v1` });
  const body = { model: "local/still", input: { ...later, metadata: { resent: "yes" } } };
  const made = await cut.predictions.create(body);
  await cutter.stop();
  assert.ok(cutter.creates >= 4, `${cutter.creates} creates were sent`);
  const jobs = async () => (await reel.get("/api/v1/jobs?metadata.resent=yes")).body.items;
  assert.deepEqual(
    (await jobs()).map((job) => job.jobId),
    [made.id],
  );
  // An equal request whose answers all came is meant.
  const next = await replicate.predictions.create(body);
  assert.notEqual(next.id, made.id);
  assert.equal((await jobs()).length, 2);
});

test("a server that stops ends its streams and answers what it holds", async () => {
  const other = await new Reel({}).start();
  await other.ready();
  const client = new Replicate({ auth: other.token, baseUrl: `${other.url}/replicate/v1` });
  const made = await client.predictions.create({ model: "local/still", input: later });
  const stream = await fetch(made.urls.stream);
  const held = client.predictions.create({ model: "local/still", input: later, wait: 60 });
  await sleep(300);
  const begun = Date.now();
  const exit = await other.stop();
  assert.equal(exit.status, 0, other.log.slice(-2000));
  assert.ok(Date.now() - begun < 15000);
  assert.equal(await stream.text(), "");
  assert.equal((await held).status, "starting");
});

test("a client that leaves its stream leaves nothing behind", async () => {
  const made = await replicate.predictions.create({ model: "local/still", input: later });
  for (let n = 0; n < 20; n++) {
    const leaving = new AbortController();
    await fetch(made.urls.stream, { signal: leaving.signal });
    leaving.abort();
  }
  const stays = await fetch(made.urls.stream);
  await replicate.predictions.cancel(made.id);
  assert.match(await stays.text(), /event: done/);
});

test("equal creates beside each other are meant", async () => {
  const body = { model: "local/still", input: later };
  const made = await Promise.all(
    Array.from({ length: 8 }, () => replicate.predictions.create(body)),
  );
  assert.equal(new Set(made.map((prediction) => prediction.id)).size, 8);
});
