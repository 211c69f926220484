// Jobs at a provider, end to end: a real server, a provider of our own that speaks Replicate's
// protocol and keeps a ledger of what it accepted. Whatever happens, nothing is submitted twice.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test, before, after } from "node:test";
import { Reel, sleep, ask, root, temporaryFolder } from "../rig.mjs";
import { Vendor } from "../vendor.mjs";

const model = "kling2.5/turbo-pro/text-to-video";
let vendor, reel;

before(async () => {
  vendor = await new Vendor().start();
  reel = await new Reel({ environment: provider() }).start();
});

after(async () => {
  await reel.kill("SIGTERM");
  await vendor.stop();
});

const provider = () => ({
  REPLICATE_API_TOKEN: "r8_secret",
  REPLICATE_BASE_URL: `${vendor.origin}/v1`,
});

async function make(prompt, more = {}) {
  return (await reel.generate({ model, prompt, duration: 5, ...more })).jobId;
}

async function until(id, wanted, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const { body } = await reel.get(`/api/v1/generate/${id}`);
    if (wanted(body)) return body;
    assert.ok(Date.now() < end, `${id} came to ${JSON.stringify(body)}`);
    await sleep(100);
  }
}

test("a job is submitted once, followed, and its file kept", async () => {
  const prompt = "a fox in the snow";
  const id = await make(prompt);
  const done = await reel.finished(id);
  assert.equal(done.status, "completed", JSON.stringify(done));
  assert.equal(done.result.contentType, "video/mp4");
  assert.equal(done.result.width, 320);
  assert.equal(done.result.durationMs, 5000);
  assert.ok(done.result.thumbnailUrl);
  assert.equal(vendor.of(prompt).length, 1);
  assert.equal(vendor.of(prompt)[0].input.duration, 5);
  const file = await fetch(new URL(done.result.url, reel.url), { headers: reel.headers() });
  assert.equal((await file.arrayBuffer()).byteLength, done.result.fileSizeBytes);
  const timeline = JSON.stringify((await reel.get(`/api/v1/jobs/${id}/timeline`)).body);
  assert.ok(!timeline.includes("r8_secret") && !reel.log.includes("r8_secret"));
});

for (const how of ["answer is lost", "answer is 502"])
  test(`a submission whose ${how} is found again, and not sent twice`, async () => {
    const prompt = `a fox whose ${how}`;
    const id = await make(prompt);
    const seen = await until(id, (job) => job.uncertain || job.status === "completed");
    assert.ok(seen.uncertain, "it was not uncertain");
    assert.equal((await reel.finished(id)).status, "completed");
    assert.equal(vendor.of(prompt).length, 1);
    assert.equal(vendor.asked.get(prompt), 1);
  });

test("how far it is is guessed until the provider says it, and never falls", async () => {
  // The vendor says it in the second half of its second.
  const id = await make("a fox that is waited for");
  const seen = [];
  const done = await until(id, (job) => {
    if (job.status === "processing") seen.push(job);
    return job.status === "completed";
  });
  const guesses = seen.filter((job) => job.progressEstimated);
  assert.ok(guesses.length > 0, JSON.stringify(seen));
  assert.ok(guesses.every((job) => job.stage && job.etaSeconds >= 0), JSON.stringify(guesses));
  const values = seen.map((job) => job.progress);
  assert.deepEqual(values, [...values].sort((a, b) => a - b));
  assert.ok(values.every((value) => value < 100));
  assert.equal(done.progress, undefined);
});

test("what was put off is sent again, what was refused is not", async () => {
  const later = await make("a fox, but not now");
  const never = await make("an unwanted fox");
  assert.equal((await reel.finished(later)).status, "completed");
  assert.equal(vendor.asked.get("a fox, but not now"), 2);
  assert.equal(vendor.of("a fox, but not now").length, 1);
  const refused = await reel.finished(never);
  assert.equal(refused.status, "failed");
  assert.equal(refused.errorCode, "provider_rejected");
  assert.match(refused.error, /unwanted/);
  assert.equal(vendor.asked.get("an unwanted fox"), 1);
});

test("200 with a page instead of a prediction is uncertain, and held", async () => {
  const id = await make("a fox behind an html page");
  await until(id, (job) => job.uncertain);
  await sleep(3000);
  assert.equal(vendor.asked.get("a fox behind an html page"), 1);
  const gone = await reel.post(`/api/v1/generate/${id}/cancel`, {});
  assert.equal(gone.body.receipt, "unconfirmed");
});

test("who knows what came of an uncertain submission says so", async () => {
  vendor.listHides = true;
  const names = ["linked", "given up", "sent again"];
  const ids = [];
  for (const name of names) ids.push(await make(`a fox that is ${name} whose answer is lost`));
  for (const id of ids) await until(id, (job) => job.uncertain);
  const { body } = await reel.get("/api/v1/uncertain");
  for (const id of ids) assert.ok(body.items.some((job) => job.jobId === id));
  const say = (id, words) => reel.post(`/api/v1/jobs/${id}/resolve`, words);
  assert.equal((await say(ids[0], { action: "guess" })).status, 400);
  assert.equal((await say(ids[0], { action: "link" })).status, 400);
  const [one] = vendor.of("a fox that is linked whose answer is lost");
  const linked = await say(ids[0], { action: "link", remoteId: one.id });
  assert.equal(linked.status, 200, JSON.stringify(linked.body));
  assert.equal((await say(ids[1], { action: "give_up" })).body.errorCode, "submission_uncertain");
  await say(ids[2], { action: "resubmit" });
  await until(ids[2], () => vendor.asked.get("a fox that is sent again whose answer is lost") === 2);
  assert.equal((await reel.finished(ids[0])).status, "completed");
  assert.equal((await say(ids[0], { action: "give_up" })).status, 409);
  // What may have been paid for is not tried again by mistake.
  const retry = (words) => reel.post(`/api/v1/jobs/${ids[1]}/retry`, words);
  const refused = await retry({});
  assert.equal(refused.status, 409);
  assert.match(refused.body.error, /acceptDoubleCharge/);
  assert.equal((await retry({ acceptDoubleCharge: "yes" })).status, 400);
  const again = await retry({ acceptDoubleCharge: true });
  assert.equal(again.status, 202, JSON.stringify(again.body));
  await reel.post(`/api/v1/jobs/${again.body.jobId}/cancel`, {});
  // Two of them look like the third job now, and only one may be its own: nobody decides that.
  vendor.listHides = false;
  await reel.post(`/api/v1/jobs/${ids[2]}/cancel`, {});
});

test("a server that ends awaits the answers to its submissions, and begins no other", async () => {
  const answers = new Promise((done) => {
    vendor.faults.submit = async () => {
      done();
      await sleep(900);
    };
  });
  const prompt = "a fox that is accepted slowly";
  const id = await make(prompt);
  await answers;
  const began = Date.now();
  await reel.kill("SIGTERM");
  assert.ok(Date.now() - began > 400, "it did not wait");
  delete vendor.faults.submit;
  const rows = ask(reel.home, `SELECT attempts.state AS state FROM attempts JOIN jobs ON key = job WHERE id = '${id}'`);
  assert.deepEqual(rows.map((row) => row.state), ["accepted"]);
  await reel.start();
  assert.equal((await reel.finished(id)).status, "completed");
  assert.equal(vendor.of(prompt).length, 1);
  const { body } = await reel.get(`/api/v1/jobs/${id}/timeline`);
  assert.ok(!body.items.some((one) => one.to === "uncertain"), JSON.stringify(body.items));
});

test("an operator keeps new jobs from a provider", async () => {
  const provider = async () =>
    (await reel.get("/api/v1/providers")).body.items.find((one) => one.provider === "replicate");
  assert.equal((await provider()).configured, true);
  assert.ok((await provider()).polls > 0);
  assert.equal((await reel.post("/api/v1/providers/replicate/pause", {})).body.status, "paused");
  const id = await make("a fox that waits for its provider");
  const job = await until(id, ({ waitingFor }) => waitingFor?.code === "provider_paused");
  assert.equal(job.status, "queued");
  assert.equal(vendor.of("a fox that waits for its provider").length, 0);
  await reel.kill("SIGKILL");
  await reel.start();
  await reel.ready();
  assert.equal((await provider()).status, "paused");
  const resumed = await reel.post("/api/v1/providers/replicate/resume", {});
  assert.notEqual(resumed.body.status, "paused");
  assert.equal((await reel.finished(id)).status, "completed");
  assert.equal((await reel.post("/api/v1/providers/local/pause", {})).status, 409);
  assert.equal((await reel.post("/api/v1/providers/nobody/pause", {})).status, 404);
});

test("a refused key keeps jobs waiting, and the operator is told once", async () => {
  const alerts = [];
  const receiver = createServer(async (request, response) => {
    let text = "";
    for await (const part of request) text += part;
    alerts.push(JSON.parse(text));
    response.end();
  });
  await new Promise((done) => receiver.listen(0, "127.0.0.1", done));
  const own = await new Reel({
    environment: {
      ...provider(),
      REPLICATE_API_TOKEN: "r8_wrong",
      REEL_ALERTS_URL: `http://127.0.0.1:${receiver.address().port}/`,
    },
  }).start();
  try {
    const jobs = [];
    for (const n of [1, 2]) jobs.push(await own.generate({ model, prompt: `a locked out fox ${n}`, duration: 5 }));
    for (const end = Date.now() + 20_000; !alerts.length && Date.now() < end; ) await sleep(50);
    assert.equal(alerts[0]?.kind, "account", JSON.stringify(alerts));
    assert.match(alerts[0].message, /replicate refuses our key/);
    for (const { jobId } of jobs) {
      const { body } = await own.get(`/api/v1/generate/${jobId}`);
      assert.ok(["bad_key", "provider_paused"].includes(body.waitingFor?.code), JSON.stringify(body));
    }
    await sleep(500);
    assert.equal(alerts.length, 1, JSON.stringify(alerts));
    assert.ok(!JSON.stringify(alerts).includes("r8_wrong"));
  } finally {
    await own.stop();
    receiver.closeAllConnections();
    receiver.close();
  }
});

test("a cold start is a stage, asked for once for all that wait", async () => {
  let health = 0, warmAt = Infinity; // a while after somebody has asked
  const cloud = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://cloud");
    const status = Date.now() < warmAt ? "IN_QUEUE" : "IN_PROGRESS";
    if (pathname === "/v2/cold/health") {
      health++;
      warmAt = Math.min(warmAt, Date.now() + 15_000); // both are asked about once more
      const workers = { idle: 0, initializing: 1, ready: 0, running: 0, throttled: 0, unhealthy: 0 };
      response.end(JSON.stringify({ jobs: { inQueue: 2 }, workers }));
    } else {
      response.end(JSON.stringify({ id: pathname === "/v2/cold/run" ? `r${Math.random()}` : pathname.split("/").pop(), status }));
    }
  });
  await new Promise((done) => cloud.listen(0, "127.0.0.1", done));
  const own = await new Reel({
    environment: {
      RUNPOD_API_KEY: "rp_secret",
      RUNPOD_ZIMAGE_ENDPOINT_ID: "cold",
      RUNPOD_BASE_URL: `http://127.0.0.1:${cloud.address().port}/v2`,
    },
  }).start();
  try {
    const ids = [];
    for (const n of [1, 2]) ids.push((await own.generate({ model: "zimage", prompt: `a cold fox ${n}` })).jobId);
    const stages = new Map(ids.map((id) => [id, new Set()]));
    for (const end = Date.now() + 40_000; Date.now() < end; await sleep(100)) {
      for (const id of ids) stages.get(id).add((await own.get(`/api/v1/generate/${id}`)).body.stage);
      const now = await Promise.all(ids.map(async (id) => (await own.get(`/api/v1/generate/${id}`)).body.stage));
      if (Date.now() > warmAt && !now.some((stage) => /cold/.test(stage))) break;
    }
    for (const seen of stages.values())
      assert.ok(seen.has("A cold start: 1 worker is loading."), JSON.stringify([...seen]));
    for (const id of ids) {
      const { stage, status } = (await own.get(`/api/v1/generate/${id}`)).body;
      assert.equal(status, "processing");
      assert.ok(!/cold/.test(stage), stage); // it is over
    }
    assert.ok(health >= 1 && health <= 3, `${health} times`);
  } finally {
    await own.stop();
    cloud.closeAllConnections();
    cloud.close();
  }
});

test("a failure at the provider is told, and paid once", async () => {
  const failed = await reel.finished(await make("a fox that fails"));
  assert.equal(failed.errorCode, "out_of_memory");
  assert.equal(vendor.of("a fox that fails").length, 1);
});

test("a link inside, a page and a missing file are no output", async () => {
  const ids = await Promise.all([
    make("a fox with a private file"),
    make("a fox with a page for a file"),
    make("a fox with no file"),
  ]);
  const [inside, page, missing] = await Promise.all(ids.map((id) => reel.finished(id, 120)));
  for (const job of [inside, page, missing]) assert.equal(job.status, "failed", JSON.stringify(job));
  assert.equal(page.errorCode, "output_invalid");
  assert.equal(missing.errorCode, "output_lost");
  for (const name of ["a private file", "a page for a file", "no file"])
    assert.equal(vendor.of(`a fox with ${name}`).length, 1);
});

test("a cancel reaches the provider, and says how it ended", async () => {
  const id = await make("a fox to be stopped");
  await until(id, (job) => job.status === "processing" && vendor.of("a fox to be stopped").length);
  const answer = await reel.post(`/api/v1/generate/${id}/cancel`, {});
  assert.equal(answer.body.receipt, "stopped", JSON.stringify(answer.body));
  assert.equal(vendor.of("a fox to be stopped")[0].end, "canceled");
});

test("kill -9 at any moment submits nothing twice and loses nothing", async () => {
  const prompts = [];
  const ids = [];
  for (let round = 0; round < 6; round++) {
    for (let n = 0; n < 5; n++) {
      const prompt = `a fox of round ${round} number ${n}${n === 4 ? " whose answer is lost" : ""}`;
      prompts.push(prompt);
      ids.push(await make(prompt));
    }
    await sleep(Math.random() * 400);
    await reel.kill("SIGKILL");
    await reel.start();
  }
  for (const id of ids) {
    const job = await reel.finished(id, 180).catch(async () => (await reel.get(`/api/v1/jobs/${id}/timeline`)).body);
    assert.equal(job.status, "completed", JSON.stringify(job));
  }
  for (const prompt of prompts) assert.ok(vendor.asked.get(prompt) === 1, `${prompt} was sent twice`);
});

test("every cent lies at an attempt, and attempts lie at jobs", async () => {
  const open = ask(
    reel.home,
    "SELECT count(*) AS n FROM attempts WHERE ended_at = 0 AND state <> 'uncertain'",
  );
  assert.equal(open[0].n, 0);
  const ids = ask(reel.home, "SELECT remote_id FROM attempts WHERE remote_id <> ''");
  assert.equal(new Set(ids.map((row) => row.remote_id)).size, ids.length);
});

test("fal's history lies elsewhere, and is asked with its key", async () => {
  const serve = async (answer) => {
    const requests = [];
    const server = createServer((request, response) => {
      requests.push({ url: request.url, key: request.headers.authorization });
      answer(request, response);
    });
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    return { requests, server, origin: `http://127.0.0.1:${server.address().port}` };
  };
  const queue = await serve((request) => request.socket.destroy());
  const history = await serve((request, response) => response.end('{"items":[],"has_more":false}'));
  const catalog = temporaryFolder();
  const entry = JSON.parse(readFileSync(join(root, "catalog/fal.json"), "utf8")).provider;
  entry.baseUrl = queue.origin;
  entry.details.historyUrl = `${history.origin}/v1`;
  mkdirSync(catalog, { recursive: true });
  writeFileSync(join(catalog, "fal.json"), JSON.stringify({ provider: entry }));
  const own = await new Reel({ environment: { REEL_CATALOG_FOLDER: catalog, FAL_KEY: "fal_secret" } }).start();
  try {
    await own.generate({ model: "veo3/fast/text-to-video", prompt: "a fox whose answer is lost" });
    for (const end = Date.now() + 20_000; !history.requests.length && Date.now() < end; ) await sleep(50);
    assert.equal(queue.requests.length, 1);
    assert.match(history.requests[0]?.url ?? "", /^\/v1\/models\/requests\/by-endpoint\?/);
    assert.equal(history.requests[0].key, "Key fal_secret");
  } finally {
    await own.stop();
    for (const { server } of [queue, history]) {
      server.closeAllConnections();
      server.close();
    }
    rmSync(catalog, { recursive: true, force: true });
  }
});
