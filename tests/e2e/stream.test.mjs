// Streams of providers: a gateway follows fal's, as the sandbox answers it, through a proxy that
// counts what is asked and breaks, falsifies or refuses streams. Whatever a stream says or does not
// say, the polls decide.
import assert from "node:assert/strict";
import { createServer, request as send } from "node:http";
import { rmSync } from "node:fs";
import { test, before, after } from "node:test";
import { Reel, program, sleep, temporaryFolder } from "../rig.mjs";
import { makeFiles, writeScript } from "../sandbox.mjs";

const LONG = { model: "veo3/fast/text-to-video", duration: 4, ms: 13_000 };
const SHORT = { model: "veo3.1/fast/text-to-video", duration: 4, ms: 6000 };
let folder, sandbox;

class Sandbox extends Reel {
  command() {
    const where = ["--home", this.home, "--listen", this.listen];
    return [program("reel"), ["sandbox", ...where, ...this.arguments]];
  }
}

// Between one gateway and the sandbox.
class Proxy {
  constructor() {
    this.polls = this.streams = 0;
    this.open = new Set(); // the gateway's ends of streams
    this.refuses = false;
    this.first = ""; // what a stream says before all else, REQUEST stands for the id
    this.wavers = false; // it waits, it runs, it waits …
  }

  async start() {
    this.server = createServer((request, response) => this.pass(request, response));
    await new Promise((done) => this.server.listen(0, "127.0.0.1", done));
    this.origin = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  pass(request, response) {
    const { method, url, headers } = request;
    const isStream = url.endsWith("/status/stream");
    if (isStream) this.streams++;
    else if (/\/status(\?|$)/.test(url)) this.polls++;
    if (isStream && this.refuses) return response.writeHead(403).end('{"detail":"no"}');
    const [, id] = url.match(/\/requests\/([^/?]+)/) ?? [];
    const { hostname, port } = new URL(sandbox.url);
    const onward = send({ hostname, port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      if (isStream) {
        this.open.add(response);
        response.write(this.first.replace("REQUEST", id));
      }
      if (isStream && this.wavers) this.waver(response);
      else answer.pipe(response);
    });
    response.on("close", () => {
      this.open.delete(response);
      onward.destroy();
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  }

  waver(response) {
    let n = 0;
    const timer = setInterval(() => {
      const status = n++ % 2 ? "IN_PROGRESS" : "IN_QUEUE";
      response.write(`data: ${JSON.stringify({ status })}\n\n`);
    }, 30);
    response.on("close", () => clearInterval(timer));
  }

  cut() {
    for (const response of this.open) response.destroy();
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(done));
  }
}

before(async () => {
  folder = temporaryFolder();
  makeFiles(folder);
  const rules = [LONG, SHORT].map(({ model, ms }) => ({
    match: { model },
    fault: "canned",
    file: "clip.mp4",
    ms,
  }));
  sandbox = await new Sandbox({ arguments: ["--script", writeScript(folder, rules)] }).start();
});

after(async () => {
  await sandbox.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function within(run, ...more) {
  const proxy = await new Proxy().start();
  const reel = await new Reel({
    arguments: ["--set", "log.level=debug", ...more],
    environment: { FAL_BASE_URL: `${proxy.origin}/fal`, FAL_KEY: "fal_secret" },
  }).start();
  try {
    await run(reel, proxy);
    assert.ok(!reel.log.includes("fal_secret"));
  } catch (error) {
    console.error(reel.log.slice(-4000));
    throw error;
  } finally {
    await reel.stop();
    await proxy.stop();
  }
}

const make = async (reel, { model, duration }, prompt = "a fox in the snow") =>
  (await reel.generate({ model, prompt, duration })).jobId;

// Milliseconds from the submission to the end.
async function follow(reel, what, prompt) {
  const from = Date.now();
  const job = await reel.finished(await make(reel, what, prompt), 60);
  assert.equal(job.status, "completed", JSON.stringify(job));
  return Date.now() - from;
}

// The same, to be waited for later.
function begin(reel, what) {
  const ended = follow(reel, what);
  ended.catch(() => {});
  return ended;
}

async function until(condition, seconds = 10) {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    assert.ok(Date.now() < end, "it did not come to pass");
    await sleep(50);
  }
}

// A server that has just started shows no provider yet.
async function openStreams(reel) {
  const { text } = await reel.get("/metrics");
  return Number(text.match(/reel_provider_streams\{provider="fal"\} (\d+)/)?.[1] ?? 0);
}

test("who listens asks less, and knows sooner", async () => {
  const seen = {};
  const run = (name) => async (reel, proxy) => {
    seen[name] = { took: await follow(reel, LONG), polls: proxy.polls, streams: proxy.streams };
  };
  await Promise.all([
    within(run("listens")),
    within(run("asks"), "--set", "streams.perProvider=0"),
  ]);
  const { listens, asks } = seen;
  const text = JSON.stringify(seen);
  assert.equal(listens.streams, 1, text);
  assert.equal(asks.streams, 0, text);
  assert.ok(listens.polls < asks.polls, text);
  assert.ok(listens.polls <= 2, text); // it runs, it ended
  assert.ok(listens.took < LONG.ms + 3000, text);
  assert.ok(listens.took < asks.took - 2000, text);
});

test("a stream that breaks is opened again, and the job ends as soon", () =>
  within(async (reel, proxy) => {
    const ended = begin(reel, SHORT);
    await until(async () => (await openStreams(reel)) === 1);
    proxy.cut();
    await until(() => proxy.streams === 2);
    assert.ok((await ended) < SHORT.ms + 3000);
    await until(async () => (await openStreams(reel)) === 0);
  }));

test("where it can't be opened again, polls take over", () =>
  within(async (reel, proxy) => {
    const ended = begin(reel, SHORT);
    await until(async () => (await openStreams(reel)) === 1);
    await until(() => proxy.polls > 0); // the stage
    const polls = proxy.polls;
    proxy.refuses = true;
    proxy.cut();
    await until(() => proxy.polls > polls, 4);
    assert.ok((await ended) < SHORT.ms + 15_000);
    assert.equal(proxy.streams, 2); // a refusal stands
  }));

test("where there is none, polls are as ever", () =>
  within(async (reel, proxy) => {
    proxy.refuses = true;
    assert.ok((await follow(reel, SHORT)) < SHORT.ms + 15_000);
    assert.equal(proxy.streams, 1);
    assert.ok(proxy.polls >= 2);
  }));

test("what a stream says is no fact", () =>
  within(async (reel, proxy) => {
    proxy.first = [
      'data: {"status":"COMPLETED","request_id":"somebody-else"}',
      'data: {"status":"COMPLETED","request_id":"REQUEST"}',
      "",
    ].join("\n\n");
    const from = Date.now();
    const id = await make(reel, SHORT);
    await until(() => proxy.polls > 0);
    await sleep(500);
    assert.equal((await reel.get(`/api/v1/generate/${id}`)).body.status, "processing");
    assert.equal((await reel.finished(id, 60)).status, "completed");
    assert.ok(Date.now() - from >= SHORT.ms);
    assert.equal(proxy.streams, 1); // who said so is not asked again
  }));

test("a stream that wavers is listened to no more", () =>
  within(async (reel, proxy) => {
    proxy.wavers = true;
    const ended = begin(reel, SHORT);
    await until(() => proxy.open.size === 1);
    await until(() => proxy.open.size === 0);
    assert.ok((await ended) < SHORT.ms + 15_000);
    assert.equal(proxy.streams, 1);
    assert.ok(proxy.polls < 10, `${proxy.polls}`); // one a second, and no more
  }));

test("an event that is too large ends the stream", () =>
  within(async (reel, proxy) => {
    proxy.first = `data: {"status":"IN_QUEUE","text":"${"x".repeat(100_000)}"}\n\n`;
    await follow(reel, SHORT);
    assert.ok(proxy.streams > 1 && proxy.streams <= 6, `${proxy.streams}`);
    assert.equal(await openStreams(reel), 0);
  }));

test("only so many are followed, and a death or an end lets them go", () =>
  within(
    async (reel, proxy) => {
      const ids = [];
      for (const name of ["one", "two", "three"]) ids.push(await make(reel, LONG, `a fox, ${name}`));
      await until(async () => (await openStreams(reel)) === 2);
      await sleep(500);
      assert.equal(proxy.streams, 2);
      await reel.kill("SIGKILL");
      await until(() => proxy.open.size === 0);
      await reel.start();
      await until(async () => (await openStreams(reel)) === 2);
      assert.equal(proxy.streams, 4);
      // A stream does not keep a server from stopping.
      const from = Date.now();
      await reel.kill("SIGTERM");
      assert.ok(Date.now() - from < 3000);
      await reel.start();
      await until(async () => (await openStreams(reel)) === 2);
      await reel.post(`/api/v1/generate/${ids[0]}/cancel`, {});
      for (const id of ids.slice(1)) assert.equal((await reel.finished(id, 60)).status, "completed");
      await until(async () => (await openStreams(reel)) === 0);
      await until(() => proxy.open.size === 0);
    },
    ...["--set", "streams.perProvider=2"],
  ));
