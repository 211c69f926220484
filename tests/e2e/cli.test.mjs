// The command line as a person has it: a real terminal (script(1) makes one), Ctrl-C, exit statuses,
// JSON for programs; and homes that are backed up while their server works.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Reel, ask, program, sleep, temporaryFolder } from "../rig.mjs";

const reel = new Reel({ environment: { REEL_LOCAL_WORKERS: "2" } });
const folder = temporaryFolder();
const small = ["--prompt", "lamps", "--width", "256", "--height", "256"];
const clip = ["generate", "local/animatic", ...small, "--duration", "1", "--fps", "12"];
const long = ["generate", "local/animatic", ...small, "--duration", "60", "--fps", "60"];

before(() => reel.start());
after(async () => {
  await reel.stop();
  rmSync(folder, { recursive: true, force: true });
});

function environment(extra = {}) {
  return {
    PATH: process.env.PATH,
    HOME: folder,
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
    ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? "",
    REEL_SERVER: reel.url,
    AUTH_TOKEN: reel.token,
    ...extra,
  };
}

function run(words, extra) {
  return spawnSync(program("reel"), words, { env: environment(extra), encoding: "utf8", timeout: 120_000 });
}

// In a terminal of its own; `type` is called with what was shown so far, and may write keys.
async function inTerminal(words, { columns = 80, rows = 24, extra = {}, type } = {}) {
  const quoted = [program("reel"), ...words].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const line = `stty cols ${columns} rows ${rows}; ${quoted.join(" ")}`;
  const child = spawn("script", ["-qefc", line, "/dev/null"], { env: environment(extra) });
  let shown = "";
  child.stdout.on("data", (data) => {
    shown += data;
    type?.(shown, (keys) => child.stdin.write(keys));
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), 120_000);
  const status = await new Promise((done) => child.on("close", done));
  clearTimeout(timer);
  return { status, shown };
}

const plain = (text) => text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "").replaceAll("\r", "");
const idIn = (text) => text.match(/gen_[0-9a-z]{26}/)[0];

test("several jobs have a bar each, which stays within the terminal and ends full", async () => {
  const { status, shown } = await inTerminal([...clip, "--count", "4", "--wait"], { columns: 72 });
  assert.equal(status, 0, shown);
  assert.match(shown, /\x1b\[4A/, "the bars are drawn over those before");
  const [bars, ...urls] = plain(shown).split(/\n(?=http)/);
  for (const line of bars.split("\n")) assert.ok([...line].length <= 72, line);
  const last = bars.trim().split("\n").slice(-4);
  for (const line of last) assert.match(line, /^gen_\w+ +█+ +100 % +done$/);
  assert.equal(new Set(last.map(idIn)).size, 4);
  assert.equal(urls.length, 4);
});

test("more jobs than lines: some of them, and how many there are besides", async () => {
  const words = [...clip, "--count", "6", "--wait"];
  const { status, shown } = await inTerminal(words, { rows: 5 });
  assert.equal(status, 0, shown);
  assert.match(plain(shown), /and 3 more; 6 of 6 have ended/);
  assert.doesNotMatch(shown, /\x1b\[[5-9]A/, "the cursor goes up no further than the screen");
});

test("colours at a terminal, none with NO_COLOR, and no escape at all elsewhere", async () => {
  assert.match((await inTerminal(["models"])).shown, /\x1b\[3\dm/);
  assert.doesNotMatch((await inTerminal(["models"], { extra: { NO_COLOR: "1" } })).shown, /\x1b\[3\dm/);
  const elsewhere = run(clip.concat("--wait"));
  assert.equal(elsewhere.status, 0, elsewhere.stderr);
  assert.doesNotMatch(elsewhere.stdout + elsewhere.stderr, /\x1b/);
  assert.match(elsewhere.stderr, /100 % {2}done\n/);
});

test("tables fit the terminal", async () => {
  const refused = run(["generate", "local/kenburns", "--image-url", "https://-/a.png", "--wait"]);
  assert.equal(refused.status, 1, refused.stderr);
  for (const columns of [64, 80, 100]) {
    const lines = plain((await inTerminal(["jobs"], { columns })).shown).trim().split("\n");
    assert.match(lines[1], /^gen_\w{26} .*…$/, "the note is cut, the id never is");
    for (const line of lines) assert.ok([...line].length <= columns, `${columns} columns: ${line}`);
  }
});

test("Ctrl-C says how to come back and leaves the job running; coming back works", async () => {
  let typed = false;
  const { status, shown } = await inTerminal([...long, "--wait"], {
    type: (text, write) => {
      if (typed || !/\d+ %/.test(text)) return;
      typed = true;
      write("\x03");
    },
  });
  assert.equal(status, 130, shown);
  const id = idIn(shown);
  assert.match(plain(shown), new RegExp(`the job goes on\\. Come back with:\n {2}reel watch ${id}\n`));
  const seen = JSON.parse(run(["show", id, "--json"]).stdout);
  assert.ok(["queued", "processing"].includes(seen.status), seen.status);
  assert.equal(run(["cancel", id]).status, 0);
  assert.equal(run(["watch", id]).status, 3);
});

test("exit statuses", async () => {
  assert.equal(run([...clip, "--wait"]).status, 0);
  const failed = run(["generate", "local/kenburns", "--image-url", "http://127.0.0.1:1/x.png", "--wait"]);
  assert.equal(failed.status, 1, failed.stderr);
  assert.equal(run(["genrate"]).status, 2);
  assert.equal(run(["generate", "local/animatic", "--prompt", "x", "--fps", "9999"]).status, 2);
  const expired = run([...long, "--deadline", "1", "--wait"]);
  assert.equal(expired.status, 4, expired.stderr);
  const nobody = run(clip, { REEL_SERVER: "http://127.0.0.1:1" });
  assert.equal(nobody.status, 6);
  assert.match(nobody.stderr, /`reel serve` starts one/);
});

test("--json is one document that a program can read", async () => {
  const accepted = JSON.parse(run([...clip, "--json"]).stdout);
  const id = accepted.jobId;
  const words = [
    ["jobs"], ["show", id], ["models"], ["models", "local/still"], ["stats"], ["config"],
    ["config", "check"], ["doctor"], ["version"], ["retry", id], ["cancel", id],
    [...clip, "--dry-run"], [...clip, "--wait"],
  ];
  for (const each of words) {
    const result = run([...each, "--json"], each[0] === "doctor" ? { REEL_LOCAL_PROGRAM: program("reel-media") } : {});
    assert.doesNotThrow(() => JSON.parse(result.stdout), `${each.join(" ")}: ${result.stdout}${result.stderr}`);
  }
  const lines = run(["watch", id, accepted.jobId, "--json"]).stdout.trim().split("\n");
  assert.ok(lines.every((line) => JSON.parse(line).jobId === id));
  const refusal = run(["generate", "local/still", "--json"]);
  assert.equal(refusal.status, 2);
  assert.equal(JSON.parse(refusal.stdout).errorCode, "validation");
});

test("a large file of this machine goes up before the request, and is what is rendered", () => {
  const noise = join(folder, "noise.png");
  const source = "nullsrc=s=1280x720,geq=lum='random(1)*255':cb=128:cr=128";
  const made = spawnSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "1", noise]);
  assert.equal(made.status, 0, String(made.stderr));
  assert.ok(statSync(noise).size > 700_000);
  const words = ["generate", "local/kenburns", "--image-url", `@${noise}`, "--duration", "1"];
  const result = run([...words, "--width", "256", "--height", "256", "--wait", "--json"]);
  assert.equal(result.status, 0, result.stdout + result.stderr);
  assert.equal(JSON.parse(result.stdout).status, "completed");
});

test("bash completes commands, models, parameters and jobs", () => {
  const complete = (...words) => {
    const list = words.map((word) => `'${word}'`).join(" ");
    const text = `source <("$REEL" completion bash); compopt() { :; }
      COMP_WORDS=("$REEL" ${list}); COMP_CWORD=${words.length}; _reel
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const result = spawnSync("bash", ["-c", text], {
      env: environment({ REEL: program("reel") }), encoding: "utf8",
    });
    return result.stdout.trim().split("\n");
  };
  assert.deepEqual(complete("gener"), ["generate"]);
  assert.deepEqual(complete("generate", "local/ani"), ["local/animatic"]);
  assert.deepEqual(complete("generate", "local/animatic", "--prom"), ["--prompt"]);
  assert.ok(complete("show", "gen_").every((word) => /^gen_\w{26}$/.test(word)));
});

// ---------------------------------------------------------------- backups

const digest = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

test("a backup under load, killed in the middle, made again, restored: nothing is missing", async () => {
  const home = temporaryFolder();
  const busy = await new Reel({ home: join(home, "busy"), environment: { REEL_LOG_LEVEL: "warn" } }).start();
  const accepted = [];
  let running = true;
  const client = async (n) => {
    while (running) {
      const still = { model: "local/still", prompt: `picture ${n++}`, width: 256, height: 256 };
      accepted.push((await busy.generate(still)).jobId);
      await sleep(100); // about as many as are made meanwhile: none of them may wait for minutes
    }
  };
  const clients = [client(0), client(1_000_000)];
  await sleep(1500);
  const place = join(home, "backup");
  const words = ["backup", place, "--home", busy.home];
  let kills = 0;
  // A whole one tells how long it takes; then at moments within that.
  const began = Date.now();
  assert.equal(run(words).status, 0);
  const whole = Date.now() - began;
  rmSync(place, { recursive: true, force: true });
  for (let n = 1; kills < 6; n++) {
    assert.ok(n < 100, "every backup was quicker than its end");
    const wait = whole * (((n * 7) % 10) / 10);
    const child = spawn(program("reel"), words, { env: environment(), stdio: "ignore" });
    const ended = new Promise((done) => child.on("close", (status, signal) => done(signal)));
    await sleep(wait);
    child.kill("SIGKILL");
    if ((await ended) === "SIGKILL") kills++;
    else rmSync(place, { recursive: true, force: true });
    assert.ok(!existsSync(place) || existsSync(join(place, "backup.json")), "never half a backup");
    rmSync(place, { recursive: true, force: true });
  }
  const before = [...accepted];
  const made = run([...words, "--json"]);
  assert.equal(made.status, 0, made.stderr);
  const report = JSON.parse(made.stdout);
  assert.ok(report.jobs >= before.length && report.damaged === 0, made.stdout);
  assert.ok(!existsSync(`${place}.part`));
  assert.equal(run(words).status, 1, "nothing is overwritten");
  running = false;
  await Promise.all(clients);
  assert.equal((await busy.get("/readyz")).status, 200, "the server never noticed");
  assert.match(run(["restore", place, "--home", busy.home]).stderr, /another server/);
  await busy.kill("SIGTERM");

  const fresh = join(home, "fresh");
  const restored = run(["restore", place, "--home", fresh]);
  assert.equal(restored.status, 0, restored.stderr);
  assert.match(run(["restore", place, "--home", fresh]).stderr, /is not empty/);
  const rows = ask(
    fresh,
    "SELECT j.id AS id, o.name AS name, o.size AS size, o.sha256 AS sha256 " +
      "FROM jobs j JOIN outputs o ON o.job = j.key",
  );
  assert.ok(rows.length > 0);
  for (const row of rows) {
    const path = join(fresh, "outputs", row.id, row.name);
    assert.equal(statSync(path).size, row.size);
    assert.equal(digest(path), row.sha256, path);
  }
  const known = new Set(ask(fresh, "SELECT id FROM jobs").map((row) => row.id));
  assert.deepEqual(before.filter((id) => !known.has(id)), []);
  // What was queued then is done now.
  const next = await new Reel({ home: fresh, token: busy.token }).start();
  for (const id of before.slice(-3)) assert.equal((await next.finished(id)).status, "completed");
  await next.kill("SIGTERM");
  rmSync(home, { recursive: true, force: true });
});

test("a restore that was cut off is no home for a server, and can be made again", async () => {
  const home = temporaryFolder();
  mkdirSync(join(home, "restore.part/outputs"), { recursive: true });
  writeFileSync(join(home, "restore.part/reel.db"), "");
  const half = new Reel({ home });
  await assert.rejects(half.start(), /did not come to its end; run `reel restore` again/);
  const place = join(folder, "backup.tar");
  assert.equal(run(["backup", place, "--home", reel.home]).status, 0);
  assert.equal(run(["restore", place, "--home", home]).status, 0);
  await half.start();
  assert.equal((await half.kill("SIGTERM")).status, 0);
  rmSync(home, { recursive: true, force: true });
});
