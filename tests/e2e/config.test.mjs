// The configuration of a running server: what SIGHUP changes, what it leaves, what it refuses.
import { test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { Reel, program, sleep, temporaryFolder } from "../rig.mjs";

async function until(what, sentence, seconds = 15) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(20)) {
    const result = await what();
    if (result) return result;
  }
  throw new Error(`not in ${seconds} s: ${sentence}`);
}

async function withServer(file, use) {
  const home = temporaryFolder();
  const write = (text) => writeFileSync(join(home, "reel.yaml"), text);
  write(file);
  const reel = await new Reel({ home, environment: { REEL_LOCAL_WORKERS: "2" } }).start();
  const reload = async (text, pattern) => {
    if (text !== undefined) write(text);
    const from = reel.log.length;
    reel.process.kill("SIGHUP");
    await until(() => pattern.test(reel.log.slice(from)), `the log says ${pattern}: ${reel.log.slice(from)}`);
    return reel.log.slice(from);
  };
  try {
    await use(reel, reload, home);
    assert.equal((await reel.kill("SIGTERM")).status, 0, reel.log.slice(-2000));
  } finally {
    if (!reel.exit) await reel.kill("SIGKILL");
    rmSync(home, { recursive: true, force: true });
  }
}

const film = (seed) => ({
  model: "local/animatic", prompt: "x", duration: 20, width: 640, height: 360, seed,
});

test("a larger limit lets waiting jobs start, a smaller one stops no running job", async () => {
  await withServer("limits: {inFlight: 1}\n", async (reel, reload) => {
    const jobs = [await reel.generate(film(1)), await reel.generate(film(2)), await reel.generate(film(3))];
    const status = async (n) => (await reel.get(`/api/v1/jobs/${jobs[n].jobId}`)).body.status;
    await until(async () => (await status(0)) === "processing", "the first starts");
    assert.equal(await status(1), "queued");
    await reload("limits: {inFlight: 2}\n", /"key":"limits\.inFlight","value":"2"/);
    await until(async () => (await status(1)) === "processing", "the second starts");
    await reload("limits: {inFlight: 1}\n", /"key":"limits\.inFlight","value":"1"/);
    assert.equal(await status(0), "processing");
    assert.equal(await status(1), "processing");
    assert.equal(await status(2), "queued");
    for (const { jobId } of jobs) await reel.call("DELETE", `/api/v1/generate/${jobId}`);
  });
});

test("what is read at each request changes at once; what can't is named and stays", async () => {
  const origin = "https://app.example";
  await withServer("log: {level: info}\n", async (reel, reload) => {
    const allowed = async () =>
      (await reel.get("/healthz", { origin })).headers.get("access-control-allow-origin");
    assert.equal(await allowed(), null);
    const port = new URL(reel.url).port;
    const said = await reload(
      `corsOrigins: [${origin}]\nserver: {bodyMax: 2MiB}\nlocal: {timeout: 1m}\n`,
      /"key":"corsOrigins"/,
    );
    assert.match(said, /changes only at a restart[^\n]*"key":"server\.bodyMax"/);
    assert.match(said, /changes only at a restart[^\n]*"key":"local\.timeout"/);
    assert.equal(await allowed(), origin);
    assert.equal(new URL(reel.url).port, port);
    await reload(`corsOrigins: [${origin}]\nlog: {level: error}\n`, /"key":"log\.level"/);
    const quiet = reel.log.length;
    await reel.generate({ model: "local/still", prompt: "x", width: 256, height: 256 });
    await sleep(500);
    assert.equal(reel.log.slice(quiet), "", "info is no longer logged");
  });
});

test("the age of outputs and the rate of tenants change without a restart", async () => {
  await withServer("log: {level: info}\n", async (reel, reload) => {
    const { jobId } = await reel.generate({ model: "local/still", prompt: "x", width: 256, height: 256 });
    await reel.finished(jobId);
    const { key } = (await reel.post("/api/v1/keys", { tenant: "acme", scopes: ["read"] })).body;
    const ask = () => reel.get("/api/v1/jobs", { authorization: `Bearer ${key}` });
    assert.equal((await ask()).headers.get("ratelimit-limit"), null);
    await reload("outputs: {maxAge: 1s}\nlimits: {requestsPerMinute: 7}\n", /"key":"limits\.requestsPerMinute"/);
    assert.equal((await ask()).headers.get("ratelimit-limit"), "7");
    const removed = async () => (await reel.get(`/api/v1/jobs/${jobId}`)).body.filesRemovedAt;
    await until(removed, "the job's files are removed", 30);
  });
});

test("a broken file leaves everything as it is and says why", async () => {
  await withServer("limits: {queue: 7}\n", async (reel, reload, home) => {
    const said = await reload("limits: {queue: many}\nlog: {levle: debug}\n", /levle/);
    assert.match(said, /the old one stays[^\n]*reel\.yaml:1: limits\.queue is \\"many\\"; allowed:/);
    assert.match(said, /reel\.yaml:2: there is no key log\.levle; did you mean log\.level\?/);
    await reload("limits: [1\n", /the old one stays/);
    await reload("limits: {queue: 7}\n", /nothing changes/);
    const checked = spawnSync(program("reel"), ["config", "check", "--home", home, "--set", "a.b=1"], {
      env: { PATH: process.env.PATH, ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? "" }, encoding: "utf8",
    });
    assert.equal(checked.status, 2);
    assert.match(checked.stderr, /--set: there is no key a\.b/);
  });
});

test("the user's catalogue is read anew, and a broken one is not taken", async () => {
  const catalog = temporaryFolder();
  mkdirSync(catalog, { recursive: true });
  await withServer(`catalog: {folder: ${catalog}}\n`, async (reel, reload) => {
    const models = async () => (await reel.get("/api/v1/models")).body.items.map((item) => item.id);
    assert.ok(!(await models()).includes("house/postcard"));
    const text = JSON.stringify({
      models: [
        {
          id: "house/postcard", family: "house", title: "Postcard", summary: "A postcard.",
          task: "text-to-image", output: "image", extensions: ["png"], time: { baseSeconds: 1 },
          parameters: { prompt: { type: "text", required: true } },
          offers: [{ provider: "local", slug: "still" }],
        },
      ],
    });
    writeFileSync(join(catalog, "house.json"), text);
    const said = await reload(undefined, /the catalogue was read anew|can't be used/);
    assert.match(said, /read anew/);
    // It is said when it was read, a moment before every thread has it.
    await until(async () => (await models()).includes("house/postcard"), "the model is there");
    writeFileSync(join(catalog, "house.json"), "{");
    await reload(undefined, /the catalogue can't be used; the old one stays[^\n]*house\.json/);
    assert.ok((await models()).includes("house/postcard"));
  });
  rmSync(catalog, { recursive: true, force: true });
});

test("many reloads under load: nobody is refused, nothing breaks", async () => {
  await withServer("limits: {inFlight: 2}\nlog: {level: error}\n", async (reel, reload, home) => {
    let running = true;
    const client = async () => {
      let n = 0;
      for (; running; n++) {
        const { jobId } = await reel.generate({ model: "local/still", prompt: `p${n}`, width: 256, height: 256 });
        assert.equal((await reel.get(`/api/v1/jobs/${jobId}`)).status, 200);
      }
      return n;
    };
    const clients = [client(), client()];
    for (let n = 0; n < 60; n++) {
      const origin = n % 2 ? "https://a.example" : "https://b.example";
      writeFileSync(join(home, "reel.yaml"), `limits: {inFlight: ${2 + (n % 5)}}\ncorsOrigins: [${origin}]\nlog: {level: error}\n`);
      reel.process.kill("SIGHUP");
      await sleep(20);
    }
    running = false;
    const done = await Promise.all(clients);
    assert.ok(done.every((n) => n > 0), String(done));
    assert.equal((await reel.get("/readyz")).status, 200);
  });
});
