// What the measurements share: wrk, the ceiling (nginx), the disk's own speed, processor time and
// memory of a server with all its processes, and tables.
import { execFile, spawn } from "node:child_process";
import {
  closeSync,
  fdatasyncSync,
  openSync,
  readFileSync,
  readdirSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { sleep } from "../tests/rig.mjs";

const ticks = 100; // of a second: what /proc counts in, on every Linux that reel runs on
const pageSize = 4096;

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

// ---------------------------------------------------------------- load

// wrk prints its own summary; a script makes it print numbers that need no guessing.
const report = `
done = function(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %d %.0f %d\\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.timeout, latency:percentile(99), latency.mean, latency:percentile(95)))
end
`;
let scripts = 0; // written so far: two loads may run at once
const quoted = (text) => `[==[${text}]==]`;

// The lines of Lua that make each request one of `paths` by chance, or always the same. The requests
// are made beforehand: what Lua does meanwhile would be missing to the server.
function choose(paths) {
  if (paths.length === 1) return `wrk.path = ${quoted(paths[0])}`;
  return `math.randomseed(7)
local paths, requests = { ${paths.map(quoted).join(", ")} }, {}
init = function() for n, path in ipairs(paths) do requests[n] = wrk.format(nil, path) end end
request = function() return requests[math.random(#requests)] end`;
}

// What a program prints. Waits without blocking, so that our own connections see meanwhile that a
// server has closed them.
export function output(command, args, options = {}) {
  return new Promise((done, failed) =>
    execFile(command, args, { maxBuffer: 1 << 28, ...options }, (error, out) =>
      error ? failed(error) : done(out),
    ),
  );
}

// load: { url, paths, token, body (POST when there is one), script (Lua that replaces `paths`) },
// with connections, seconds and folder (for the script). Rates are per second, times in ms; every
// answer that was not 2xx or 3xx, and every request without one, is an error.
export async function wrk(load) {
  const file = join(load.folder, `wrk-${++scripts}.lua`);
  const lines = [
    load.body
      ? `wrk.method = "POST"\nwrk.body = ${quoted(load.body)}\nwrk.headers["Content-Type"] = "application/json"`
      : "",
    load.token ? `wrk.headers["Authorization"] = "Bearer ${load.token}"` : "",
    load.script ?? choose(load.paths),
    report,
  ];
  writeFileSync(file, lines.join("\n"));
  const out = await output("wrk", [
    ...["-t1", `-c${load.connections ?? 64}`, `-d${load.seconds}s`],
    ...["-s", file, load.url],
  ]);
  const [, requests, micros, errors, p99, mean, p95] = out
    .match(/RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)/)
    .map(Number);
  return {
    rate: requests / (micros / 1e6),
    requests,
    errors,
    mean: mean / 1000,
    p95: p95 / 1000,
    p99: p99 / 1000,
  };
}

// ---------------------------------------------------------------- the machine

export function fdatasyncMillis(folder) {
  const fd = openSync(join(folder, "sync"), "w");
  const times = [];
  for (let n = 0; n < 200; n++) {
    writeSync(fd, Buffer.alloc(4096, n));
    const began = process.hrtime.bigint();
    fdatasyncSync(fd);
    times.push(Number(process.hrtime.bigint() - began) / 1e6);
  }
  closeSync(fd);
  return { median: median(times), p99: [...times].sort((a, b) => a - b)[197] };
}

// A port that was free a moment ago.
export async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

function stat(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ")
      .map(Number);
    const [user, system, deadUser, deadSystem] = fields.slice(11);
    return {
      parent: fields[1],
      // With that of children which have ended and were waited for.
      seconds: (user + system + deadUser + deadSystem) / ticks,
      residentBytes: fields[21] * pageSize,
    };
  } catch {
    return undefined; // it has just ended
  }
}

// The processes and all that came from them.
function family(pids) {
  const all = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const found = stat(Number(name));
    if (found) all.set(Number(name), found);
  }
  const kin = new Set(pids);
  for (let grew = true; grew; ) {
    grew = false;
    for (const [pid, { parent }] of all)
      if (kin.has(parent) && !kin.has(pid)) {
        kin.add(pid);
        grew = true;
      }
  }
  return [...kin].map((pid) => all.get(pid)).filter(Boolean);
}

export const processorSeconds = (pids) =>
  family(pids).reduce((sum, each) => sum + each.seconds, 0);
export const residentBytes = (pids) =>
  family(pids).reduce((sum, each) => sum + each.residentBytes, 0);

// ---------------------------------------------------------------- the ceiling

export async function startNginx(folder) {
  const port = await freePort();
  writeFileSync(
    join(folder, "nginx.conf"),
    `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${port}; location / { default_type application/json;
    return 200 '{"status":"queued","jobId":"gen_00000000000000000000000000","model":"local/still"}'; } } }`,
  );
  const nginx = spawn("nginx", ["-c", join(folder, "nginx.conf"), "-p", folder], {
    stdio: "ignore",
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  });
  const url = `http://127.0.0.1:${port}`;
  await answers(url, "nginx");
  return { url, pid: nginx.pid, stop: () => nginx.kill() };
}

// Until the server answers anything at all.
export async function answers(url, name) {
  for (let tries = 0; tries < 600; tries++) {
    try {
      await (await fetch(url)).arrayBuffer();
      return;
    } catch {
      await sleep(50);
    }
  }
  throw new Error(`${name} did not answer within 30 s`);
}

// ---------------------------------------------------------------- tables

// The first cell of a row is a name, the others numbers as text.
export function table(head, rows) {
  const all = [head, ...rows].map((row) => row.map((cell) => String(cell ?? "–")));
  const widths = head.map((_, n) => Math.max(...all.map((row) => row[n].length)));
  for (const row of all)
    console.log(
      row
        .map((cell, n) => (n ? cell.padStart(widths[n] + 2) : cell.padEnd(widths[n])))
        .join("")
        .trimEnd(),
    );
}
