#!/usr/bin/env node
// Hostile clients by the thousand against a real server, a kind at a time, beside ordinary ones at a
// steady pace: while an attack lasts, the others' p99 stays within twice what it is in the quiet
// before and after it, none of them gets a wrong answer, and the server's memory is bounded. The
// attackers get the processor when nobody else wants it, so that it is the server that is measured
// and not the machine they share. (The lowest niceness is not enough: Linux lets such a process end
// its slice of some milliseconds before one that wakes up.)
//
//   tests/check/56-strangers.mjs [KIND...]
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Gate, Reel, sleep } from "../rig.mjs";
import { bombs } from "../strangers/bombs.mjs";

const tools = fileURLToPath(new URL("../strangers/", import.meta.url));
const kinds = ["slow heads", "slow bodies", "silent connections", "unread files", "unread answers", "unread long polls",
  "head bombs", "body bombs", "bodies without a key", "pipelined bursts", "JSON bombs", "smuggling"];
const wanted = process.argv.length > 2 ? process.argv.slice(2) : kinds;
const rounds = 3, roundsMax = 9, seconds = 3, times = 2;
const bodiesMax = 32, bombMilliseconds = 20;
// Both ends need a descriptor for each; the limit is raised to what the machine allows.
const allowed = Number(readFileSync("/proc/self/limits", "utf8").match(/Max open files +\d+ +(\d+)/)[1]);
const silent = Math.min(10_000, allowed - 500);
const gate = new Gate("strangers");
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

function run(script, args, yields) {
  const command = yields ? ["chrt", "--idle", "0", process.execPath] : [process.execPath];
  const child = spawn(command[0], [...command.slice(1), tools + script, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (data) => (text += data));
  child.ended = new Promise((done) => child.on("close", () => done(text)));
  child.ready = new Promise((done) => child.stdout.on("data", () => text.startsWith("ready") && done()));
  child.stdin.on("error", () => {});
  return child;
}

// What people want who ask for nothing special.
async function measure(reel, path) {
  const text = await run("others.mjs", [new URL(reel.url).port, reel.token, path, String(seconds)]).ended;
  return JSON.parse(text);
}

async function attack(kind, reel, place) {
  const child = run("attack.mjs", [kind, new URL(reel.url).port, reel.token, place.file, place.job, String(silent)], true);
  const memory = { most: 0 };
  const watch = setInterval(() => (memory.most = Math.max(memory.most, reel.residentBytes())), 50);
  await child.ready;
  const found = await measure(reel, place.path);
  child.stdin.end();
  const report = JSON.parse((await child.ended).split("\n")[1]);
  clearInterval(watch);
  return { found, report, memory: memory.most };
}

// What the attackers of all rounds did and were answered, together.
function add(sum, report) {
  for (const [name, value] of Object.entries(report))
    if (typeof value === "object") sum[name] = add(sum[name] ?? {}, value);
    else sum[name] = (sum[name] ?? 0) + value;
  return sum;
}

// After an attack the server has closed what it left.
async function settle(reel) {
  for (let tries = 0; tries < 200; tries++) {
    const text = await (await fetch(`${reel.url}/metrics`)).text();
    const open = Number(text.match(/reel_http_connections\S* (\d+)/)[1]);
    if (open < 20) return open;
    await sleep(50);
  }
  return -1;
}

async function feed(kind, reel, place) {
  const quiet = [], under = [], wrong = [], sum = {};
  let most = 0, last, ratio = Infinity;
  const before = reel.residentBytes();
  const enough = (round) => round >= rounds && ratio <= times;
  for (let round = 0; round < roundsMax && !enough(round); round++) {
    quiet.push((await measure(reel, place.path)).all.p99);
    last = await attack(kind, reel, place);
    under.push(last.found.all.p99);
    add(sum, last.report);
    most = Math.max(most, last.memory);
    if (Object.keys(last.found.wrong).length) wrong.push(JSON.stringify(last.found.wrong));
    if ((await settle(reel)) < 0) wrong.push("connections were left open");
    ratio = median(under) / median(quiet);
  }
  const megabytes = (bytes) => (bytes / 1048576).toFixed(0);
  console.log(`${kind}: ${JSON.stringify(sum)}`);
  gate.most(`${kind}: p99 of the others ${median(quiet).toFixed(2)} ms in quiet, ${median(under).toFixed(2)} ms meanwhile, in ${under.length} rounds: times`, ratio, times);
  gate.expect(wrong.length === 0, `${kind}: the others are all answered as ever ${wrong}`);
  const room = kind === "bodies without a key" ? 16 : bodiesMax + 96;
  gate.expect(most - before <= room * 1048576, `${kind}: memory of the server ${megabytes(before)} MiB before, ${megabytes(most)} MiB at most`);
  return sum;
}

// Processor time of the server for each, in milliseconds.
async function costOfBombs(reel) {
  const costs = {}, rounds = 10;
  for (const [name, bomb] of Object.entries(bombs)) {
    const before = reel.processorSeconds();
    for (let n = 0; n < rounds; n++)
      if ((await reel.post("/api/v1/generate", bomb)).status !== 400) costs[name] = Infinity;
    costs[name] ??= ((reel.processorSeconds() - before) * 1000) / rounds;
  }
  console.log(`  a bomb of a megabyte, in ms of processor time: ${JSON.stringify(costs)}`);
  const worst = Math.max(...Object.values(costs));
  gate.most("the worst JSON bomb in ms of processor time", worst, bombMilliseconds);
}

// What shows that it was an attack, and was met; a busy machine may not come so far.
const proof = {
  "slow heads": (report) => report.statuses[408] > 100,
  "slow bodies": (report) => report.opened >= 2000,
  "silent connections": (report) => report.opened >= silent && report.now > silent / 2,
  "unread files": (report) => report.opened >= 500,
  "unread answers": (report) => report.opened >= 100,
  "unread long polls": (report) => report.opened >= 3000,
  "head bombs": (report) => report.statuses[431] > 10 && report.statuses[414] > 10,
  "body bombs": (report) => report.statuses[413] > 10,
  "bodies without a key": (report) => report.statuses[401] > 100,
  "pipelined bursts": (report) => report.opened >= 40 && report.statuses[200] > 40,
  "JSON bombs": (report) => report.statuses[400] > 10,
  smuggling: (report) => report.statuses[400] > 200,
};

// Heads have ten seconds, as by default; the slow ones are shown to a server that gives them two, so
// that it shows within a round.
const make = (headTimeout) => new Reel({
  environment: {
    REEL_SERVER_CONNECTIONS: "12000", REEL_SERVER_CONNECTIONS_PER_OPEN_ADDRESS: "12000", REEL_SERVER_HEAD_TIMEOUT: headTimeout,
    REEL_SERVER_BODIES_MAX: `${bodiesMax}MiB`, REEL_LOG_LEVEL: "error",
  },
});

async function prepare(reel) {
  await reel.start();
  await reel.ready();
  const large = await reel.generate({ model: "local/still", prompt: "A large picture", width: 4096, height: 4096, look: "aurora" });
  const done = await reel.finished(large.jobId);
  const file = new URL(done.result.url);
  const waiting = await reel.generate({ model: "local/still", prompt: "Later", width: 512, height: 512, startAt: 864000 });
  const place = { file: file.pathname + file.search, job: waiting.jobId, path: `/api/v1/generate/${waiting.jobId}` };
  console.log(`${silent} silent connections; a file of ${done.result.fileSizeBytes} bytes`);
  await measure(reel, place.path); // everything warm
  return place;
}

async function attackAll(reel, kinds) {
  if (kinds.length === 0) return;
  try {
    const place = await prepare(reel);
    if (kinds.includes("JSON bombs")) await costOfBombs(reel);
    for (const kind of kinds) {
      const report = await feed(kind, reel, place);
      gate.timed(proof[kind](report), `${kind}: it was an attack, and met what was to meet it`);
    }
    const after = await reel.generate({ model: "local/still", prompt: "After all that", width: 256, height: 256 });
    gate.expect((await reel.finished(after.jobId)).status === "completed", "a job is done after them");
    gate.expect((await reel.stop()).status === 0, "the server ends well");
  } catch (error) {
    gate.expect(false, `${error.stack}\n${reel.log.slice(-3000)}`);
    if (reel.process && !reel.exit) await reel.kill();
  }
}

await attackAll(make("2s"), wanted.filter((kind) => kind === "slow heads"));
await attackAll(make("10s"), wanted.filter((kind) => kind !== "slow heads"));
gate.end();
