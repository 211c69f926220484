// The provider `command`, end to end: a real server and small real programs, which behave well,
// badly and worse. Whatever they do, nothing of them outlives their attempt or the server.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, before, after } from "node:test";
import { Reel, ask, ffprobe, program, sleep, temporaryFolder } from "../rig.mjs";

const folder = temporaryFolder("reel-command-");
const stage = join(folder, "stage"); // where the programs leave word for the tests
const actor = join(folder, "act.sh");

// What it does is the first word of the prompt. Its first argument is the stage.
writeFileSync(
  actor,
  `#!/bin/sh
stage=$1
job=$(cat)
field() { printf %s "$job" | sed -n "s/.*\\"$1\\":\\"\\([^\\"]*\\)\\".*/\\1/p"; }
name=$(field prompt | tr ' ' -)
clip() { ffmpeg -nostdin -v error -y -f lavfi -i "testsrc=size=160x90:rate=12:duration=$2" \
  -pix_fmt yuv420p "$1"; }
attempts() { echo x >>"$stage/$name.attempts"; wc -l <"$stage/$name.attempts"; }
# A grandchild in a session of its own, that has forgotten who started it.
stray() { setsid sh -c 'trap "" TERM; echo $$ >"'"$stage/$name.stray"'"; sleep 1000 & wait; sleep 1000' &
  while [ ! -s "$stage/$name.stray" ]; do sleep 0.05; done; }
echo $$ >"$stage/$name.pid"
case $name in
works)
  printf %s "$job" >"$stage/job.json"; env >"$stage/environment"; pwd >"$stage/pwd"
  cp "$(field imageUrl)" "$stage/image"
  echo "Loading checkpoint shards: 100%"
  echo '{"progress": 12.7, "stage": "Loading the model of a name that is far too long"}'; sleep 2
  echo '{"progress": 60, "stage": "Sampling"}'; sleep 2
  clip "$(field outputFolder)/clip.mp4" 2 ;;
three)
  for n in c a b; do clip $n.mp4 1; done
  clip b.mp4 2; echo notes >notes.txt; mkdir deeper; clip deeper/d.mp4 1; ln a.mp4 .hidden; rm .hidden ;;
named)
  clip one.mp4 1; clip two.MP4 2; echo junk >junk.mp4
  echo '{"outputs": ["two.MP4", "one.mp4"]}' ;;
fails)
  attempts; echo "loading" >&2; printf 'bad \\377 byte\\033[31m\\n' >&2
  echo "ValueError: the weights are missing" >&2; exit 3 ;;
says)
  attempts; echo '{"error": {"message": "It shows a logo.", "code": "content_policy"}}'; exit 1 ;;
again)
  n=$(attempts); clip a.mp4 1
  [ $n -gt 1 ] || echo '{"error": {"message": "The GPU is busy.", "retryable": true}}' ;;
memory)
  attempts; echo "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20 GiB" >&2
  exit 1 ;;
starves*)
  attempts; echo $$ >"$(cat "$stage/cgroup")/cgroup.procs" || exit 0
  set -- python3 -c 'x = bytearray(300 << 20)'
  case $name in *alone) exec "$@" ;; esac
  "$@"; exit $? ;;
crashes) [ $(attempts) -gt 1 ] || kill -SEGV $$; clip a.mp4 1 ;;
hangs) [ $(attempts) -gt 1 ] || { stray; sleep 1000; }; clip a.mp4 1 ;;
slow | canceled | killed)
  n=$(attempts); [ $name = killed ] && [ $n -gt 1 ] && { clip a.mp4 1; exit 0; }
  trap '' TERM; stray; echo '{"progress": 30}'; while :; do sleep 1000; done ;;
floods) attempts; yes '{"progress": 1}' ;;
pours) attempts; tr '\\0' x </dev/zero ;;
links) attempts; ln -s /etc/passwd a.mp4 ;;
renamed) attempts; rmdir ../outputs; ln -s /etc ../outputs ;;
points) attempts; ln -s /etc/passwd a.mp4; echo '{"outputs": ["a.mp4"]}' ;;
climbs) attempts; echo '{"outputs": ["../../../../etc/passwd"]}' ;;
doubles) attempts; clip a.mp4 1; ln a.mp4 "$stage/a.mp4" ;;
pipes) attempts; mkfifo a.mp4 ;;
lies) attempts; echo "no video" >a.mp4 ;;
empty) attempts ;;
turn*)
  echo "in $name" >>"$stage/turns"; trap 'sleep 1; echo "out $name" >>"$stage/turns"; exit 1' TERM
  case $name in *stuck*) while :; do sleep 0.1; done ;; esac
  sleep 0.5; clip a.mp4 1; echo "out $name" >>"$stage/turns" ;;
esac
`,
);
chmodSync(actor, 0o755);
mkdirSync(stage);

const model = (id, offer, more = {}) => ({
  id, family: "house", title: id, summary: "A test's model.", task: "text-to-video",
  output: "video", extensions: ["mp4"], time: { baseSeconds: 1 },
  parameters: {
    prompt: { type: "text", required: true },
    imageUrl: { type: "url", media: ["image"] },
  },
  offers: [{ provider: "command", ...offer }],
  ...more,
});

const command = [actor, stage, "--an argument", "--an argument"];
const catalog = join(folder, "catalog");
mkdirSync(catalog);
writeFileSync(
  join(catalog, "house.json"),
  JSON.stringify({
    provider: { name: "command", title: "The house's own", limit: 3 },
    models: [
      model("house/act", { command, price: { unit: "run", amount: "0.02" } }),
      model("house/timed", { command }, { timeoutSeconds: 2 }),
      model("house/watched", { command, silenceSeconds: 2 }),
      model("house/single", { command }, { limit: 1 }),
      model("house/single-timed", { command }, { limit: 1, timeoutSeconds: 1 }),
      model("house/missing", { command: [join(folder, "nothing.py")] }),
    ],
  }),
);

const environment = {
  REEL_CATALOG_FOLDER: catalog,
  REEL_COMMAND_ENVIRONMENT: "HOUSE_*, OTHER",
  HOUSE_COLOUR: "green",
  CUDA_VISIBLE_DEVICES: "1",
  FAL_KEY: "fal_secret",
};
let reel;

before(async () => {
  reel = await new Reel({ environment }).start();
});

after(async () => {
  assert.equal((await reel.stop()).status, 0);
  rmSync(folder, { recursive: true, force: true });
});

const read = (name) => readFileSync(join(stage, name), "utf8");
const attempts = (name) => read(`${name}.attempts`).trim().split("\n").length;

async function make(prompt, id = "house/act", more = {}) {
  return (await reel.generate({ model: id, prompt, ...more })).jobId;
}

async function until(is, what, seconds = 20) {
  for (const end = Date.now() + seconds * 1000; !(await is()); await sleep(50))
    assert.ok(Date.now() < end, `never: ${what}`);
}

// A zombie is gone too: whoever inherits it may take its time.
const isAlive = (pid) => {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};
const isGone = (name) => ["pid", "stray"].every((what) => !isAlive(read(`${name}.${what}`).trim()));
const started = (name) =>
  until(() => existsSync(join(stage, `${name}.stray`)) && read(`${name}.stray`), `${name} runs`);

// Fetches an output as a file for ffprobe.
async function probe(result) {
  const { status, bytes } = await reel.download(new URL(result.url, reel.url));
  assert.equal(status, 200);
  writeFileSync(join(stage, "probed.mp4"), bytes);
  return Number(ffprobe(join(stage, "probed.mp4")).format.duration);
}

test("a program gets its job and its input's file, tells how far it is, and makes a video", async () => {
  const bytes = readFileSync(new URL("../../docs/looks.jpg", import.meta.url));
  const id = await make("works", "house/act", {
    imageUrl: `data:image/jpeg;base64,${bytes.toString("base64")}`,
  });
  const seen = new Set();
  await until(async () => {
    const { body } = await reel.get(`/api/v1/generate/${id}`);
    if (body.stage) seen.add(`${body.progress} ${body.stage}`);
    return body.status === "completed" || body.status === "failed";
  }, "it ends");
  const done = await reel.finished(id);
  assert.equal(done.status, "completed", JSON.stringify(done));
  assert.ok([...seen].some((one) => /^12 Loading the model of/.test(one)), [...seen].join());
  assert.ok(seen.has("60 Sampling"), [...seen].join());
  assert.equal(done.result.contentType, "video/mp4");
  assert.deepEqual([done.result.width, done.result.height, done.result.fps], [160, 90, 12]);
  assert.equal(done.result.durationMs, 2000);
  assert.ok(done.result.thumbnailUrl);
  assert.equal(await probe(done.result), 2);

  const job = JSON.parse(read("job.json"));
  assert.equal(job.jobId, id);
  assert.equal(job.model, "house/act");
  assert.equal(job.attempt, 1);
  assert.equal(job.input.prompt, "works");
  assert.equal(job.outputFolder, join(reel.home, "work", `${id}.1`, "outputs"));
  assert.equal(read("pwd").trim(), job.outputFolder);
  assert.deepEqual(readFileSync(join(stage, "image")), bytes);
  const variables = Object.fromEntries(
    read("environment").trim().split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2)),
  );
  assert.equal(variables.HOUSE_COLOUR, "green");
  assert.equal(variables.CUDA_VISIBLE_DEVICES, "1");
  assert.equal(variables.TMPDIR, join(reel.home, "work", `${id}.1`, "temporary"));
  for (const name of Object.keys(variables))
    assert.match(name, /^(PATH|HOME|LANG|TMPDIR|CUDA_.*|HOUSE_.*|PWD|OLDPWD|SHLVL|_)$/);
  assert.ok(!existsSync(join(reel.home, "work", `${id}.1`)), "its folder is still there");
});

test("several files are several outputs, by name or in the order that it says", async () => {
  const three = await reel.finished(await make("three"));
  assert.equal(three.status, "completed", JSON.stringify(three));
  const files = three.result.outputs ?? three.outputs;
  assert.deepEqual(files.map((file) => file.durationMs), [1000, 2000, 1000]);
  const named = await reel.finished(await make("named"));
  assert.equal(named.status, "completed", JSON.stringify(named));
  assert.deepEqual((named.result.outputs ?? named.outputs).map((file) => file.durationMs), [2000, 1000]);
});

test("a failure has the program's last words, and is tried again when that may help", async () => {
  const rows = [
    ["fails", "provider_failed", /^act\.sh ended with status 3: loading bad \? byte.?\[31m ValueError: the weights are missing$/, 3],
    ["says", "content_policy", /^It shows a logo\.$/, 1],
    ["memory", "out_of_memory", /CUDA out of memory/, 1],
    ["empty", "output_invalid", /made no mp4/, 3],
    ["lies", "output_invalid", /text|image, a sound or a video/, 1],
  ];
  const ids = [];
  for (const [prompt] of rows) ids.push(await make(prompt));
  for (const [n, [prompt, code, text, count]] of rows.entries()) {
    const failed = await reel.finished(ids[n]);
    assert.equal(failed.status, "failed", prompt);
    assert.equal(failed.errorCode, code, JSON.stringify(failed));
    assert.match(failed.error, text);
    assert.equal(attempts(prompt), count, prompt);
  }
});

// A control group with 40 MB; who may not make one can't show this.
function makeGroup() {
  for (const [parent, limit] of [
    ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"],
    ["/sys/fs/cgroup", "memory.max"],
  ])
    try {
      const group = join(parent, `reel-test-${process.pid}`);
      mkdirSync(group);
      if (existsSync(join(group, limit))) {
        writeFileSync(join(group, limit), `${40 << 20}`);
        return group;
      }
      rmdirSync(group);
    } catch {
      // the next
    }
}

test("who is killed for want of memory is told so, and not tried again", async (t) => {
  const group = makeGroup();
  if (!group) return t.skip("no control group can be made here");
  writeFileSync(join(stage, "cgroup"), group);
  for (const name of ["starves", "starves alone"]) {
    const failed = await reel.finished(await make(name));
    assert.deepEqual([failed.status, failed.errorCode], ["failed", "out_of_memory"], failed.error);
    assert.match(failed.error, /^act\.sh was killed for want of memory/);
    assert.equal(attempts(name.replace(" ", "-")), 1);
  }
  rmdirSync(group);
});

test("a crash, a hang and what it calls retryable cost an attempt", async () => {
  const ids = [await make("crashes"), await make("hangs", "house/watched"), await make("again")];
  for (const id of ids) assert.equal((await reel.finished(id)).status, "completed");
  for (const name of ["crashes", "hangs", "again"]) assert.equal(attempts(name), 2);
  const timeline = JSON.stringify((await reel.get(`/api/v1/jobs/${ids[1]}/timeline`)).body);
  assert.match(timeline, /act\.sh said nothing for 2 seconds and was ended/);
  assert.match(JSON.stringify((await reel.get(`/api/v1/jobs/${ids[0]}/timeline`)).body), /signal 11/);
  assert.ok(!isAlive(read("hangs.stray").trim()));
});

test("the model's time-out ends a program and all that it started", async () => {
  const failed = await reel.finished(await make("slow", "house/timed"));
  assert.deepEqual([failed.status, failed.errorCode], ["failed", "timeout"]);
  assert.equal(attempts("slow"), 1);
  await until(() => isGone("slow"), "the program has gone", 10);
});

test("a cancel stops it with all that it started, and says so when it has", async () => {
  const id = await make("canceled");
  await started("canceled");
  const { body } = await reel.post(`/api/v1/jobs/${id}/cancel`);
  assert.deepEqual([body.status, body.receipt], ["canceled", "stopped"]);
  assert.ok(isGone("canceled"));
});

test("neither endless lines nor an endless line are listened to", async () => {
  for (const prompt of ["floods", "pours"]) {
    const failed = await reel.finished(await make(prompt));
    assert.deepEqual([failed.status, failed.errorCode], ["failed", "provider_failed"]);
    assert.match(failed.error, /said more than the 16 MB in all, or the 512 KB in a line/);
    assert.equal(attempts(prompt), 1);
    assert.ok(!isAlive(read(`${prompt}.pid`).trim()));
  }
  assert.ok(reel.residentBytes() < 1 << 30); // a sanitized server takes half of that
});

test("links, pipes and other files than its own are refused", async () => {
  for (const prompt of ["links", "points", "climbs", "doubles", "pipes", "renamed"]) {
    const failed = await reel.finished(await make(prompt));
    assert.equal(failed.status, "failed", prompt);
    assert.equal(failed.errorCode, "output_invalid", JSON.stringify(failed));
    assert.ok(!JSON.stringify(failed).includes("root:"));
  }
  const files = spawnSync("grep", ["-rl", "root:", reel.home], { encoding: "utf8" }).stdout;
  assert.equal(files, "");
});

// Steps in and out; a program that takes its time to end holds the place until it has gone.
test("a model's limit holds for processes, one after another", async () => {
  const ids = [];
  for (const n of [1, 2, 3]) ids.push(await make(`turn ${n}`, "house/single"));
  for (const id of ids) assert.equal((await reel.finished(id)).status, "completed");
  const stuck = await make("turn stuck", "house/single-timed");
  const next = await make("turn next", "house/single-timed");
  assert.equal((await reel.finished(stuck)).errorCode, "timeout");
  await reel.finished(next);
  const steps = read("turns").trim().split("\n");
  assert.equal(steps.length, 10, steps.join());
  for (let n = 0; n < steps.length; n += 2) {
    assert.match(steps[n], /^in /, steps.join());
    assert.equal(steps[n + 1], steps[n].replace("in", "out"), steps.join());
  }
});

test("after kill -9 it starts again, no try is counted, and the old program has gone", async () => {
  const id = await make("killed");
  await started("killed");
  await until(async () => (await reel.get(`/api/v1/generate/${id}`)).body.progress >= 30, "30 %");
  await reel.kill("SIGKILL");
  await until(() => isGone("killed"), "the program went with the server", 5);
  await reel.start();
  const done = await reel.finished(id);
  assert.equal(done.status, "completed", JSON.stringify(done));
  assert.equal(attempts("killed"), 2);
  const [row] = ask(reel.home, `SELECT tries FROM jobs WHERE id = '${id}'`);
  assert.equal(row.tries, 1);
});

test("a server that stops takes its programs with it, and they start again", async () => {
  rmSync(join(stage, "killed.attempts"));
  rmSync(join(stage, "killed.stray"));
  const id = await make("killed");
  await started("killed");
  await reel.kill("SIGTERM");
  assert.ok(isGone("killed"));
  await reel.start();
  assert.equal((await reel.finished(id)).status, "completed");
});

test("it is a model like others: listed, checked, priced, and 503 where its program is missing", async () => {
  const { body } = await reel.get("/api/v1/models/house/act");
  assert.equal(body.configured, true);
  assert.deepEqual(body.providers, ["command"]);
  assert.equal(body.price.max, 0.02);
  assert.equal(body.parameters.properties.prompt.type, "string");
  assert.ok(!JSON.stringify(body).includes(actor), "clients see the server's paths");
  const quote = await reel.post("/api/v1/generate", { model: "house/act", prompt: "x", dryRun: true });
  assert.deepEqual([quote.body.configured, quote.body.route, quote.body.price.max], [true, ["command"], 0.02]);
  assert.equal((await reel.post("/api/v1/generate", { model: "house/act" })).status, 400);
  const refused = await reel.post("/api/v1/generate", { model: "house/missing", prompt: "x" });
  assert.equal(refused.status, 503);
  assert.equal(refused.body.errorCode, "provider_not_configured");
  assert.match(refused.body.error, /nothing\.py: No such file or directory/);
  const providers = (await reel.get("/api/v1/providers")).body.items;
  const own = providers.find((provider) => provider.provider === "command");
  assert.deepEqual([own.status, own.limit, own.models], ["ok", 3, 6]);
  assert.equal((await reel.post("/api/v1/providers/command/pause")).status, 409);
});

// Word for word, but for where the program lies.
test("the example of docs/providers.md works", async () => {
  const text = readFileSync(new URL("../../docs/providers.md", import.meta.url), "utf8");
  const [, entry] = text.match(/```json\n(.*?)```/s);
  const [, script] = text.match(/```python\n(.*?)```/s);
  const path = join(folder, "run.py");
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  assert.ok(entry.includes('"/opt/clip/run.py"'));
  writeFileSync(join(catalog, "clip.json"), entry.replace("/opt/clip/run.py", path));
  const ids = async () => (await reel.get("/api/v1/models")).body.items.map((item) => item.id);
  reel.process.kill("SIGHUP");
  await until(async () => (await ids()).includes("house/clip"), "the model is there");
  const done = await reel.finished(await make("A fox in the snow", "house/clip"));
  assert.equal(done.status, "completed", JSON.stringify(done));
  assert.deepEqual([done.result.width, done.result.durationMs], [640, 2000]);
  rmSync(join(catalog, "clip.json"));
});

test("reel doctor tells which programs can be run", async () => {
  const run = spawnSync(program("reel"), ["doctor", "--json", "--home", reel.home], {
    env: { PATH: process.env.PATH, ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? "", REEL_CATALOG_FOLDER: catalog },
    encoding: "utf8",
  });
  const found = JSON.parse(run.stdout).checks.filter((check) => check.check === "command");
  assert.equal(found.length, 6, run.stdout);
  const bad = found.filter((check) => check.status !== "ok");
  assert.equal(bad.length, 1);
  assert.match(bad[0].message, /house\/missing.*nothing\.py: No such file/);
});
