#!/usr/bin/env node
// A full disk, on a small tmpfs (which takes root to mount): new jobs are refused before they are
// accepted, accepted ones end once there is room, nothing is lost, and no restart is needed.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { Reel, Gate, sleep, temporaryFolder, ask } from "../rig.mjs";

const gate = new Gate("full disk");
const folder = temporaryFolder("reel-disk-");
const disk = join(folder, "disk");
mkdirSync(disk);
execFileSync("mount", ["-t", "tmpfs", "-o", "size=96m,mode=700", "reel-test", disk]);
const free = () => {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
};
const filler = (n) => join(disk, `filler-${n}`);
let fillers = 0;
// The server writes meanwhile, so that what was free may be gone before it is taken.
function take(bytes) {
  try {
    writeFileSync(filler(fillers++), Buffer.alloc(bytes));
  } catch (error) {
    if (error.code !== "ENOSPC") throw error;
  }
}
function fill(leave) {
  while (free() > leave + (1 << 20)) take(Math.min(8 << 20, free() - leave));
}
function drain() {
  while (fillers > 0) rmSync(filler(--fillers));
}

const still = { model: "local/still", prompt: "A picture", width: 512, height: 512 };
let reel;
try {
  reel = new Reel({ home: join(disk, "home"), environment: { REEL_DISK_RESERVE: "16MiB" } });
  await reel.start();
  await reel.ready();
  const before = await reel.generate(still);
  gate.expect(
    (await reel.finished(before.jobId)).status === "completed",
    "a job ends while there is room",
  );
  await sleep(1200); // the ballast is laid

  // Below the reserve: refused, with the reason and when to come again.
  fill(12 << 20);
  await sleep(1200);
  const refused = await reel.post("/api/v1/generate", still);
  gate.expect(
    refused.status === 503 &&
      refused.body.errorCode === "storage_full" &&
      refused.headers.has("retry-after"),
    `a new job is refused: ${refused.status} ${refused.body?.error}`,
  );
  gate.expect((await reel.get(`/api/v1/generate/${before.jobId}`)).status === 200, "reads go on");
  const upload = (size) => {
    const bytes = Buffer.alloc(size);
    bytes.write("RIFF");
    bytes.write("WAVEfmt ", 8);
    return reel.post("/api/v1/uploads", bytes);
  };
  const tooMuch = await upload(1 << 20);
  gate.expect(
    tooMuch.status === 503 && tooMuch.body.errorCode === "storage_full",
    `an upload is refused: ${tooMuch.status} ${tooMuch.body?.error}`,
  );

  // An upload without a length, larger than what is left: refused on the way, and nothing stays.
  drain();
  await sleep(1200);
  fill(20 << 20);
  const head = Buffer.alloc(64);
  head.write("RIFF");
  head.write("WAVEfmt ", 8);
  const endless = await fetch(`${reel.url}/api/v1/uploads`, {
    method: "POST",
    headers: reel.headers(),
    duplex: "half",
    body: (async function* () {
      yield head;
      for (let n = 0; n < 80; n++) yield Buffer.alloc(1 << 20);
    })(),
  }).then(
    async (answer) => `${answer.status} ${(await answer.json()).errorCode}`,
    (error) => error.cause?.code ?? error.message,
  );
  gate.expect(endless === "503 storage_full", `an upload beyond the disk: ${endless}`);
  await sleep(300);
  gate.expect(
    readdirSync(join(disk, "home/uploads/staging")).length === 0,
    "nothing of it stays on the disk",
  );

  // A job is accepted, then the disk is filled to the last byte while it runs.
  drain();
  await sleep(1200);
  const running = [];
  for (let n = 0; n < 4; n++)
    running.push(
      (
        await reel.generate({
          model: "local/animatic",
          prompt: `clip ${n}`,
          duration: 4,
          width: 640,
          height: 360,
        })
      ).jobId,
    );
  fill(0);
  take(2 << 20); // the last byte
  await sleep(2500);
  const health = await fetch(`${reel.url}/healthz`);
  gate.expect(health.status === 200, "health answers on a full disk");
  const again = await reel.post("/api/v1/generate", still);
  gate.expect(again.status === 503, `a new job is refused on a full disk: ${again.status}`);
  drain();
  const freed = Date.now();
  let accepted;
  for (;;) {
    accepted = await reel.post("/api/v1/generate", still);
    if (accepted.status === 202 || Date.now() - freed > 15_000) break;
    await sleep(100);
  }
  gate.expect(
    accepted.status === 202 && Date.now() - freed <= 5000,
    `jobs are accepted again ${Date.now() - freed} ms after there is room, without a restart`,
  );
  const ends = await Promise.all(
    [...running, accepted.body.jobId].map((id) => reel.finished(id, 120)),
  );
  gate.expect(
    ends.every((end) => end.status === "completed" || end.errorCode === "storage_full"),
    `every accepted job ended: ${ends.map((end) => end.errorCode ?? end.status)}`,
  );
  gate.expect(
    ends.filter((end) => end.status === "completed").length >= 3,
    "those that were running ended well",
  );
  const exit = await reel.kill("SIGTERM");
  gate.expect(exit.status === 0, "SIGTERM ends it with status 0");
  const rows = ask(reel.home, "SELECT count(*) AS n FROM jobs");
  gate.expect(rows[0].n === 6, `the store has the 6 accepted jobs and no other: ${rows[0].n}`);
  gate.expect(ask(reel.home, "PRAGMA quick_check")[0].quick_check === "ok", "the store is sound");
} catch (error) {
  gate.expect(false, `${error.stack}\n${reel?.log.slice(-3000)}`);
} finally {
  if (reel?.process && !reel.exit) await reel.kill();
  execFileSync("umount", ["-l", disk]);
  rmSync(folder, { recursive: true, force: true });
}
gate.end();
