// Starts that can't be: each ends at once, with a sentence that says why.
import { test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync, rmSync, chmodSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { Reel, program, temporaryFolder } from "../rig.mjs";

function start(options) {
  const folder = temporaryFolder();
  const result = spawnSync(
    program("reel"),
    [
      "serve",
      "--home",
      options.home ?? join(folder, "home"),
      "--listen",
      options.listen ?? "127.0.0.1:0",
      ...(options.arguments ?? []),
    ],
    {
      env: {
        PATH: process.env.PATH,
        AUTH_TOKEN: "x".repeat(16),
        ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? "",
        REEL_LOCAL_PROGRAM: program("reel-media"),
        ...options.environment,
      },
      encoding: "utf8",
      timeout: 20_000,
    },
  );
  rmSync(folder, { recursive: true, force: true });
  return result;
}

function failsWith(result, pattern) {
  assert.notEqual(result.status, 0);
  assert.notEqual(result.status, null, `it did not end: ${result.stderr}`);
  assert.match(result.stderr, pattern);
}

test(
  "a home that can't be written, is a file, or lies nowhere",
  { skip: process.getuid() === 0 && "root may write everywhere" },
  () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "locked"));
    chmodSync(join(folder, "locked"), 0o500);
    failsWith(start({ home: join(folder, "locked") }), /writ|permission/i);
    rmSync(folder, { recursive: true, force: true });
  },
);

test("a home that is a file, or whose parent is missing", () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "file"), "");
  failsWith(start({ home: join(folder, "file") }), /folder|directory/i);
  failsWith(start({ home: join(folder, "no/such/place") }), /no\/such/);
  rmSync(folder, { recursive: true, force: true });
});

test("a port that is in use, an address that is not ours", async () => {
  const holder = createServer();
  await new Promise((done) => holder.listen(0, "127.0.0.1", done));
  failsWith(start({ listen: `127.0.0.1:${holder.address().port}` }), /in use/);
  holder.close();
  failsWith(start({ listen: "203.0.113.1:80" }), /./);
  failsWith(start({ listen: "nonsense" }), /listen/i);
});

test("two servers on one home", async () => {
  const reel = await new Reel().start();
  failsWith(start({ home: reel.home }), new RegExp(`${reel.process.pid}`));
  const exit = await reel.stop();
  assert.equal(exit.status, 0);
});

test("no key wanted on a public address, and configuration that is wrong", () => {
  failsWith(start({ listen: "0.0.0.0:0", arguments: ["--no-auth"] }), /loopback/);
  failsWith(start({ environment: { REEL_NONSENSE: "1" } }), /REEL_NONSENSE/);
  failsWith(start({ environment: { REEL_LIMITS_QUEUE: "many" } }), /REEL_LIMITS_QUEUE/);
  failsWith(start({ environment: { REEL_LOCAL_PROGRAM: "/nowhere/reel-media" } }), /nowhere/);
});

test("a store that is none, or of a newer version", () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "reel.db"), "this is no database".repeat(100));
  failsWith(start({ home: folder }), /reel\.db|database|store/i);
  rmSync(folder, { recursive: true, force: true });
});

test("SIGTERM ends it within seconds, and what it cut off is done after the next start", async () => {
  const reel = await new Reel().start();
  const { jobId } = await reel.generate({
    model: "local/animatic",
    prompt: "cut off",
    duration: 20,
    width: 640,
    height: 360,
  });
  const began = Date.now();
  const exit = await reel.kill("SIGTERM");
  assert.equal(exit.status, 0, reel.log.slice(-3000));
  assert.ok(Date.now() - began < 12_000);
  await reel.start();
  const done = await reel.finished(jobId);
  assert.equal(done.status, "completed", done.error);
  await reel.stop();
});
