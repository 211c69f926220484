#!/usr/bin/env node
// Hostile media against the release worker in its cage, with small limits: files that name other
// files, bombs, absurd headers, and thousands of mutated files of each kind that reel-media reads.
// A canary file and a canary listener outside must never be touched, every request must be
// answered in time, and a server that is sent such files must go on answering.
//
//   node tests/check/55-hostile.mjs [mutations of each kind] [seed]
import { spawn, execFileSync } from "node:child_process";
import { chownSync, closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync, constants } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { Gate, Reel, program, sleep, temporaryFolder } from "../rig.mjs";

const rounds = Number(process.argv[2] ?? 2000);
const firstSeed = Number(process.argv[3] ?? 1);
const answerSeconds = 30;
const user = 65432;
const isRoot = process.getuid() === 0;
const gate = new Gate("hostile");
const home = temporaryFolder("reel-hostile-");
const folder = join(home, "work");
mkdirSync(folder);
if (isRoot) chownSync(folder, user, user);
execFileSync("chmod", ["755", home]);

// ---------------------------------------------------------------- canaries

const canary = join(home, "canary.png");
const pipe = join(home, "canary.pipe");
const longAgo = new Date("2001-01-01");
let touches = 0;

function lay() {
  writeFileSync(canary, "secret");
  // A read sets the time of access where it is older than the file's own time, as here.
  utimesSync(canary, longAgo, new Date());
  execFileSync("mkfifo", ["-m", "666", pipe]);
}

// A pipe opens for writing without waiting only while somebody has it open for reading.
function watchPipe() {
  try {
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
    touches++;
  } catch (error) {
    if (error.code !== "ENXIO") throw error;
  }
}

const listener = createServer((socket) => {
  touches++;
  socket.destroy();
});
await new Promise((done) => listener.listen(0, "127.0.0.1", done));
const address = `127.0.0.1:${listener.address().port}`;

// ---------------------------------------------------------------- the worker

class Worker {
  constructor() {
    this.crashes = [];
    this.late = 0;
    this.read = 0;
    this.answered = 0;
    this.slowest = 0;
    this.start();
  }

  start() {
    const limits = ["--memory-mb", "1024", "--cpu-seconds", "15", "--max-output-bytes", "4194304",
      "--max-pixels", "4000000", "--max-side", "8192"];
    this.process = spawn(
      program("reel-media"),
      ["--folder", folder, ...limits, ...(isRoot ? ["--user", String(user)] : [])],
      { stdio: ["pipe", "pipe", "inherit"], env: {} },
    );
    const mine = this.process;
    let text = "";
    mine.stdout.on("data", (data) => {
      text += data;
      const lines = text.split("\n");
      text = lines.pop();
      for (const line of lines) this.hear?.(JSON.parse(line));
    });
    mine.stdin.on("error", () => {});
    mine.on("close", (status, signal) => {
      if (mine !== this.process) return;
      this.start();
      this.hear?.({ event: "crashed", status, signal });
    });
  }

  // Resolves with the last line of the answer; a worker that is silent for too long is killed.
  ask(request) {
    const begun = Date.now();
    return new Promise((done) => {
      const alarm = setTimeout(() => {
        this.late++;
        this.process.kill("SIGKILL");
      }, answerSeconds * 1000);
      this.hear = (line) => {
        if (!["done", "failed", "crashed"].includes(line.event)) return;
        clearTimeout(alarm);
        this.hear = null;
        this.slowest = Math.max(this.slowest, Date.now() - begun);
        this.answered++;
        this.read += line.event === "done" ? 1 : 0;
        if (line.event === "crashed") this.crashes.push({ request, ...line });
        done(line);
      };
      this.process.stdin.write((typeof request === "string" ? request : JSON.stringify(request)) + "\n");
    });
  }

  end() {
    const mine = this.process;
    this.process = null;
    mine.stdin.end();
    return new Promise((done) => mine.on("close", (status) => done(status)));
  }
}

// ---------------------------------------------------------------- files

function ffmpeg(name, ...options) {
  const path = join(home, name);
  execFileSync("ffmpeg", ["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=5:duration=1",
    ...options, path]);
  return readFileSync(path);
}

function seeds() {
  const one = ["-frames:v", "1"];
  const sound = ["-f", "lavfi", "-i", "sine=duration=1:sample_rate=16000", "-shortest"];
  return {
    jpg: ffmpeg("seed.jpg", ...one),
    png: ffmpeg("seed.png", ...one),
    webp: ffmpeg("seed.webp", ...one),
    gif: ffmpeg("seed.gif"),
    bmp: ffmpeg("seed.bmp", ...one),
    tiff: ffmpeg("seed.tiff", ...one),
    avif: ffmpeg("seed.avif", ...one, "-c:v", "libaom-av1", "-still-picture", "1", "-cpu-used", "8"),
    mp4: ffmpeg("seed.mp4", ...sound, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"),
    webm: ffmpeg("seed.webm", ...sound, "-c:v", "libvpx", "-c:a", "libopus"),
  };
}

// What compose reads besides: films, sounds and words, with the parameter that takes them.
function editingSeeds(seed) {
  const sine = ["-f", "lavfi", "-i", "sine=duration=1:sample_rate=16000"];
  const sound = (name, ...options) => ffmpeg(name, ...sine, "-map", "1:a", ...options);
  const words = { language: "en", durationMs: 900, words: [
    { word: "One", startMs: 0, endMs: 200 }, { word: "two,", startMs: 250, endMs: 400 },
    { word: "ثلاثة", startMs: 450, endMs: 600 }, { word: "四", startMs: 650, endMs: 800, joined: true },
  ] };
  const mkv = ffmpeg("seed.mkv", ...sine, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "flac");
  return {
    mp4: ["videoUrl", seed.mp4], webm: ["videoUrl", seed.webm], mkv: ["videoUrl", mkv],
    mov: ["videoUrl", ffmpeg("seed.mov", "-c:v", "mpeg4")],
    wav: ["audioUrl", sound("seed.wav")], mp3: ["audioUrl", sound("seed.mp3")],
    flac: ["audioUrl", sound("seed.flac")], ogg: ["musicUrl", sound("seed.ogg", "-c:a", "libopus")],
    m4a: ["musicUrl", sound("seed.m4a", "-c:a", "aac")],
    json: ["wordsUrl", Buffer.from(JSON.stringify(words))],
  };
}

function compose(id, field, name, clip) {
  const input = { videoUrl: clip, width: 128, height: 128, fps: 12, duration: 0.5, subtitleStyle: "boxed", [field]: name };
  return { id, op: "render", renderer: "compose", dir: `c-${id}`, seed: 1, input };
}

function generator(seed) {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * limit);
  };
}

const edges = [0, 1, 0x7f, 0x80, 0xff];
function mutate(bytes, random) {
  let copy = Buffer.from(bytes);
  for (let changes = 1 + random(8); changes > 0; changes--) {
    const at = random(random(2) ? copy.length : Math.min(copy.length, 200));
    const kind = random(7);
    if (kind === 0) copy[at] ^= 1 << random(8);
    else if (kind === 1) copy[at] = edges[random(edges.length)];
    else if (kind === 2) copy[at] = random(256);
    else if (kind === 3 && at + 4 <= copy.length) copy.writeUInt32BE([0, 1, 0x7fffffff, 0x80000000, 0xffffffff, random(65536)][random(6)], at);
    else if (kind === 4) copy = copy.subarray(0, Math.max(at, 1));
    else if (kind === 5) copy = Buffer.concat([copy.subarray(0, at), copy.subarray(at, at + 1 + random(64)), copy.subarray(at)]);
    else copy.fill(edges[random(edges.length)], at, Math.min(at + random(32), copy.length));
  }
  return copy;
}

function chunk(type, data) {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length);
  head.write(type, 4);
  return Buffer.concat([head, data, Buffer.alloc(4)]);
}

function png(width, height, data) {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

function wav(size, rate) {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(size, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  [1, 1].forEach((value, n) => head.writeUInt16LE(value, 20 + 2 * n));
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate, 28);
  [2, 16].forEach((value, n) => head.writeUInt16LE(value, 32 + 2 * n));
  head.write("data", 36);
  head.writeUInt32LE(size, 40);
  return Buffer.concat([head, Buffer.alloc(2000, 1)]);
}

// Files that name other files, and files that are more than they seem.
function crafted(seed) {
  const reference = `<image href="file://${canary}"/><image href="http://${address}/x.png"/>`;
  const mov = Buffer.from(seed.mp4);
  // A data reference to another file, where the track's own was.
  const alias = mov.indexOf("url ");
  if (alias > 0) mov.write("alis", alias, "latin1");
  const gif = Buffer.from(seed.gif);
  gif.writeUInt16LE(65535, 6);
  gif.writeUInt16LE(65535, 8);
  const bmp = Buffer.from(seed.bmp);
  bmp.writeInt32LE(0x7fffffff, 18);
  return {
    "playlist.m3u8": `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://${canary}\n#EXTINF:1,\nhttp://${address}/a.ts\n#EXT-X-ENDLIST\n`,
    "endless.m3u8": `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${pipe}\n`,
    "list.ffconcat": `ffconcat version 1.0\nfile '${canary}'\nfile '${pipe}'\nfile 'http://${address}/b'\n`,
    "list.txt": `file '${canary}'\n`,
    "picture.svg": `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">${reference}</svg>`,
    "entity.svg": `<!DOCTYPE svg [<!ENTITY x SYSTEM "file://${canary}">]><svg>&x;</svg>`,
    "manifest.mpd": `<MPD><BaseURL>http://${address}/</BaseURL><Period><AdaptationSet><SegmentList><SegmentURL media="${canary}"/></SegmentList></AdaptationSet></Period></MPD>`,
    "session.sdp": `v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 ${address.split(":")[0]}\nm=video ${address.split(":")[1]} RTP/AVP 96\n`,
    "address.txt": `http://${address}/c`,
    "path.txt": canary,
    "script.mvg": `push graphic-context\nimage over 0,0 0,0 'url(http://${address}/d)'\npop graphic-context`,
    "page.html": `<meta http-equiv="refresh" content="0;url=http://${address}/e"><img src="file://${canary}">`,
    "reference.mov": mov,
    "huge.png": png(0x7fffffff, 0x7fffffff, deflateSync(Buffer.alloc(100))),
    "wide.png": png(1_000_000_000, 1, deflateSync(Buffer.alloc(100))),
    "empty.png": png(0, 0, Buffer.alloc(0)),
    "bomb.png": png(2000, 2000, deflateSync(Buffer.alloc(200_000_000))),
    "short.png": png(2000, 2000, deflateSync(Buffer.alloc(10))),
    "huge.gif": gif,
    "huge.bmp": bmp,
    "frames.gif": Buffer.concat([seed.gif.subarray(0, -1), ...Array(4000).fill(seed.gif.subarray(13, -1))]),
    "zeros.bin": Buffer.alloc(3_000_000),
    "ones.mp4": Buffer.concat([seed.mp4.subarray(0, 64), Buffer.alloc(2_000_000, 0xff)]),
    "deep.mp4": Buffer.concat([seed.mp4.subarray(0, 32), ...Array(20_000).fill(Buffer.from("\0\0\0\x08moov", "latin1"))]),
    "many.webm": Buffer.concat(Array(500).fill(seed.webm)),
    "nothing": Buffer.alloc(0),
    // Words that would be commands of the subtitle's own language, and a film's worth of them.
    "commands.json": JSON.stringify([{ word: `{\\p9}m 0 0 l 99999 99999{\\fs99999}{\\fn${canary}}{\\t(0,9,\\fscx9e9)}\\N`, startMs: 0, endMs: 500 }]),
    "long.json": JSON.stringify([{ word: "W".repeat(1000), startMs: 0, endMs: 1 }, { word: "\u202e".repeat(300), startMs: 1, endMs: 500 }]),
    "many.json": JSON.stringify(Array.from({ length: 15000 }, () => ({ word: "a", startMs: 0, endMs: 0 }))),
    // Sound that claims to go on for ever, and one of a sample a year.
    "endless.wav": wav(0xffffffff, 16000), "slow.wav": wav(1000, 1), "quick.wav": wav(1000, 0x7fffffff),
  };
}

// ---------------------------------------------------------------- the tests

const put = (name, bytes) => writeFileSync(join(folder, name), bytes, { mode: 0o644 });

async function feedCrafted(files) {
  const worker = new Worker();
  let n = 0;
  for (const [name, bytes] of Object.entries(files)) {
    put(name, bytes);
    await worker.ask({ id: `p${n++}`, op: "probe", file: name });
    await worker.ask({ id: `t${n++}`, op: "thumbnail", file: name, output: "t.jpg" });
    await worker.ask({ id: `k${n++}`, op: "render", renderer: "kenburns", dir: "k", seed: 1,
      input: { imageUrl: name, width: 256, height: 256, fps: 12, duration: 1 } });
    for (const field of ["videoUrl", "audioUrl", "musicUrl", "wordsUrl"])
      await worker.ask(compose(`c${n++}`, field, name, "clip.mp4"));
  }
  for (const name of [canary, pipe, `../canary.png`, `file://${canary}`, `http://${address}/`, "/dev/zero", "concat:a|b"]) {
    const answer = await worker.ask({ id: `n${n++}`, op: "thumbnail", file: name, output: "t.jpg" });
    gate.expect(answer.event === "failed", `the name ${name.slice(0, 40)} is refused`);
  }
  const status = await worker.end();
  gate.expect(worker.late === 0, `every one of ${worker.answered} crafted requests ended in time, the slowest in ${worker.slowest} ms`);
  gate.expect(worker.crashes.length === 0 && status === 0, `no crafted file ended the worker ${JSON.stringify(worker.crashes)}`);
}

async function feedMutated(worker, share, kinds) {
  for (const [kind, bytes] of kinds) {
    const random = generator(firstSeed * 1000 + share);
    for (let n = share; n < rounds; n += 2) {
      const name = `m${share}.${kind}`;
      put(name, mutate(bytes, random));
      const op = n % 8 === 0 ? "probe" : "thumbnail";
      await worker.ask({ id: `${kind}${n}`, op, file: name, output: `t${share}.jpg` });
      if (worker.crashes.length > 0 && worker.crashes.at(-1).request.file === name)
        writeFileSync(join(home, `crash-${kind}-${n}`), readFileSync(join(folder, name)));
    }
  }
}

// An eighth as many, since each is decoded, mixed, drawn and encoded.
async function feedEdited(worker, share, kinds) {
  for (const [kind, [field, bytes]] of kinds) {
    const random = generator(firstSeed * 3000 + share);
    for (let n = share; n < rounds / 8; n += 2) {
      const name = `e${share}.${kind}`;
      put(name, mutate(bytes, random));
      const request = compose(`${kind}${n}`, field, name, "clip.mp4");
      await worker.ask(request);
      if (worker.crashes.at(-1)?.request === request)
        writeFileSync(join(home, `crash-edited-${n}.${kind}`), readFileSync(join(folder, name)));
      rmSync(join(folder, request.dir), { recursive: true, force: true });
    }
  }
}

async function feedLines(worker) {
  const random = generator(firstSeed);
  const line = Buffer.from('{"id":"1","op":"render","renderer":"still","dir":"s","seed":1,"input":{"prompt":"x","width":256,"height":256}}');
  for (let n = 0; n < rounds; n++) {
    const bytes = mutate(line, random).toString("latin1").replace(/[\n\r]/g, " ").trim();
    if (bytes) await worker.ask(bytes);
  }
}

async function feedServer(files) {
  const reel = await new Reel({ environment: { REEL_LOCAL_MEMORY: "1GiB", REEL_LOCAL_WORKERS: "2" } }).start();
  const jobs = [];
  for (const bytes of Object.values(files)) {
    const data = Buffer.from(bytes);
    if (data.length === 0 || data.length > 500_000) continue;
    const imageUrl = `data:image/png;base64,${data.toString("base64")}`;
    const answer = await reel.post("/api/v1/generate", { model: "local/kenburns", imageUrl, duration: 1, width: 256, height: 256, fps: 12 });
    if (answer.status === 202) jobs.push(answer.body.jobId);
  }
  let ended = 0;
  for (const id of jobs) ended += (await reel.finished(id, 120)).status !== undefined ? 1 : 0;
  gate.expect(ended === jobs.length, `${ended} of ${jobs.length} hostile jobs of a server ended`);
  gate.expect((await fetch(`${reel.url}/healthz`)).status === 200, "the server answers after them");
  gate.expect((await reel.stop()).status === 0, "the server ends well");
}

lay();
readFileSync(canary);
gate.expect(statSync(canary).atimeMs > longAgo.getTime() + 1000, "the canary notices a reader");
utimesSync(canary, longAgo, new Date());
const watch = setInterval(watchPipe, 20);
const before = statSync(canary).atimeMs;
const seed = seeds();
const files = crafted(seed);
const begun = Date.now();
put("clip.mp4", seed.mp4);
await feedCrafted(files);
const workers = [new Worker(), new Worker()];
await Promise.all(workers.map((worker, share) => feedMutated(worker, share, Object.entries(seed))));
const editing = Object.entries(editingSeeds(seed));
await Promise.all(workers.map((worker, share) => feedEdited(worker, share, editing)));
await feedLines(workers[0]);
const crashes = workers.flatMap((worker) => worker.crashes);
const answered = workers.reduce((sum, worker) => sum + worker.answered, 0);
gate.expect(answered >= rounds * (Object.keys(seed).length + editing.length / 8 + 0.9), `${answered} mutated files and requests were answered, the slowest in ${Math.max(...workers.map((worker) => worker.slowest))} ms`);
const read = workers.reduce((sum, worker) => sum + worker.read, 0);
gate.expect(read > answered / 10, `${read} of them still gave a picture, so the decoders were reached`);
gate.expect(workers.every((worker) => worker.late === 0), "every one ended in time");
gate.expect(crashes.length === 0, `none ended its worker: ${JSON.stringify(crashes.slice(0, 5))}`);
for (const worker of workers) await worker.end();
await feedServer(files);
await sleep(100);
clearInterval(watch);
gate.expect(statSync(canary).atimeMs === before && readFileSync(canary, "utf8") === "secret", "the canary file was neither read nor changed");
gate.expect(touches === 0, `the canary pipe and listener were touched ${touches} times`);
console.log(`${((Date.now() - begun) / 1000).toFixed(0)} s, seed ${firstSeed}`);
listener.close();
if (crashes.length === 0) rmSync(home, { recursive: true, force: true });
else console.log(`the files that ended a worker are in ${home}`);
gate.end();
