// The native API against a real server with real workers: what SPEC promises, as a client sees it.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Reel, sleep } from "../rig.mjs";

const small = { width: 256, height: 256 };
const still = { model: "local/still", prompt: "A lighthouse", ...small };
let reel;

before(async () => {
  reel = await new Reel().start();
  await reel.ready();
});
after(async () => {
  const exit = await reel.stop();
  assert.equal(
    exit.status,
    0,
    `the server ended with ${JSON.stringify(exit)}: ${reel.log.slice(-4000)}`,
  );
});

test("a job is accepted at once, followed, and its file is served", async () => {
  const answer = await reel.post("/api/v1/generate", { ...still, metadata: { order: "17" } });
  assert.equal(answer.status, 202);
  assert.match(answer.body.jobId, /^gen_[0-9a-z]{26}$/);
  assert.equal(answer.body.success, true);
  assert.equal(answer.body.model, "local/still");
  assert.equal(answer.body.status, "queued");
  assert.equal(answer.body.statusUrl, `/api/v1/generate/${answer.body.jobId}`);
  assert.equal(answer.headers.get("location"), answer.body.statusUrl);
  assert.equal(typeof answer.body.estimatedTimeSeconds, "number");

  const done = await reel.finished(answer.body.jobId);
  assert.equal(done.status, "completed");
  assert.equal(done.model, "local/still");
  assert.deepEqual(done.metadata, { order: "17" });
  assert.equal(done.priority, 0);
  assert.equal(done.cached, false);
  assert.deepEqual(done.cost, { amount: 0, currency: "USD", estimated: false });
  assert.equal(done.processingTimeMs, Date.parse(done.completedAt) - Date.parse(done.createdAt));
  assert.equal(done.result.contentType, "image/png");
  assert.equal(done.result.width, 256);
  assert.equal(done.result.outputs.length, 1);

  const file = await reel.download(done.result.url);
  assert.equal(file.status, 200);
  assert.equal(file.bytes.length, done.result.fileSizeBytes);
  assert.equal(file.headers.get("content-type"), "image/png");
  assert.equal(file.bytes.subarray(1, 4).toString(), "PNG");
  const thumbnail = await reel.download(done.result.thumbnailUrl);
  assert.equal(thumbnail.headers.get("content-type"), "image/jpeg");
});

test("files: ranges, ETag, HEAD, and links that are not ours", async () => {
  const { jobId } = await reel.generate(still);
  const { result } = await reel.finished(jobId);
  const whole = await reel.download(result.url);
  const part = await fetch(result.url, { headers: { range: "bytes=10-19" } });
  assert.equal(part.status, 206);
  assert.equal(part.headers.get("content-range"), `bytes 10-19/${whole.bytes.length}`);
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), whole.bytes.subarray(10, 20));
  const tail = await fetch(result.url, { headers: { range: "bytes=-5" } });
  assert.deepEqual(Buffer.from(await tail.arrayBuffer()), whole.bytes.subarray(-5));
  assert.equal((await fetch(result.url, { headers: { range: "bytes=99999999-" } })).status, 416);
  const etag = whole.headers.get("etag");
  assert.equal((await fetch(result.url, { headers: { "if-none-match": etag } })).status, 304);
  const head = await fetch(result.url, { method: "HEAD" });
  assert.equal(Number(head.headers.get("content-length")), whole.bytes.length);
  assert.match(whole.headers.get("cache-control"), /immutable/);

  const plain = result.url.replace(/\?.*/, "");
  assert.equal((await fetch(plain)).status, 403);
  assert.equal((await fetch(plain, { headers: reel.headers() })).status, 200);
  const forged = result.url.replace(/signature=./, (text) => (text.endsWith("0") ? "signature=1" : "signature=0"));
  assert.equal((await fetch(forged)).status, 403);
  assert.equal(
    (await fetch(plain.replace("output.png", "../../reel.db"), { headers: reel.headers() }))
      .status,
    404,
  );
});

test("the wrong key, none, and open addresses", async () => {
  const bare = await fetch(`${reel.url}/api/v1/models`);
  assert.equal(bare.status, 401);
  assert.equal((await bare.json()).errorCode, "not_authorized");
  assert.equal((await reel.get("/api/v1/models", { authorization: "Bearer wrong" })).status, 401);
  for (const path of ["/healthz", "/readyz", "/metrics"])
    assert.equal((await fetch(reel.url + path)).status, 200);
});

test("models, their schema, and routes that are not there", async () => {
  const { body } = await reel.get("/api/v1/models");
  const ids = body.items.map((model) => model.id);
  for (const id of [
    "ltx2",
    "zimage",
    "longcat",
    "wav2lip",
    "local/still",
    "local/kenburns",
    "local/animatic",
    "local/compose",
  ])
    assert.ok(ids.includes(id), id);
  assert.equal(body.items.find((model) => model.id === "ltx2").configured, false);
  for (const path of ["/api/v1/models/local/kenburns", "/api/v1/models/local%2Fkenburns"]) {
    const one = (await reel.get(path)).body;
    assert.equal(one.id, "local/kenburns");
    assert.equal(one.parameters.properties.duration.maximum, 60);
    assert.match(JSON.stringify(one.parameters), /"oneOf":\[\{"required":\["imageUrl"\]\}/);
  }
  assert.equal((await reel.get("/api/v1/models/nope")).status, 404);
  assert.equal((await reel.get("/nothing")).body.errorCode, "not_found");
  const wrong = await reel.call("PUT", "/api/v1/generate");
  assert.equal(wrong.status, 405);
  assert.equal(wrong.body.errorCode, "method_not_allowed");
});

test("seed 004's models are checked exactly, all faults at once", async () => {
  const { status, body } = await reel.post("/api/v1/generate", {
    model: "ltx2",
    duration: 99,
    width: 10.5,
    fps: "24",
    wrong: 1,
    guidanceScale: 0,
    dryRun: true,
  });
  assert.equal(status, 400);
  assert.equal(body.errorCode, "validation");
  assert.equal(body.success, false);
  assert.ok(body.requestId);
  assert.deepEqual(body.details.map((fault) => fault.field).sort(), [
    "duration",
    "fps",
    "guidanceScale",
    "imageUrl",
    "width",
    "wrong",
  ]);
  for (const fault of body.details) assert.ok(fault.problem, JSON.stringify(fault));
});

test("dryRun checks everything and makes nothing", async () => {
  const before = (await reel.get("/api/v1/jobs?limit=1")).body.items[0].jobId;
  const remote = await reel.post("/api/v1/generate", {
    model: "longcat",
    audioUrl: "https://example.com/a.wav",
    imageUrl: "https://example.com/a.png",
    dryRun: true,
  });
  assert.equal(remote.status, 200);
  assert.equal(remote.body.valid, true);
  assert.equal(remote.body.configured, false);
  assert.deepEqual(remote.body.route, ["runpod"]);
  assert.ok(remote.body.price.max > 0 && remote.body.price.currency === "USD");
  const local = await reel.post("/api/v1/generate", { ...still, dryRun: true });
  assert.deepEqual(
    [local.body.configured, local.body.route, local.body.price.max],
    [true, ["local"], 0],
  );
  assert.equal((await reel.get("/api/v1/jobs?limit=1")).body.items[0].jobId, before);
  const refused = await reel.post("/api/v1/generate", { model: "zimage", prompt: "x" });
  assert.equal(refused.status, 503);
  assert.equal(refused.body.errorCode, "provider_not_configured");
  assert.match(refused.body.error, /RUNPOD_/);
});

test("idempotency: the same key and body is the same job, another body is refused", async () => {
  const request = { ...still, prompt: "once" };
  const key = { "idempotency-key": "order-1" };
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => reel.post("/api/v1/generate", request, key)),
  );
  assert.equal(new Set(answers.map((answer) => answer.body.jobId)).size, 1);
  assert.equal(
    answers.filter((answer) => answer.headers.get("idempotency-replayed") === "true").length,
    7,
  );
  const other = await reel.post("/api/v1/generate", { ...request, prompt: "twice" }, key);
  assert.equal(other.status, 409);
  assert.equal(other.body.errorCode, "idempotency_conflict");
  await reel.finished(answers[0].body.jobId);
  const late = await reel.post("/api/v1/generate", request, key);
  assert.equal(late.status, 202);
  assert.equal(late.body.status, "completed");
});

test("duplicates: join gives the job in flight, whatever asked for it first", async () => {
  const request = { model: "local/animatic", prompt: "joined", duration: 4, ...small };
  const first = await reel.generate(request);
  const second = await reel.generate({ ...request, duplicates: "join" });
  assert.equal(second.jobId, first.jobId);
  assert.equal(second.joined, true);
  const third = await reel.generate(request);
  assert.notEqual(third.jobId, first.jobId);
  await reel.call("DELETE", `/api/v1/generate/${first.jobId}`);
  await reel.call("DELETE", `/api/v1/generate/${third.jobId}`);
});

test("count makes variants that differ, a given seed repeats", async () => {
  const { jobIds, jobId } = await reel.generate({ ...still, count: 3 });
  assert.equal(jobIds.length, 3);
  assert.equal(jobIds[0], jobId);
  const hashes = (await Promise.all(jobIds.map((id) => reel.finished(id)))).map(
    (done) => done.result.sha256,
  );
  assert.equal(new Set(hashes).size, 3);
  const twice = await Promise.all([1, 2].map(() => reel.generate({ ...still, seed: 7 })));
  const same = await Promise.all(twice.map(({ jobId: id }) => reel.finished(id)));
  assert.equal(same[0].result.sha256, same[1].result.sha256);
});

test("reel:// waits for the other job and takes its output", async () => {
  const picture = await reel.generate({ ...still, width: 400, height: 300 });
  const video = await reel.generate({
    model: "local/kenburns",
    imageUrl: `reel://${picture.jobId}`,
    duration: 1,
    ...small,
  });
  const done = await reel.finished(video.jobId);
  assert.equal(done.status, "completed", done.error);
  assert.equal(done.result.contentType, "video/mp4");
  assert.equal(done.result.durationMs, 1000);
  const timeline = (await reel.get(`/api/v1/jobs/${video.jobId}/timeline`)).body;
  assert.equal(timeline.items[0].to, "waiting");
  assert.deepEqual(
    timeline.items.slice(1).map((entry) => entry.to),
    ["queued", "submitting", "running", "storing", "succeeded"],
  );
  assert.equal(timeline.attempts.length, 1);
  assert.equal(timeline.attempts[0].state, "done");
});

test("a job that waits for one that fails, fails with it", async () => {
  const broken = await reel.generate({
    model: "local/kenburns",
    imageUrl: "data:image/png;base64,AAAA",
    duration: 1,
    startAt: 1,
  });
  const waits = await reel.generate({ ...still, dependsOn: [broken.jobId] });
  assert.equal(
    (await reel.get(`/api/v1/generate/${waits.jobId}`)).body.waitingFor.code,
    "dependency",
  );
  const done = await reel.finished(waits.jobId);
  assert.equal(done.status, "failed");
  assert.equal(done.errorCode, "dependency_failed");
  const late = await reel.post("/api/v1/generate", { ...still, dependsOn: [broken.jobId] });
  assert.equal(late.status, 409);
  assert.equal(late.body.errorCode, "dependency_failed");
  const unknown = await reel.post("/api/v1/generate", {
    ...still,
    dependsOn: [`gen_${"0".repeat(25)}1`],
  });
  assert.equal(unknown.status, 400);
});

test("accepted jobs are counted, and nothing else with them", async () => {
  const count = async () =>
    Number((await reel.get("/metrics")).text.match(/^reel_jobs_asked_total (\d+)$/m)[1]);
  const before = await count();
  const { jobIds } = await reel.generate({ ...still, startAt: 3600, count: 3 });
  for (const id of jobIds) {
    assert.equal((await reel.call("PATCH", `/api/v1/generate/${id}`, { priority: 5 })).status, 200);
    for (let n = 0; n < 2; n++)
      assert.equal((await reel.call("DELETE", `/api/v1/generate/${id}`)).status, 200);
  }
  assert.equal((await reel.post("/api/v1/generate", { ...still, width: 1 })).status, 400);
  assert.equal((await count()) - before, 3);
});

test("a milestone makes nothing, and ends when all that it depends on has", async () => {
  const jobs = await Promise.all([1, 2, 3].map((seed) => reel.generate({ ...still, seed })));
  const dependsOn = jobs.map(({ jobId }) => jobId);
  const { jobId } = await reel.generate({ model: "local/milestone", dependsOn });
  const done = await reel.finished(jobId);
  assert.equal(done.status, "completed", done.error);
  assert.deepEqual(done.result, { outputs: [] });
  for (const id of dependsOn) {
    const before = (await reel.get(`/api/v1/generate/${id}`)).body;
    assert.equal(before.status, "completed");
    assert.ok(before.completedAt <= done.completedAt);
  }
  const { items, attempts } = (await reel.get(`/api/v1/jobs/${jobId}/timeline`)).body;
  assert.deepEqual(
    items.map((entry) => entry.to),
    ["waiting", "queued", "submitting", "storing", "succeeded"],
  );
  assert.equal(attempts.length, 1);
  assert.ok(!existsSync(join(reel.home, "outputs", jobId)));
  assert.ok(readdirSync(join(reel.home, "work")).every((name) => !name.startsWith(jobId)));
  const refused = await reel.post("/api/v1/generate", { model: "local/milestone", prompt: "Hi" });
  assert.equal(refused.status, 400);
  const wants = await reel.generate({ model: "local/kenburns", imageUrl: `reel://${jobId}` });
  const failed = await reel.finished(wants.jobId);
  assert.equal(failed.errorCode, "input_unreachable");
  assert.match(failed.error, /has 0 outputs/);
});

test("startAt waits and says so, PATCH brings it forward", async () => {
  const { jobId } = await reel.generate({ ...still, startAt: 3600 });
  const waiting = (await reel.get(`/api/v1/generate/${jobId}`)).body;
  assert.equal(waiting.status, "queued");
  assert.equal(waiting.waitingFor.code, "start_time");
  assert.ok(Date.parse(waiting.waitingFor.until) > Date.now() + 3_500_000);
  const patched = await reel.call("PATCH", `/api/v1/generate/${jobId}`, {
    startAt: null,
    priority: "high",
  });
  assert.equal(patched.status, 200);
  assert.equal(patched.body.priority, 50);
  const done = await reel.finished(jobId);
  assert.equal(done.status, "completed");
  const late = await reel.call("PATCH", `/api/v1/generate/${jobId}`, { priority: 1 });
  assert.equal(late.status, 409);
  assert.equal(late.body.errorCode, "conflict");
});

test("a deadline that passes ends the job as expired", async () => {
  const { jobId } = await reel.generate({ ...still, startAt: 3600, deadline: 1 });
  const done = await reel.finished(jobId, 20);
  assert.equal(done.status, "failed");
  assert.equal(done.errorCode, "expired");
  assert.equal(done.state, "expired");
  assert.equal(
    (await reel.post("/api/v1/generate", { ...still, deadline: "2020-01-01T00:00:00Z" })).status,
    400,
  );
});

test("cancel: each state has its receipt, and twice is the same answer", async () => {
  const waiting = await reel.generate({ ...still, startAt: 3600 });
  const first = await reel.call("DELETE", `/api/v1/generate/${waiting.jobId}`);
  assert.deepEqual(
    [first.status, first.body.status, first.body.receipt],
    [200, "canceled", "not_submitted"],
  );
  const again = await reel.call("POST", `/api/v1/generate/${waiting.jobId}/cancel`);
  assert.deepEqual(
    [again.status, again.body.status, again.body.receipt],
    [200, "canceled", "not_submitted"],
  );

  const long = await reel.generate({
    model: "local/animatic",
    prompt: "long",
    duration: 60,
    width: 1280,
    height: 720,
  });
  for (let n = 0; n < 200; n++) {
    if ((await reel.get(`/api/v1/generate/${long.jobId}`)).body.state === "running") break;
    await sleep(20);
  }
  const stopped = await reel.call("DELETE", `/api/v1/generate/${long.jobId}`);
  assert.deepEqual([stopped.body.status, stopped.body.receipt], ["canceled", "stopped"]);

  const { jobId } = await reel.generate(still);
  await reel.finished(jobId);
  const late = await reel.call("DELETE", `/api/v1/generate/${jobId}`);
  assert.deepEqual([late.body.status, late.body.receipt], ["completed", "too_late"]);
  assert.equal(
    (await reel.call("DELETE", `/api/v1/generate/gen_${"0".repeat(25)}1`)).status,
    404,
  );
});

test("retry makes a new job of the same input", async () => {
  const { jobId } = await reel.generate({ ...still, seed: 3, metadata: { a: "b" } });
  const done = await reel.finished(jobId);
  const answer = await reel.post(`/api/v1/generate/${jobId}/retry`);
  assert.equal(answer.status, 202);
  assert.notEqual(answer.body.jobId, jobId);
  const again = await reel.finished(answer.body.jobId);
  assert.equal(again.retryOf, jobId);
  assert.deepEqual(again.metadata, { a: "b" });
  assert.equal(again.result.sha256, done.result.sha256);
  const open = await reel.generate({ ...still, startAt: 3600 });
  assert.equal((await reel.post(`/api/v1/generate/${open.jobId}/retry`)).status, 409);
  await reel.call("DELETE", `/api/v1/generate/${open.jobId}`);
});

test("long polls answer on change, by ?wait and by Prefer, and ETag gives 304", async () => {
  const { jobId } = await reel.generate({ ...still, startAt: 1 });
  const began = Date.now();
  const changed = await reel.get(`/api/v1/generate/${jobId}?wait=30`);
  assert.notEqual(changed.body.status, "queued");
  assert.ok(Date.now() - began < 10_000);
  await reel.finished(jobId);
  const done = await reel.get(`/api/v1/generate/${jobId}`);
  const same = await reel.get(`/api/v1/generate/${jobId}`, {
    "if-none-match": done.headers.get("etag"),
  });
  assert.equal(same.status, 304);
  const held = await reel.generate({ ...still, startAt: 3600 });
  const from = Date.now();
  const unchanged = await reel.get(`/api/v1/generate/${held.jobId}`, { prefer: "wait=1" });
  assert.equal(unchanged.body.status, "queued");
  assert.ok(Date.now() - from >= 900);
  assert.ok(Number(unchanged.headers.get("retry-after")) >= 1);
  assert.equal((await reel.get(`/api/v1/generate/${held.jobId}?wait=61`)).status, 400);
  await reel.call("DELETE", `/api/v1/generate/${held.jobId}`);
});

test("lists: newest first, filters, pages", async () => {
  const made = [];
  for (let n = 0; n < 5; n++)
    made.push(
      (
        await reel.generate({
          ...still,
          startAt: 3600,
          metadata: { batch: "list-test", n: String(n) },
        })
      ).jobId,
    );
  const all = (await reel.get("/api/v1/jobs?metadata.batch=list-test")).body;
  assert.deepEqual(
    all.items.map((item) => item.jobId),
    [...made].reverse(),
  );
  assert.equal(all.nextCursor, null);
  const page = (await reel.get("/api/v1/jobs?metadata.batch=list-test&limit=2")).body;
  assert.equal(page.items.length, 2);
  const next = (
    await reel.get(`/api/v1/jobs?metadata.batch=list-test&limit=2&cursor=${page.nextCursor}`)
  ).body;
  assert.deepEqual(
    next.items.map((item) => item.jobId),
    [made[2], made[1]],
  );
  const queued = (await reel.get("/api/v1/jobs?status=queued&limit=200")).body;
  assert.ok(queued.items.every((item) => item.status === "queued"));
  assert.ok(
    (await reel.get("/api/v1/jobs?state=succeeded&model=local/still")).body.items.length > 0,
  );
  assert.equal((await reel.get("/api/v1/jobs?status=nonsense")).status, 400);
  assert.equal((await reel.get("/api/v1/jobs?limit=0")).status, 400);
  for (const id of made) await reel.call("DELETE", `/api/v1/generate/${id}`);
});

test("priority: high goes before what waits already", async () => {
  const blockers = await Promise.all(
    [1, 2, 3].map(() =>
      reel.generate({ model: "local/animatic", prompt: "blocker", duration: 3, ...small }),
    ),
  );
  const low = await reel.generate({ ...still, priority: "low" });
  const high = await reel.generate({ ...still, priority: "high" });
  const waiting = (await reel.get(`/api/v1/generate/${low.jobId}`)).body;
  if (waiting.status === "queued")
    assert.ok(["provider_limit", "position"].includes(waiting.waitingFor.code));
  const [first, second] = await Promise.all([
    reel.finished(high.jobId),
    reel.finished(low.jobId),
  ]);
  assert.ok(first.startedAt <= second.startedAt);
  for (const { jobId } of blockers) await reel.finished(jobId);
});

test("progress is told while it runs, and never falls", async () => {
  const { jobId } = await reel.generate({
    model: "local/animatic",
    prompt: "progress",
    duration: 20,
    width: 1280,
    height: 720,
  });
  const seen = [];
  for (;;) {
    const { body } = await reel.get(`/api/v1/generate/${jobId}`);
    if (body.status === "processing") {
      seen.push(body.progress);
      assert.equal(body.progressEstimated, false);
    }
    if (["completed", "failed"].includes(body.status)) {
      assert.equal(body.status, "completed", body.error);
      break;
    }
    await sleep(100);
  }
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  );
  assert.ok(new Set(seen).size >= 2, `${seen}`);
  assert.ok(seen.every((progress) => progress < 100));
});

test("stats: what is under way, and the workers", async () => {
  const { jobId } = await reel.generate({
    model: "local/animatic",
    prompt: "stats",
    duration: 10,
    width: 640,
    height: 360,
  });
  let body;
  for (let n = 0; n < 100; n++) {
    body = (await reel.get("/api/v1/stats")).body;
    if (body.activeOperations > 0) break;
    await sleep(20);
  }
  assert.equal(body.operations[0].operation, "local/animatic");
  assert.ok(body.operations[0].elapsed >= 0);
  assert.ok(body.workers.maxWorkers >= 2 && body.workers.activeJobs >= 1);
  assert.equal(body.workers.queuedJobs, 0);
  await reel.call("DELETE", `/api/v1/generate/${jobId}`);
});
