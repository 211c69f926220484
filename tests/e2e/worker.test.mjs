// Workers that die, hang, or lose their server: a crash costs one attempt, and the job ends right.
import { test } from "node:test";
import assert from "node:assert/strict";
import { chmodSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Reel, program, sleep, temporaryFolder } from "../rig.mjs";

const long = { prompt: "A long clip", duration: 20, width: 640, height: 360, fps: 30, seed: 1 };
const short = { prompt: "A short clip", duration: 1, width: 256, height: 256, fps: 12 };

// The workers of a server, by their parents' ids in /proc. Between fork and exec they have another
// name.
function childrenOf(parent) {
  const found = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = readFileSync(`/proc/${name}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
      const isWorker = readFileSync(`/proc/${name}/comm`, "utf8").trim() === "reel-media";
      if (isWorker && Number(fields[1]) === parent && fields[0] !== "Z") found.push(Number(name));
    } catch {
      // it has gone
    }
  }
  return found;
}

function isAlive(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "")[0] !== "Z";
  } catch {
    return false;
  }
}

async function until(what, sentence, seconds = 30) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(20)) {
    const result = await what();
    if (result) return result;
  }
  throw new Error(`not in ${seconds} s: ${sentence}`);
}

async function atWork(reel, jobId) {
  await until(
    async () => ["running", "generating", "processing"].includes((await reel.get(`/api/v1/generate/${jobId}`)).body.status),
    `${jobId} is at work`,
  );
  return until(() => childrenOf(reel.process.pid)[0], "a worker runs");
}

const generate = (reel, input) =>
  reel.generate({ model: "local/animatic", ...input }).then((body) => body.jobId);

test("a worker killed in the middle costs an attempt, and the job ends well", async () => {
  const reel = await new Reel().start();
  try {
    const id = await generate(reel, { ...long, width: 1280, height: 720, duration: 6 });
    const worker = await atWork(reel, id);
    process.kill(worker, "SIGKILL");
    const done = await reel.finished(id, 120);
    assert.equal(done.status, "completed", JSON.stringify(done));
    assert.match(reel.log, /a worker ended/);
    assert.ok(!isAlive(worker));
  } finally {
    await reel.stop();
  }
});

test("a worker that says nothing any more is stopped, and the job ends well", async () => {
  const reel = await new Reel({ environment: { REEL_LOCAL_SILENCE: "3s" } }).start();
  try {
    const id = await generate(reel, { ...long, duration: 4, width: 640, height: 360 });
    const worker = await atWork(reel, id);
    process.kill(worker, "SIGSTOP");
    const done = await reel.finished(id, 120);
    assert.equal(done.status, "completed", JSON.stringify(done));
    await until(() => !isAlive(worker), "the stopped worker is gone");
  } finally {
    await reel.stop();
  }
});

test("workers die with their server, and the job is done after the next start", async () => {
  const reel = await new Reel().start();
  const { home, token } = reel;
  let next;
  try {
    const id = await generate(reel, long);
    const worker = await atWork(reel, id);
    await reel.kill("SIGKILL");
    await until(() => !isAlive(worker), "the worker dies with the server", 5);
    next = await new Reel({ home, token }).start();
    const done = await next.finished(id, 120);
    assert.equal(done.status, "completed", JSON.stringify(done));
    await until(() => readdirSync(join(home, "work")).length === 0, "its folder is gone", 5);
  } finally {
    await next?.stop();
    await reel.stop();
  }
});

test("the pool has as many workers as configured, reuses them, and queues the rest", async () => {
  const reel = await new Reel({ environment: { REEL_LOCAL_WORKERS: "2" } }).start();
  try {
    const ids = [];
    for (let n = 0; n < 8; n++) ids.push(await generate(reel, { ...short, seed: n }));
    let most = 0;
    const all = new Set();
    const watching = setInterval(() => {
      const now = childrenOf(reel.process.pid);
      most = Math.max(most, now.length);
      now.forEach((pid) => all.add(pid));
    }, 5);
    for (const id of ids) assert.equal((await reel.finished(id)).status, "completed");
    clearInterval(watching);
    assert.ok(most <= 2, `${most} workers ran at once`);
    assert.ok(all.size <= 3, `${all.size} processes for 8 jobs`);
  } finally {
    await reel.stop();
  }
});

test("a worker is in its cage: another user under root, no privileges, a filter", async () => {
  const reel = await new Reel().start();
  try {
    const id = await generate(reel, { ...short, seed: 1 });
    assert.equal((await reel.finished(id)).status, "completed");
    const [worker] = childrenOf(reel.process.pid);
    const status = readFileSync(`/proc/${worker}/status`, "utf8");
    const field = (name) => status.match(new RegExp(`^${name}:\\s+(.*)$`, "m"))[1].split(/\s+/);
    assert.equal(field("NoNewPrivs")[0], "1");
    assert.equal(field("Seccomp")[0], "2");
    assert.equal(field("CapEff")[0], "0000000000000000");
    assert.equal(field("CapPrm")[0], "0000000000000000");
    const user = process.getuid() === 0 ? 65432 : process.getuid();
    assert.deepEqual(field("Uid"), Array(4).fill(String(user)));
    const output = join(reel.home, "outputs", id, "output.mp4");
    assert.equal(statSync(output).uid, process.getuid());
    assert.equal(statSync(output).mode & 0o777, 0o444);
    assert.equal(statSync(join(reel.home, "work")).uid, process.getuid());
  } finally {
    await reel.stop();
  }
});

test("another job's output is an input that its worker can read and not change", async () => {
  const reel = await new Reel().start();
  try {
    const still = await reel.generate({
      model: "local/still", prompt: "x", width: 256, height: 256, seed: 1,
    });
    assert.equal((await reel.finished(still.jobId)).status, "completed");
    const file = join(reel.home, "outputs", still.jobId, "output.png");
    const before = statSync(file);
    const next = await reel.generate({
      model: "local/kenburns", imageUrl: `reel://${still.jobId}/0`, duration: 1, width: 256,
      height: 256, fps: 12,
    });
    const done = await reel.finished(next.jobId);
    assert.equal(done.status, "completed", JSON.stringify(done));
    assert.equal(statSync(file).uid, before.uid);
    assert.equal(statSync(file).mode, before.mode);
  } finally {
    await reel.stop();
  }
});

// A stand-in for a worker that a hostile file has taken over: many files, none of them too large.
test("a worker that fills its folder is stopped, and the job fails", async () => {
  const folder = temporaryFolder();
  const media = join(folder, "reel-media");
  writeFileSync(media, `#!/bin/sh
case "$*" in *--check-cage*) exit ;; esac
while [ "$1" != --folder ]; do shift; done
read -r line
dir=$(printf '%s' "$line" | sed 's/.*"dir":"\\([^"]*\\)".*/\\1/')
id=$(printf '%s' "$line" | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')
echo "{\\"id\\":\\"$id\\",\\"event\\":\\"started\\"}"
mkdir "$2/$dir/below"
for n in 1 2 3 4 5; do fallocate -l 32MiB "$2/$dir/below/$n"; done
sleep 60
`);
  chmodSync(media, 0o755);
  const reel = await new Reel({
    environment: { REEL_LOCAL_PROGRAM: media, REEL_LOCAL_MAX_OUTPUT: "16MiB" },
  }).start();
  try {
    const done = await reel.finished(await generate(reel, short), 30);
    assert.equal(done.errorCode, "too_large", JSON.stringify(done));
    assert.match(done.error, /wrote more than the 16 MB it may/);
    await until(() => readdirSync(join(reel.home, "work")).length === 0, "its folder is gone");
  } finally {
    await reel.stop();
    rmSync(folder, { recursive: true });
  }
});

test("jobs that make nothing outlive their server's death, each done once", async () => {
  const reel = await new Reel().start();
  try {
    const accepted = [];
    const lane = async () => {
      for (;;) accepted.push(...(await reel.generate({ model: "local/milestone", count: 8 })).jobIds);
    };
    for (let deaths = 0; deaths < 3; deaths++) {
      const before = accepted.length;
      const lanes = Promise.allSettled([lane(), lane(), lane(), lane()]);
      await until(() => accepted.length > before + 200, "jobs are accepted");
      await reel.kill("SIGKILL");
      await lanes;
      await reel.start();
      await reel.ready();
    }
    for (const id of accepted) {
      assert.equal((await reel.finished(id)).status, "completed");
      const { attempts } = (await reel.get(`/api/v1/jobs/${id}/timeline`)).body;
      assert.equal(attempts.filter(({ state }) => state === "done").length, 1, id);
    }
  } finally {
    await reel.stop();
  }
});

// No kernel here lacks a layer, so a stand-in says so.
test("a server whose workers can't be caged does not start", async () => {
  const folder = temporaryFolder();
  const media = join(folder, "reel-media");
  writeFileSync(media, "#!/bin/sh\necho 'the cage lacks landlock: the kernel has none' >&2\nexit 1\n");
  chmodSync(media, 0o755);
  const reel = new Reel({ environment: { REEL_LOCAL_PROGRAM: media } });
  await assert.rejects(reel.start(), /the cage lacks landlock: the kernel has none/);
  assert.notEqual(reel.exit.status, 0);
  await reel.stop();
  rmSync(folder, { recursive: true });
});
