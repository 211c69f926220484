// The sandbox: every adapter and every dialect end to end, without a key or a cent; and a gateway
// beside providers that go wrong as a script says. What was paid is in the sandbox's own ledger.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { writeFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test, before, after } from "node:test";
import { Reel, sleep, ask, ffprobe, program, temporaryFolder } from "../rig.mjs";
import { attemptOf, canned, makeFiles, models, readLedger, writeScript } from "../sandbox.mjs";

const [replicate, fal, runpod] = models;
let folder;

before(() => {
  folder = temporaryFolder();
  makeFiles(folder);
});

after(() => rmSync(folder, { recursive: true, force: true }));

async function begin(rules, more = []) {
  const reel = new Reel({
    arguments: [
      ...["--sandbox", "--set", "log.level=warn"],
      ...(rules ? ["--sandbox-script", writeScript(folder, rules)] : []),
      ...more,
    ],
  });
  await reel.start();
  return reel.ready();
}

const ledgerOf = (reel) => readLedger(join(reel.home, "sandbox"));

async function make(reel, [model, more], prompt, options = {}) {
  return (await reel.generate({ model, prompt, ...more, ...options })).jobId;
}

// Runs the test with a gateway of its own, and shows its log when it fails.
async function within(rules, run, more) {
  const reel = await begin(rules, more);
  try {
    await run(reel);
  } catch (error) {
    console.error(reel.log.slice(-4000));
    throw error;
  } finally {
    await reel.stop();
  }
}

// One row for each attempt that was accepted, and the same money on both sides, at each of them.
function expectAccounts(reel) {
  const rows = ledgerOf(reel);
  const attempts = ask(
    reel.home,
    "SELECT remote_id, settled FROM attempts WHERE remote_id <> '' ORDER BY remote_id",
  );
  const settled = new Map(attempts.map((one) => [one.remote_id, one.settled]));
  assert.equal(settled.size, attempts.length, "an id belongs to two attempts");
  assert.deepEqual(rows.map((row) => row.remoteId).sort(), [...settled.keys()].sort());
  for (const row of rows)
    assert.equal(settled.get(row.remoteId), row.priceMicros ?? 0, JSON.stringify(row));
  const senders = rows.map((row) => JSON.stringify(attemptOf(row)));
  assert.equal(new Set(senders).size, rows.length, "an attempt was submitted twice");
  assert.equal(new Set(rows.map((row) => row.digest)).size, rows.length, "an input was sent twice");
  return rows;
}

test("three providers, a job each, and no key", () =>
  within(null, async (reel) => {
    const ids = [];
    for (const one of models) ids.push(await make(reel, one, "a fox in the snow"));
    for (const [n, id] of ids.entries()) {
      const done = await reel.finished(id, 300);
      assert.equal(done.status, "completed", JSON.stringify(done));
      const file = await reel.download(done.result.url);
      const path = join(folder, `output-${n}`);
      writeFileSync(path, file.bytes);
      const probe = ffprobe(path);
      if (n < 2) {
        assert.ok(Math.abs(Number(probe.format.duration) - models[n][1].duration) < 0.2);
        assert.equal(probe.streams[0].codec_name, "h264");
      }
      assert.equal(probe.streams[0].width, n < 2 ? 1280 : 1024);
    }
    const rows = expectAccounts(reel);
    assert.deepEqual(rows.map((row) => row.provider).sort(), ["fal", "replicate", "runpod"]);
    assert.ok(rows.every((row) => row.became === "succeeded"));
    assert.deepEqual(new Set(rows.map((row) => attemptOf(row).job)), new Set(ids));
    assert.ok((await reel.get("/api/v1/models")).body.items.every((model) => model.configured));
    // The page shows the same.
    const url = reel.said.match(/sandbox at (\S+)/)[1];
    const page = await (await fetch(url)).json();
    assert.equal(page.totals.fal.accepted, 1);
    assert.equal(page.totals.fal.priceMicros, 600000);
    assert.equal(page.totals.replicate.unpriced, 1);
    assert.deepEqual(
      page.rows.map((row) => row.remoteId).sort(),
      rows.map((row) => row.remoteId).sort(),
    );
    assert.equal((await (await fetch(`${url}?from=1&limit=1`)).json()).next, 2);
    assert.equal((await fetch(`${url}?limit=x`)).status, 400);
    assert.equal((await reel.get("/sandbox/ledger")).status, 404); // a gateway has none
    const native = await fetch(new URL("/api/v1/jobs", url));
    assert.equal(native.status, 404); // and a sandbox speaks as providers do
  }));

test("an input goes there, and becomes a film", () =>
  within(null, async (reel) => {
    const still = await make(reel, ["local/still", { width: 256, height: 256 }], "a picture");
    assert.equal((await reel.finished(still)).status, "completed");
    const { jobId } = await reel.generate({
      model: "ltx2",
      prompt: "pan left",
      imageUrl: `reel://${still}`,
      duration: 3,
      width: 512,
      height: 512,
    });
    const done = await reel.finished(jobId, 300);
    assert.equal(done.status, "completed", JSON.stringify(done));
    assert.equal(done.result.width, 512);
    assert.equal(done.result.durationMs, 3000);
    expectAccounts(reel);
  }));

test("200 jobs, a fifth of the answers lost after acceptance: nothing twice, every cent", () =>
  within(
    [...canned(300), { match: { call: "create" }, chance: 0.2, fault: "lost_after" }],
    async (reel) => {
      const ids = [];
      for (let n = 0; n < 200; n++) ids.push(await make(reel, models[n % 3], `a fox, number ${n}`));
      for (const id of ids) assert.equal((await reel.finished(id, 300)).status, "completed");
      const rows = expectAccounts(reel);
      assert.equal(rows.length, 200);
      assert.ok(rows.every((row) => row.became === "succeeded"));
      const lost = ask(
        reel.home,
        "SELECT count(DISTINCT job) AS n FROM timeline WHERE to_state = 'uncertain'",
      )[0].n;
      assert.ok(lost >= 15 && lost <= 70, `${lost} were uncertain`);
    },
  ));

test("kill -9 of the gateway, and of the sandbox with it, submits nothing twice", async () => {
  const reel = await begin([
    ...canned(1500),
    { match: { call: "create" }, chance: 0.2, fault: "lost_after" },
  ]);
  const ids = [];
  try {
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 12; n++)
        ids.push(await make(reel, models[n % 3], `a fox of round ${round}, number ${n}`));
      await sleep(Math.random() * 800);
      reel.listen = new URL(reel.url).host; // where it is called back
      await reel.kill("SIGKILL");
      // Readable, whoever died.
      assert.ok(ledgerOf(reel).length <= ids.length);
      await reel.start();
    }
    await reel.ready();
    // A submission that never arrived can't be told from one that did, but by Replicate's list: it is
    // held, as it must be; so is one at RunPod whose only call back came just before a kill. All else
    // that was accepted ends well.
    const accepted = new Set(ledgerOf(reel).map((row) => attemptOf(row).job));
    const ends = [];
    for (const id of ids) {
      const { body } = await reel.get(`/api/v1/generate/${id}`);
      if (body.uncertain && (!accepted.has(id) || body.model === "zimage")) continue;
      ends.push((await reel.finished(id, 240)).status);
    }
    assert.ok(ends.length >= ids.length - 15, `only ${ends.length} have ended`);
    const rows = ledgerOf(reel);
    const senders = rows.map((row) => JSON.stringify(attemptOf(row)));
    assert.equal(new Set(senders).size, rows.length, "an attempt was submitted twice");
    assert.equal(new Set(rows.map((row) => row.digest)).size, rows.length);
    assert.ok(rows.length <= ids.length);
    assert.ok(ends.every((status) => status === "completed"));
  } catch (error) {
    console.error(reel.log.slice(-4000));
    throw error;
  } finally {
    await reel.stop();
  }
});

// ---------------------------------------------------------------- one fault at a time

const create = (fault, more = {}) => ({ match: { call: "create" }, fault, ...more });

test("delays, refusals and lost requests of a submission", () =>
  within(
    [
      ...canned(0),
      { match: { provider: "fal", call: "create" }, fault: "delay", ms: 1500 },
      {
        match: { provider: "replicate", call: "create" },
        ...{ first: 1, fault: "status", status: 429, retryAfter: 1 },
      },
    ],
    async (reel) => {
      const began = Date.now();
      const ids = [];
      for (const one of models) ids.push(await make(reel, one, "a fox"));
      assert.equal((await reel.finished(ids[1])).status, "completed");
      assert.ok(Date.now() - began >= 1500);
      assert.equal((await reel.finished(ids[0])).status, "completed");
      const rows = ledgerOf(reel);
      assert.equal(rows.filter((row) => row.provider === "replicate").length, 1);
      assert.equal(rows.filter((row) => row.provider === "fal").length, 1);
    },
  ));

test("a submission that got lost before it was accepted is proven absent, and sent again", () =>
  within(
    [...canned(0), { match: { call: "create" }, first: 1, fault: "lost_before" }],
    async (reel) => {
      const id = await make(reel, replicate, "a fox");
      for (;;) {
        const { body } = await reel.get(`/api/v1/generate/${id}`);
        if (body.uncertain) break;
        assert.notEqual(body.status, "completed");
        await sleep(50);
      }
      assert.equal(ledgerOf(reel).length, 0);
      assert.equal((await reel.finished(id, 180)).status, "completed");
      assert.equal(ledgerOf(reel).length, 1);
    },
  ));

test("5xx and lost answers of what is only read do no harm", () =>
  within(
    [
      ...canned(200),
      { match: { call: "status" }, every: 2, fault: "status", status: 502 },
      { match: { call: "result" }, first: 1, fault: "lost_before" },
      { match: { call: "file" }, first: 1, fault: "status", status: 503 },
      { match: { call: "file" }, first: 2, fault: "delay", ms: 300 },
    ],
    async (reel) => {
      const ids = [];
      for (const one of models) ids.push(await make(reel, one, "a fox"));
      for (const id of ids) assert.equal((await reel.finished(id, 240)).status, "completed");
      assert.equal(expectAccounts(reel).length, 3);
    },
  ));

test("failures and moderation come in each provider's words", () =>
  within(
    [
      { match: { provider: "fal" }, fault: "moderation", ms: 50 },
      { match: { provider: "replicate" }, fault: "moderation", ms: 50 },
      create("fail", { text: "The GPU caught fire." }),
    ],
    async (reel) => {
      const ids = [];
      for (const one of models) ids.push(await make(reel, one, "a fox"));
      const ends = [];
      for (const id of ids) ends.push(await reel.finished(id));
      assert.deepEqual(
        ends.map((job) => [job.status, job.errorCode]),
        [
          ["failed", "content_policy"],
          ["failed", "content_policy"],
          ["failed", "provider_failed"],
        ],
        JSON.stringify(ends),
      );
      assert.match(ends[2].error, /caught fire/);
      const rows = ledgerOf(reel);
      assert.equal(rows.length, 3);
      assert.ok(rows.every((row) => row.became === "failed"));
    },
  ));

test("links that have expired are asked for anew, and then given up", () =>
  within(
    [
      ...canned(0),
      { match: { provider: "fal" }, first: 1, fault: "expired_link" },
      { match: { provider: "runpod" }, fault: "expired_link" },
    ],
    async (reel) => {
      const good = await make(reel, fal, "a fox");
      const lost = await make(reel, runpod, "a fox");
      assert.equal((await reel.finished(good, 120)).status, "completed");
      const end = await reel.finished(lost, 240);
      assert.equal(end.errorCode, "output_lost", JSON.stringify(end));
      assert.equal(ledgerOf(reel).length, 2);
    },
  ));

test("a cancel reaches what is under way", () =>
  within([...canned(60000)], async (reel) => {
    const id = await make(reel, replicate, "a fox");
    while (ledgerOf(reel).length === 0) await sleep(50);
    await sleep(300);
    const answer = await reel.post(`/api/v1/generate/${id}/cancel`, {});
    assert.equal(answer.body.receipt, "stopped", JSON.stringify(answer.body));
    assert.equal(ledgerOf(reel)[0].became, "canceled");
  }));

// ---------------------------------------------------------------- callbacks, and the sandbox alone

// `reel sandbox` by itself; a receiver takes its calls.
class Alone {
  async start(rules, more = []) {
    this.home = temporaryFolder();
    const script = rules ? ["--script", writeScript(folder, rules)] : [];
    this.process = spawn(
      program("reel"),
      ["sandbox", "--home", this.home, "--listen", "127.0.0.1:0", ...script, ...more],
      {
        env: {
          PATH: process.env.PATH,
          ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? "",
          REEL_LOCAL_PROGRAM: program("reel-media"),
        },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    this.log = "";
    this.process.stderr.on("data", (data) => (this.log += data));
    this.ended = new Promise((done) => this.process.on("close", (status) => done(status)));
    this.url = await new Promise((done, failed) => {
      this.process.stdout.on("data", (data) => {
        const found = String(data).match(/listens on (\S+)/);
        if (found) done(found[1]);
      });
      this.ended.then(() => failed(new Error(this.log)));
    });
    this.calls = [];
    this.receiver = createServer(async (request, response) => {
      let text = "";
      for await (const part of request) text += part;
      this.calls.push({ at: Date.now(), headers: request.headers, body: JSON.parse(text) });
      response.end("{}");
    });
    await new Promise((done) => this.receiver.listen(0, "127.0.0.1", done));
    this.hook = `http://127.0.0.1:${this.receiver.address().port}/hook`;
    return this;
  }

  async stop() {
    this.process.kill("SIGTERM");
    this.receiver?.close();
    await this.ended;
    rmSync(this.home, { recursive: true, force: true });
  }

  async post(path, body, headers = {}) {
    const answer = await fetch(this.url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  }

  // A prediction of Replicate's that calls back when it has ended.
  predict(prompt, more = {}) {
    return this.post("/replicate/v1/models/kwaivgi/kling-v2.5-turbo-pro/predictions", {
      input: { prompt, duration: 5 },
      webhook: this.hook,
      webhook_events_filter: ["completed"],
      ...more,
    });
  }

  async called(count, seconds = 20) {
    const until = Date.now() + seconds * 1000;
    while (this.calls.length < count && Date.now() < until) await sleep(20);
    await sleep(300);
    return this.calls;
  }
}

async function alone(rules, run) {
  const sandbox = await new Alone().start(rules);
  try {
    await run(sandbox);
  } finally {
    await sandbox.stop();
  }
}

const onCallback = (fault, more = {}) => [
  ...canned(0),
  { match: { call: "callback" }, fault, ...more },
];

test("callbacks: as they should be, and twice", async () => {
  await alone(canned(0), async (sandbox) => {
    const made = await sandbox.predict("a fox", {});
    assert.equal(made.status, 201);
    const [call, ...others] = await sandbox.called(1);
    assert.equal(others.length, 0);
    assert.equal(call.body.id, made.body.id);
    assert.equal(call.body.status, "succeeded");
    assert.equal(readLedger(sandbox.home)[0].tag, sandbox.hook);
  });
  await alone(onCallback("duplicate"), async (sandbox) => {
    const { body } = await sandbox.predict("a fox");
    const calls = await sandbox.called(2);
    assert.deepEqual(calls.map((call) => call.body.id), [body.id, body.id]);
    assert.equal(calls[0].headers["webhook-id"], calls[1].headers["webhook-id"]);
  });
});

test("callbacks: late, forged and dropped", async () => {
  await alone(onCallback("late", { ms: 1200 }), async (sandbox) => {
    const { body } = await sandbox.predict("a fox");
    const calls = await sandbox.called(1);
    assert.equal(calls.length, 1);
    assert.ok(calls[0].at - Date.parse(body.created_at) >= 1200);
  });
  await alone(onCallback("forged"), async (sandbox) => {
    const { body } = await sandbox.predict("a fox");
    const ids = (await sandbox.called(2)).map((call) => call.body.id);
    assert.equal(ids.length, 2);
    assert.ok(ids.includes(body.id) && ids.some((id) => id !== body.id), ids.join());
  });
  await alone(onCallback("dropped"), async (sandbox) => {
    await sandbox.predict("a fox");
    assert.equal((await sandbox.called(1, 2)).length, 0);
  });
});

test("refusals have each vendor's body", () =>
  alone(
    [{ match: { call: "create" }, fault: "status", status: 429, retryAfter: 3 }],
    async (sandbox) => {
      const one = await sandbox.predict("a fox");
      assert.equal(one.status, 429);
      assert.equal(one.headers.get("retry-after"), "3");
      assert.equal(one.body.status, 429);
      assert.ok(one.body.detail && one.body.title);
      const two = await sandbox.post("/fal/fal-ai/veo3", { prompt: "a fox" });
      assert.equal(two.status, 429);
      assert.ok(two.body.detail);
      const three = await sandbox.post("/runpod/v2/zimage/run", { input: { prompt: "a fox" } });
      assert.equal(three.status, 429);
      assert.ok(three.body.error);
      assert.equal(readLedger(sandbox.home).length, 0);
    },
  ));

test("what is wrong is said, and nothing listens where others are", async () => {
  const run = (words) =>
    new Promise((done) => {
      const child = spawn(program("reel"), words, {
        env: { PATH: process.env.PATH, REEL_LOCAL_PROGRAM: program("reel-media") },
      });
      let said = "";
      child.stderr.on("data", (data) => (said += data));
      child.on("close", (status) => done({ status, said }));
    });
  const home = join(folder, "nowhere");
  const open = await run(["sandbox", "--home", home, "--listen", "0.0.0.0:0"]);
  assert.equal(open.status, 2);
  assert.match(open.said, /listen is "0\.0\.0\.0:0"; a sandbox takes any key/);
  const script = writeScript(folder, [{ fault: "lost" }]);
  const bad = await run(["sandbox", "--home", home, "--listen", "127.0.0.1:0", "--script", script]);
  assert.equal(bad.status, 1);
  assert.match(bad.said, /rules\[0\]\.fault is "lost"; allowed: delay, status/);
  const beside = await run([
    ...["serve", "--home", join(folder, "gateway"), "--listen", "127.0.0.1:0"],
    ...["--sandbox", "--sandbox-script", script],
  ]);
  assert.equal(beside.status, 1);
  assert.match(beside.said, /rules\[0\]\.fault is .*lost/);
  const pointless = await run(["serve", "--sandbox-script", script]);
  assert.equal(pointless.status, 2);
  assert.match(pointless.said, /--sandbox-script makes sense with --sandbox only/);
});
