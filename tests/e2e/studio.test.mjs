// The studio as a whole, by chained jobs: when a word is heard and when it is seen, the words in the
// answer, and pictures that depend on nothing but the seed and the input.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Reel, ask, ffprobe } from "../rig.mjs";

let reel;
before(async () => (reel = await new Reel().start()));
after(() => reel.stop());

const file = (id, name) => join(reel.home, "outputs", id, name);

async function completed(body) {
  const { jobId } = await reel.generate({ cache: "off", ...body });
  const done = await reel.finished(jobId, 300);
  assert.equal(done.status, "completed", JSON.stringify(done));
  return done;
}

function decode(path, ...options) {
  return execFileSync("ffmpeg", ["-nostdin", "-v", "error", "-i", path, ...options, "-"], {
    maxBuffer: 1 << 30,
  });
}

// ---------------------------------------------------------------- heard and seen

// A dark, still picture: whatever is bright in the film is a subtitle.
function darkClip(width, height) {
  const bytes = execFileSync(
    "ffmpeg",
    ["-nostdin", "-v", "error", "-f", "lavfi", "-i",
      `color=c=0x203040:s=${width}x${height}:r=30:d=1`, "-c:v", "libx264", "-preset", "ultrafast",
      "-pix_fmt", "yuv420p", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "-"],
  );
  return `data:video/mp4;base64,${bytes.toString("base64")}`;
}

// The seconds at which sound begins after at least a fifth of a second of silence.
function onsets(path) {
  const rate = 16000;
  const step = rate / 200;
  const bytes = decode(path, "-vn", "-ac", "1", "-ar", String(rate), "-f", "s16le");
  const found = [];
  let quiet = Infinity;
  for (let at = 0; (at + step) * 2 <= bytes.length; at += step) {
    let sum = 0;
    for (let i = at; i < at + step; i++) sum += bytes.readInt16LE(i * 2) ** 2;
    if (Math.sqrt(sum / step) < 32768 * 0.004) {
      quiet++;
    } else {
      if (quiet >= 40) found.push(at / rate);
      quiet = 0;
    }
  }
  return found;
}

const isWhite = (r, g, b) => r > 190 && g > 190 && b > 190;
const isLit = (r, g, b) => r > 170 && g > 130 && b < 110;

// The seconds at which something new is there to be seen: pixels of the colour, where there were
// none or elsewhere.
function appearances(path, fps, matches) {
  const { width, height } = ffprobe(path).streams[0];
  const bytes = decode(path, "-an", "-pix_fmt", "rgb24", "-f", "rawvideo");
  const size = width * height * 3;
  const found = [];
  let last = null;
  for (let frame = 0; (frame + 1) * size <= bytes.length; frame++) {
    let count = 0, left = width, right = 0, top = height, bottom = 0;
    for (let i = frame * size, end = i + size, p = 0; i < end; i += 3, p++) {
      if (!matches(bytes[i], bytes[i + 1], bytes[i + 2])) continue;
      const x = p % width, y = (p - x) / width;
      count++;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
    const box = count > 10 ? [left, right, top, bottom] : null;
    const moved = box && (!last || box.some((side, n) => Math.abs(side - last[n]) > 3));
    if (moved) found.push(frame / fps);
    last = box;
  }
  return found;
}

// Sentences of one word each, so that there is silence before each; those of a cue follow each other
// soon, those that shall be cues of their own late.
const scenes = [
  { style: "karaoke", width: 360, height: 640, fps: 30, pauseMs: 400, language: "en-us",
    text: "Two. Dogs. Take. Ten. Big. Cakes. Down. To. Grandma. Today." },
  { style: "karaoke", width: 640, height: 360, fps: 24, pauseMs: 500, language: "ar",
    text: "باب. كتاب. دار. قمر. بيت. جبل." },
  { style: "plain", width: 480, height: 480, fps: 25, pauseMs: 1800, language: "de",
    text: "Berge. Täler. Dörfer. Gärten. Bäume." },
  { style: "boxed", width: 640, height: 360, fps: 30, pauseMs: 1800, language: "en-gb",
    text: "Boats. Docks. Gulls. Tides." },
];

for (const scene of scenes) {
  const { style, width, height, fps, pauseMs, language, text } = scene;
  const title = `${width}x${height}, ${style}, ${language}`;
  test(`every word is seen within 80 ms of its sound: ${title}`, async (t) => {
    const voice = await reel.generate({ model: "local/speech", text, language, pauseMs });
    // Asked for before there is a voice: it waits for what it names.
    const film = await completed({
      model: "local/compose", videoUrl: darkClip(width, height), fps, width, height,
      audioUrl: `reel://${voice.jobId}`, wordsUrl: `reel://${voice.jobId}/1`,
      subtitleStyle: style,
    });
    const count = text.split(" ").length;
    const path = file(film.jobId, "output.mp4");
    const heard = onsets(path);
    const seen = appearances(path, fps, style === "karaoke" ? isLit : isWhite);
    assert.equal(heard.length, count, `heard at ${heard.map((at) => at.toFixed(3))}`);
    assert.equal(seen.length, count, `seen at ${seen.map((at) => at.toFixed(3))}`);
    const apart = heard.map((at, n) => Math.round((seen[n] - at) * 1000));
    t.diagnostic(`seen after heard, ms: ${apart.join(" ")}`);
    for (const ms of apart) assert.ok(Math.abs(ms) <= 80, `apart by ms: ${apart}`);
    // What the answer says of the voice is as true as what is seen.
    const { words } = (await reel.finished(voice.jobId)).result;
    words.forEach((word, n) => assert.ok(Math.abs(word.startMs / 1000 - heard[n]) <= 0.08, `${word.word} at ${word.startMs} ms, heard at ${heard[n]} s`));
  });
}

// ---------------------------------------------------------------- words in the answer

test("the words of a voice are in its answer, in their file and in the store, not in lists", async () => {
  const text = "Seven lamps along the coast, and every one of them awake.";
  const done = await completed({ model: "local/speech", text });
  const { words, outputs, durationMs } = done.result;
  assert.deepEqual(words.map(({ word }) => word).join(" "), text);
  let at = 0;
  for (const { startMs, endMs } of words) {
    assert.ok(startMs >= at && endMs >= startMs, JSON.stringify(words));
    at = endMs;
  }
  assert.ok(at <= durationMs);
  assert.deepEqual(outputs[0].words, words);
  assert.equal(outputs[1].words, undefined);
  const kept = JSON.parse(readFileSync(file(done.jobId, "output-2.json"), "utf8"));
  assert.deepEqual(kept.words, words);
  const rows = ask(reel.home, "SELECT number, words FROM outputs WHERE words IS NOT NULL");
  assert.ok(rows.some((row) => row.number === 0 && row.words === JSON.stringify(words)));
  const { items } = (await reel.get("/api/v1/jobs?model=local/speech")).body;
  const item = items.find(({ jobId }) => jobId === done.jobId);
  assert.equal(item.result.outputs.length, 2);
  assert.equal(item.result.words, undefined);
  assert.equal(item.result.outputs[0].words, undefined);
});

test("the longest text has all its words in its answer", async () => {
  const text = "a ".repeat(2499) + "a.";
  const done = await completed({ model: "local/speech", text, speed: 2 });
  assert.equal(done.result.words.length, 2500);
});

// ---------------------------------------------------------------- the same seed

const frames = (id) => decode(file(id, "output.mp4"), "-map", "0", "-f", "hash").toString();

test("the same seed makes the same frames and sound, another one others", async () => {
  const still = await completed({
    model: "local/still", prompt: "Waves", width: 320, height: 320, seed: 3,
  });
  const voice = await completed({ model: "local/speech", text: "One and two and three." });
  const animatic = { model: "local/animatic", prompt: "Waves at night", duration: 1, width: 256, height: 256, fps: 12 };
  const kenburns = { model: "local/kenburns", imageUrl: `reel://${still.jobId}`, duration: 1, width: 256, height: 256, fps: 12 };
  for (const input of [animatic, kenburns]) {
    const hashes = [];
    for (const seed of [5, 5, 6]) hashes.push(frames((await completed({ ...input, seed })).jobId));
    assert.equal(hashes[0], hashes[1], input.model);
    assert.notEqual(hashes[0], hashes[2], input.model);
  }
  const clip = await completed({ ...animatic, seed: 5 });
  const compose = {
    model: "local/compose", videoUrls: [`reel://${clip.jobId}`, `reel://${clip.jobId}`], transition: "fade",
    audioUrl: `reel://${voice.jobId}`, wordsUrl: `reel://${voice.jobId}/1`, subtitleStyle: "karaoke", seed: 1,
  };
  const films = [await completed(compose), await completed(compose)];
  assert.equal(frames(films[0].jobId), frames(films[1].jobId));
});
