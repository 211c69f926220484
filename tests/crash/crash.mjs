#!/usr/bin/env node
// Kills a real server at its system calls, restarts it, and holds what came of it against the
// provider's ledger, the client's transcript and the receiver's: nothing lost, nothing bought
// twice, nothing stuck. The provider is Replicate's protocol in a process that is not killed.
//
//   tests/crash/crash.mjs [--grid]
//
// Without --grid: KILLS (1000) points by chance, from SEED (1). With it: each call of each kind from
// the first to the last that a thread makes in a life. LANES (4) homes are worked on at once.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Gate, temporaryFolder } from "../rig.mjs";
import { Lane, canKill } from "./lane.mjs";

// What the world can see of a process, and what its files can.
const calls = ["openat", "write", "writev", "pwrite64", "fdatasync", "fsync", "ftruncate", "rename", "renameat", "renameat2",
  "unlink", "unlinkat", "mkdir", "mkdirat", "linkat", "connect", "sendto", "sendmsg", "recvfrom", "accept4", "close",
  "read", "pread64", "epoll_pwait", "futex", "clone3", "munmap"];
const kills = Number(process.env.KILLS ?? 1000), lanes = Number(process.env.LANES ?? 4);
const isGrid = process.argv.includes("--grid"), gate = new Gate("crash");
let seed = Number(process.env.SEED ?? 1);
function random() {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return seed / 0x80000000;
}

// The most of each call that one thread makes, as strace's lines tell: "PID call(…".
async function profile() {
  const folder = temporaryFolder("reel-crash-");
  const lane = await new Lane(random).open();
  const threads = await lane.profile(join(folder, "log"), calls);
  await lane.settle();
  const counts = new Map();
  for (const [, pid, call] of readFileSync(join(folder, "log"), "utf8").matchAll(/^(\d+) +(\w+)\(/gm)) {
    if (!threads.includes(pid)) continue; // a worker's
    const of = counts.get(call) ?? counts.set(call, new Map()).get(call);
    of.set(pid, (of.get(pid) ?? 0) + 1);
  }
  rmSync(folder, { recursive: true, force: true });
  return [...counts].map(([call, of]) => ({ call, most: Math.max(...of.values()) }));
}

function* grid(most) {
  for (const { call, most: last } of most) for (let when = 1; when <= last; when++) yield { call, when };
}

function* chance(most) {
  for (;;) {
    const { call, most: last } = most[Math.floor(random() * most.length)];
    yield { call, when: Math.ceil(last ** random()) }; // early ones more often, since lives differ
  }
}

async function work(points, all) {
  const lane = await new Lane(random).open();
  all.push(lane);
  const killed = () => all.reduce((sum, one) => sum + one.kills, 0);
  while (isGrid || killed() < kills) {
    const point = points ? points.next() : { value: {} };
    if (point.done) break;
    const came = await lane.kill(point.value);
    if (came && killed() % 100 === 0) console.log(`${killed()} kills`);
  }
  await lane.settle();
}

const began = Date.now();
let points = null;
let size = kills;
if (canKill()) {
  const most = await profile();
  console.log(`the most of a thread in a life: ${most.map(({ call, most: n }) => `${call} ${n}`).join(", ")}`);
  points = isGrid ? grid(most) : chance(most);
  size = most.reduce((sum, { most: n }) => sum + n, 0);
} else {
  console.log("strace can't trace here: the server is killed at moments by chance instead");
}
const all = [];
await Promise.all(Array.from({ length: lanes }, () => work(points, all)));
const sum = (of) => all.reduce((total, lane) => total + of(lane), 0);
const faults = all.flatMap((lane) => lane.faults);
console.log(
  `${sum((lane) => lane.kills)} kills at system calls, ${sum((lane) => lane.ends)} lives that did not come so far, ` +
    `${sum((lane) => lane.accepted.size)} jobs, ${sum((lane) => lane.vendor.predictions.size)} bought, ` +
    `${sum((lane) => lane.replays)} replays, ${sum((lane) => lane.workerless)} jobs whose workers were killed thrice, ${Math.round((Date.now() - began) / 1000)} s`,
);
for (const fault of faults.slice(0, 20)) console.log(`  ${fault}`);
const came = sum((lane) => lane.kills + (points ? 0 : lane.ends));
// A life may be shorter than the one that was counted.
const least = isGrid ? 0.95 * size : kills;
gate.expect(came >= least, `there were ${came} kills, at least ${Math.ceil(least)}`);
gate.expect(sum((lane) => lane.accepted.size) > 0, "there were jobs");
gate.expect(faults.length === 0, `nothing was lost, bought twice or stuck: ${faults.length} faults`);
gate.end();
