// What the end-to-end tests, the gates and the benches share: a real server in a home of its own.
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, readFileSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { randomBytes } from "node:crypto";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
// REEL_BUILD names the build under test; the tests of the sanitized build set it.
export const build = resolve(root, process.env.REEL_BUILD ?? "build");

export function program(name) {
  for (const path of [
    join(build, name),
    join(build, "src/media", name),
    join(build, "src/app", name),
  ])
    if (existsSync(path)) return path;
  throw new Error(`${name} is not built in ${build}; run make all`);
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export function temporaryFolder(prefix = "reel-test-") {
  return mkdtempSync(join(tmpdir(), prefix));
}

// The environment without what the machine's owner may have set for a server of his own.
function cleanEnvironment(extra) {
  const kept = {};
  for (const name of [
    "PATH",
    "HOME",
    "LANG",
    "TMPDIR",
    "ASAN_OPTIONS",
    "UBSAN_OPTIONS",
    "LSAN_OPTIONS",
  ])
    if (process.env[name] !== undefined) kept[name] = process.env[name];
  return { ...kept, ...extra };
}

export class Reel {
  constructor(options = {}) {
    this.token = options.token ?? randomBytes(16).toString("hex");
    this.home = options.home ?? temporaryFolder();
    this.ownsHome = !options.home;
    this.environment = options.environment ?? {};
    this.arguments = options.arguments ?? [];
    this.listen = options.listen ?? "127.0.0.1:0";
    this.log = "";
    this.exit = null;
  }

  command() {
    return [
      program("reel"),
      ["serve", "--home", this.home, "--listen", this.listen, ...this.arguments],
    ];
  }

  // Resolves when it listens; rejects with what it said when it ends before.
  async start() {
    this.exit = null;
    this.process = spawn(...this.command(), {
      env: cleanEnvironment({
        AUTH_TOKEN: this.token,
        REEL_LOCAL_PROGRAM: program("reel-media"),
        ...this.environment,
      }),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process.stderr.on("data", (data) => (this.log = (this.log + data).slice(-2_000_000)));
    const child = this.process;
    this.ended = new Promise((done) =>
      child.on("close", (status, signal) => {
        const exit = { status, signal };
        // The end of one that was replaced meanwhile is not the end of its successor.
        if (this.process === child) this.exit = exit;
        done(exit);
      }),
    );
    await new Promise((done, failed) => {
      this.said = "";
      this.process.stdout.on("data", (data) => {
        this.said += data;
        const found = this.said.match(/listens on (http:\/\/\S+)/);
        if (found) {
          this.url = found[1];
          done();
        }
      });
      this.ended.then((exit) =>
        failed(new Error(`reel ended at its start (${JSON.stringify(exit)}): ${this.log}`)),
      );
    });
    return this;
  }

  async ready() {
    for (let tries = 0; tries < 600; tries++) {
      try {
        if ((await fetch(`${this.url}/readyz`)).status === 200) return this;
      } catch {
        // not yet
      }
      await sleep(10);
    }
    throw new Error(`reel did not get ready: ${this.log}`);
  }

  async kill(signal = "SIGKILL") {
    this.process.kill(signal);
    return this.ended;
  }

  async stop() {
    if (this.process && !this.exit) await this.kill("SIGTERM");
    if (this.ownsHome) rmSync(this.home, { recursive: true, force: true });
    return this.exit;
  }

  headers(extra = {}) {
    return { authorization: `Bearer ${this.token}`, ...extra };
  }

  // { status, headers, body } with the JSON read.
  async call(method, path, body, headers = {}) {
    const isText = typeof body === "string" || body instanceof Uint8Array;
    const answer = await fetch(this.url + path, {
      method,
      headers: this.headers({
        ...(body !== undefined ? { "content-type": "application/json" } : {}),
        ...headers,
      }),
      body: body === undefined ? undefined : isText ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    return { status: answer.status, headers: answer.headers, body: json, text };
  }

  get(path, headers) {
    return this.call("GET", path, undefined, headers);
  }

  post(path, body, headers) {
    return this.call("POST", path, body, headers);
  }

  async generate(body, headers) {
    const answer = await this.post("/api/v1/generate", body, headers);
    if (answer.status !== 202) throw new Error(`not accepted: ${answer.status} ${answer.text}`);
    return answer.body;
  }

  // The status once it is terminal.
  async finished(jobId, seconds = 120) {
    const until = Date.now() + seconds * 1000;
    while (Date.now() < until) {
      const { body } = await this.get(`/api/v1/generate/${jobId}?wait=20`);
      if (["completed", "failed", "canceled"].includes(body?.status)) return body;
    }
    throw new Error(
      `${jobId} did not end in ${seconds} s; the log ends: ${this.log.slice(-3000)}`,
    );
  }

  async download(url) {
    const answer = await fetch(url);
    return {
      status: answer.status,
      headers: answer.headers,
      bytes: Buffer.from(await answer.arrayBuffer()),
    };
  }

  residentBytes() {
    const found = readFileSync(`/proc/${this.process.pid}/status`, "utf8").match(
      /VmRSS:\s+(\d+) kB/,
    );
    return Number(found[1]) * 1024;
  }

  // Seconds of processor time, of this process alone.
  processorSeconds() {
    const fields = readFileSync(`/proc/${this.process.pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }
}

export function ffprobe(path) {
  const text = execFileSync("ffprobe", [
    "-v",
    "error",
    "-print_format",
    "json",
    "-show_format",
    "-show_streams",
    path,
  ]);
  return JSON.parse(text);
}

// An SQL question to the store of a server that has stopped, or runs (readers don't disturb it).
export function ask(home, sql) {
  const text = execFileSync(
    "sqlite3",
    ["-json", "-cmd", ".timeout 5000", join(home, "reel.db"), sql],
    { maxBuffer: 1 << 29 },
  ).toString();
  return text.trim() ? JSON.parse(text) : [];
}

const round = (value) => (Number.isInteger(value) ? `${value}` : value.toFixed(2));

export class Gate {
  constructor(name) {
    this.name = name;
    this.passed = 0;
    this.failed = 0;
    this.slow = 0;
  }

  expect(good, sentence) {
    console.log(`${good ? "ok  " : "FAIL"} ${sentence}`);
    if (good) this.passed++;
    else this.failed++;
  }

  // A bar on a time or a rate, which whatever else the machine does can only make look worse.
  least(sentence, value, bar) {
    this.timed(value >= bar, `${sentence}: ${round(value)}, at least ${round(bar)}`);
  }

  most(sentence, value, bar) {
    this.timed(value <= bar, `${sentence}: ${round(value)}, at most ${round(bar)}`);
  }

  timed(good, sentence) {
    this.expect(good, sentence);
    if (!good) this.slow++;
  }

  // Status 3 when nothing but such bars was missed: tools/each then runs the gate again.
  end() {
    console.log(`${this.name}: ${this.passed} passed, ${this.failed} failed`);
    process.exitCode = this.failed === 0 ? 0 : this.failed === this.slow ? 3 : 1;
  }
}
