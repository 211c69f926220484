#!/usr/bin/env node
// URLs that try to lead the server inside, in namespaces made for it: one with reel in it, one for
// the world outside, one for everything that must not be reached. 100,000 of them through the
// egress, some through jobs of a real server, and not a packet may leave for the inside, nor any
// over reel's own loopback: the kernel's counters are the judges, and listeners beside them.
//
//   tests/privileged/canaries.mjs [URLs] [jobs] [seed]
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Gate, build, program, sleep, temporaryFolder } from "../rig.mjs";
import { Urls, escapeLine } from "../canary/urls.mjs";
import { inside4, inside6 } from "../canary/networks.mjs";

const count = Number(process.argv[2] ?? 100_000);
const jobs = Number(process.argv[3] ?? 1000);
const seed = Number(process.argv[4] ?? 1);
const gate = new Gate("canaries");
const folder = temporaryFolder("reel-canary-");
const reel = `reel-canary-${process.pid}`, world = `${reel}-w`, inside = `${reel}-i`;
const tools = new URL("../canary/", import.meta.url).pathname;
const running = new Set();
const touches = [];
let counted;

// ---------------------------------------------------------------- namespaces

function ip(where, ...words) {
  return execFileSync("ip", [...(where ? ["-n", where] : []), ...words], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function set(where, key, value) {
  execFileSync("ip", ["netns", "exec", where, "sh", "-c", `echo ${value} >/proc/sys/net/${key}`]);
}

// Both ends have one hardware address and ask for no other, so that no packet is a stranger's.
function connect(other, name, place, mac) {
  ip(reel, "link", "add", name, "address", mac, "type", "veth", "peer", "name", "reel", "netns", other, "address", mac);
  for (const [where, link, last] of [[reel, name, 2], [other, "reel", 1]]) {
    set(where, `ipv6/conf/${link}/router_solicitations`, 0);
    ip(where, "link", "set", link, "arp", "off", "addrgenmode", "none");
    ip(where, "link", "set", link, "up");
    ip(where, "addr", "add", `${place.four}.${last}/30`, "dev", link);
    ip(where, "addr", "add", `${place.six}::${last}/64`, "dev", link, "nodad");
  }
  // Whatever comes to the other side is meant for it.
  for (const family of ["-4", "-6"])
    ip(other, family, "route", "add", "local", family === "-4" ? "0.0.0.0/0" : "::/0", "dev", "lo", "table", "main");
}

function make() {
  for (const name of [reel, world, inside]) {
    ip(null, "netns", "add", name);
    ip(name, "link", "set", "lo", "up");
    set(name, "ipv4/conf/all/rp_filter", 0);
    set(name, "ipv4/ip_local_port_range", '"10000 65000"');
    set(name, "ipv4/tcp_tw_reuse", 1);
  }
  connect(world, "world", { four: "100.64.1", six: "fd99:1" }, "02:00:00:00:00:01");
  connect(inside, "inside", { four: "10.200.0", six: "fd99:2" }, "02:00:00:00:00:02");
  ip(reel, "route", "add", "default", "dev", "world");
  ip(reel, "-6", "route", "add", "2000::/3", "dev", "world");
  for (const network of inside4.filter((network) => !network.startsWith("127.")))
    ip(reel, "route", "add", network, "dev", "inside");
  for (const network of inside6) ip(reel, "-6", "route", "add", network, "dev", "inside");
}

function unmake() {
  for (const child of running) child.kill("SIGKILL");
  for (const name of [reel, world, inside])
    try {
      ip(null, "netns", "del", name);
    } catch {
      // it was never made
    }
  rmSync(folder, { recursive: true, force: true });
}

// Packets that went where none may go.
function packets() {
  const text = execFileSync("ip", ["netns", "exec", reel, "cat", "/proc/net/dev"], { encoding: "utf8" });
  const sent = (link) => Number(text.match(new RegExp(`${link}:(?: *\\d+){8} *\\d+ +(\\d+)`))[1]);
  return { lo: sent("lo"), inside: sent("inside") };
}

// ---------------------------------------------------------------- programs

function start(where, command, args, options = {}) {
  // The name server is the world's; files of the machine's own play no part.
  const script = `mount --bind ${folder}/resolv.conf /etc/resolv.conf && mount --bind ${folder}/hosts /etc/hosts &&
    mount --bind ${folder}/nsswitch.conf /etc/nsswitch.conf && exec "$@"`;
  const child = spawn("ip", ["netns", "exec", where, "sh", "-c", script, "sh", command, ...args],
    { stdio: ["pipe", "pipe", "inherit"], ...options });
  running.add(child);
  child.ended = new Promise((done) => child.on("close", (status) => {
    running.delete(child);
    done(status);
  }));
  child.stdin.on("error", () => {});
  return child;
}

// A script of tests/canary that goes on until the end; resolves when it is ready.
function startTool(where, script, ...args) {
  const child = start(where, process.execPath, [join(tools, script), ...args]);
  return new Promise((done) => {
    let text = "";
    child.stdout.on("data", (data) => {
      const lines = (text += data).split("\n");
      text = lines.pop();
      for (const line of lines)
        if (line === "ready") done(child);
        else if (line.startsWith("counted ")) counted = JSON.parse(line.slice(8));
        else touches.push(line);
    });
  });
}

function gather(child, input) {
  let text = "";
  child.stdout.on("data", (data) => (text += data));
  child.stdin.end(input);
  return child.ended.then((status) => ({ status, text }));
}

async function fetchAll(urls, ...rules) {
  const driver = start(reel, join(build, "tests/fetch_urls"), rules);
  const { status, text } = await gather(driver, urls.map(({ url }) => escapeLine(url) + "\n").join(""));
  const ends = text.trim().split("\n").map((line) => line.split(" "));
  if (status !== 0 || ends.length !== urls.length) throw new Error(`the driver ended with ${status} after ${ends.length} URLs`);
  for (const [line, outcome, answer, redirects] of ends) Object.assign(urls[line], { outcome, answer, redirects });
}

const show = (url) => JSON.stringify(url.url).slice(0, 120);

// ---------------------------------------------------------------- the tests

async function feedEgress() {
  const source = new Urls(seed);
  const urls = Array.from({ length: count }, () => source.next());
  const before = packets(), began = Date.now();
  await fetchAll(urls, "", "*");
  const seconds = (Date.now() - began) / 1000, after = packets();
  const kinds = {};
  for (const { kind, outcome } of urls) {
    kinds[kind] ??= {};
    kinds[kind][outcome] = (kinds[kind][outcome] ?? 0) + 1;
  }
  console.log(`${count} URLs in ${seconds.toFixed(1)} s, seed ${seed}`);
  for (const [kind, outcomes] of Object.entries(kinds)) console.log(`  ${kind}: ${JSON.stringify(outcomes)}`);
  const wrong = urls.filter(({ must, outcome }) => must && must !== outcome);
  gate.expect(wrong.length === 0, `every URL ended as it must ${wrong.slice(0, 5).map((url) => `${show(url)} ${url.outcome}`)}`);
  const redirected = urls.filter(({ redirects }) => redirects > 0);
  gate.expect(redirected.length > count / 10, `${redirected.length} redirects were followed or judged`);
  gate.expect(urls.every(({ redirects }) => redirects <= 3), "no chain was followed beyond its third redirect");
  gate.expect(after.lo === before.lo && after.inside === before.inside,
    `of ${count} URLs not one sent a packet inside (${after.inside - before.inside}) or to itself (${after.lo - before.lo})`);
  gate.expect(touches.length === 0, `the canaries were touched ${touches.length} times ${touches.slice(0, 5)}`);
  worldTool.kill("SIGUSR1");
  for (let tries = 0; !counted && tries < 100; tries++) await sleep(20);
  console.log(`  the world: ${JSON.stringify(counted)}`);
  const direct = urls.filter(({ kind }) => kind === "rebinding").length;
  const again = urls.filter(({ kind }) => kind === "rebinding redirect").length;
  gate.expect(counted.once === direct && counted.twice === again && counted.more === 0,
    `what was judged is what was dialled: of the names that turn, ${counted.once} were looked up once and ${counted.twice}, which sent back to themselves, twice`);
}

async function feedServer() {
  const token = randomBytes(16).toString("hex"), port = 9000; // below those that connections take
  mkdirSync(join(folder, "home"));
  const server = start(reel, program("reel"), ["serve", "--home", join(folder, "home"), "--listen", `0.0.0.0:${port}`], {
    env: { PATH: process.env.PATH, AUTH_TOKEN: token, REEL_LOCAL_PROGRAM: program("reel-media"), REEL_LOG_LEVEL: "warn",
      REEL_ALLOW_PORTS: "*", REEL_FETCH_TIMEOUT: "10s", REEL_SERVER_CONNECTIONS_PER_ADDRESS: "1000" },
  });
  await new Promise((done, failed) => {
    server.stdout.on("data", (data) => String(data).includes("listens on") && done());
    server.ended.then((status) => failed(new Error(`reel ended with ${status} at its start`)));
  });
  const source = new Urls(seed + 1);
  // JSON in UTF-8 can say most of them; what is no UTF-8 is refused before any of this.
  const urls = Array.from({ length: jobs }, () => Buffer.from(source.next().url, "latin1").toString("utf8"));
  const before = packets(), began = Date.now();
  const asker = start(world, process.execPath, [join(tools, "ask_server.mjs"), `http://100.64.1.2:${port}`, token]);
  const { status, text } = await gather(asker, urls.map((url) => JSON.stringify(url) + "\n").join(""));
  const after = packets();
  console.log(`${jobs} jobs in ${((Date.now() - began) / 1000).toFixed(1)} s: ${text.trim()}`);
  const ends = status === 0 ? JSON.parse(text) : {};
  gate.expect(Object.values(ends).reduce((sum, n) => sum + n, 0) === jobs && ends.input_unreachable > jobs / 4 && !ends.completed,
    "every job of a real server ended, and none with a picture");
  gate.expect(after.lo === before.lo && after.inside === before.inside,
    `not one of them sent a packet inside (${after.inside - before.inside}) or to itself (${after.lo - before.lo})`);
  gate.expect(touches.length === 0, `the canaries were touched ${touches.length} times ${touches.slice(0, 5)}`);
  server.kill("SIGTERM");
  gate.expect((await server.ended) === 0, "the server ended well");
}

// The same URLs with everything allowed: the canaries are there, and notice.
async function feedOpened() {
  const source = new Urls(seed);
  const urls = Array.from({ length: 1000 }, () => source.next());
  const before = packets();
  await fetchAll(urls, "0.0.0.0/0 ::/0", "*");
  const after = packets();
  gate.expect(after.lo > before.lo && after.inside > before.inside && touches.some((line) => line.includes(" reel ")) &&
    touches.some((line) => line.includes(" inside ")) && touches.some((line) => line.includes(" world ")),
    `without the guard, 1000 of them send ${after.inside - before.inside} packets inside and ${after.lo - before.lo} to itself, and ${touches.length} are noticed`);
}

let worldTool;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => { unmake(); process.exit(1); });
try {
  writeFileSync(join(folder, "resolv.conf"), "nameserver 100.64.1.1\noptions timeout:3 attempts:3\n");
  writeFileSync(join(folder, "hosts"), "127.0.0.1 localhost localhost.localdomain\n::1 ip6-localhost localhost6\n");
  writeFileSync(join(folder, "nsswitch.conf"), "hosts: files dns\n");
  make();
  worldTool = await startTool(world, "world.mjs", "100.64.1.1");
  await startTool(inside, "canary.mjs", "inside");
  await startTool(reel, "canary.mjs", "reel");
  await sleep(500);
  await feedEgress();
  await feedServer();
  await feedOpened();
} catch (error) {
  gate.expect(false, error.stack);
} finally {
  unmake();
}
gate.end();
