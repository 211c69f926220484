#!/usr/bin/env node
// kill -9 of the server at random moments under load, with restarts: every job that was answered 202
// ends succeeded with a playable file, none twice, none lost. KILLS (200) and SEED can be set.
import { Reel, Gate, ffprobe, ask, sleep } from "../rig.mjs";
import { join } from "node:path";
import { rmSync } from "node:fs";
import { execFile } from "node:child_process";

const kills = Number(process.env.KILLS ?? 200);
let seed = Number(process.env.SEED ?? 1);
function random() {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed / 2147483648;
}

const gate = new Gate("kill");
const reel = new Reel({ environment: { REEL_LOG_LEVEL: "warn" } });
const accepted = new Map(); // jobId → key
const unanswered = new Set(); // keys of requests that may or may not have been taken
let asked = 0;
let running = true;

function body(n) {
  const size = { width: 256, height: 256 };
  const metadata = { key: `k${n}` };
  if (n % 3 === 0)
    return {
      model: "local/animatic",
      prompt: `clip ${n}`,
      duration: 1,
      fps: 12,
      ...size,
      metadata,
    };
  const done = [...accepted.keys()];
  if (n % 3 === 1 && done.length)
    return {
      model: "local/kenburns",
      imageUrl: `reel://${done[Math.floor(random() * done.length)]}`,
      duration: 1,
      fps: 12,
      ...size,
      metadata,
    };
  return { model: "local/still", prompt: `picture ${n}`, ...size, metadata };
}

// One client: asks, and asks again with the same key when the connection died.
async function client() {
  while (running) {
    const n = asked++;
    const key = `k${n}`;
    let request = body(n);
    // A video can be no image: the chain stays one link long.
    if (request.imageUrl && !stills.has(request.imageUrl.slice(7)))
      request = {
        model: "local/still",
        prompt: `p${n}`,
        width: 256,
        height: 256,
        metadata: { key },
      };
    for (;;) {
      try {
        const answer = await reel.post("/api/v1/generate", request, { "idempotency-key": key });
        if (answer.status === 202) {
          accepted.set(answer.body.jobId, key);
          unanswered.delete(key);
          if (request.model === "local/still") stills.add(answer.body.jobId);
          break;
        }
        if (answer.status < 500 && answer.status !== 429)
          throw Object.assign(new Error(answer.text), { final: true });
      } catch (error) {
        if (error.final) throw error;
        unanswered.add(key);
      }
      if (!running) return;
      await sleep(20);
    }
    await sleep(60 + random() * 200);
  }
}
const stills = new Set();

await reel.start();
const port = new URL(reel.url).port;
reel.listen = `127.0.0.1:${port}`;
const clients = [client(), client(), client()];
const began = Date.now();
for (let n = 0; n < kills; n++) {
  await sleep(20 + random() * 600);
  await reel.kill("SIGKILL");
  await reel.start();
  if ((n + 1) % 50 === 0) console.log(`${n + 1} kills, ${accepted.size} jobs accepted`);
}
await sleep(500);
running = false;
await Promise.all(clients);
console.log(
  `${kills} kills in ${Math.round((Date.now() - began) / 1000)} s, ${accepted.size} jobs accepted`,
);

let lost = 0,
  unfinished = [],
  unplayable = [];
for (const jobId of accepted.keys()) {
  const status = await reel.finished(jobId, 300);
  if (status.status !== "completed") unfinished.push(`${jobId} ${status.error}`);
}
const rows = ask(
  reel.home,
  "SELECT id, state, json_extract(metadata,'$.key') AS key FROM jobs JOIN inputs ON job = jobs.key",
);
const byKey = new Map();
for (const row of rows) byKey.set(row.key, (byKey.get(row.key) ?? 0) + 1);
for (const jobId of accepted.keys()) if (!rows.some((row) => row.id === jobId)) lost++;
const files = ask(
  reel.home,
  "SELECT j.id AS id, o.name AS name FROM outputs o JOIN jobs j ON j.key = o.job",
);
await Promise.all(
  [0, 1].map(async (lane) => {
    for (let n = lane; n < files.length; n += 2) {
      const path = join(reel.home, "outputs", files[n].id, files[n].name);
      await new Promise((done) =>
        execFile(
          "ffprobe",
          ["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", path],
          (error, out, complaint) => {
            if (error || complaint) unplayable.push(`${files[n].id} ${complaint}`);
            done();
          },
        ),
      );
    }
  }),
);
const doneTwice = ask(
  reel.home,
  "SELECT job FROM attempts WHERE state='done' GROUP BY job HAVING count(*) > 1",
);
const open = ask(
  reel.home,
  "SELECT id FROM jobs WHERE state NOT IN ('succeeded','failed','canceled','expired')",
);

gate.expect(accepted.size >= kills, `${accepted.size} jobs were accepted, at least one a kill`);
gate.expect(lost === 0, `${lost} accepted jobs are missing from the store`);
gate.expect(
  unfinished.length === 0,
  `${unfinished.length} accepted jobs did not succeed ${unfinished.slice(0, 3)}`,
);
gate.expect(
  [...byKey.values()].every((count) => count === 1),
  "no key made two jobs",
);
gate.expect(doneTwice.length === 0, `${doneTwice.length} jobs were done twice`);
gate.expect(
  files.length >= accepted.size && unplayable.length === 0,
  `${files.length} files, ${unplayable.length} not playable ${unplayable.slice(0, 3)}`,
);
gate.expect(open.length === 0, `${open.length} jobs are still open`);
const exit = await reel.kill("SIGTERM");
gate.expect(exit.status === 0, `SIGTERM ends it with status ${exit.status}`);
rmSync(reel.home, { recursive: true, force: true });
gate.end();
