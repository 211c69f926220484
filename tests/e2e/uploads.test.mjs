// Uploads, from the first byte to their end; deletion of jobs; retention of outputs.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import http from "node:http";
import net from "node:net";
import { Reel, ask, ffprobe, sleep, temporaryFolder } from "../rig.mjs";

const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAFElEQVR4nGP8z4APMOGVHbHSAEEsARNGcPkYAAAAAElFTkSuQmCC",
  "base64",
);
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const uploads = (reel) =>
  readdirSync(join(reel.home, "uploads")).filter((name) => name.startsWith("upl_"));
const staged = (reel) => readdirSync(join(reel.home, "uploads/staging"));

async function until(good, what, seconds = 20) {
  for (let n = 0; n < seconds * 50; n++) {
    if (await good()) return;
    await sleep(20);
  }
  assert.fail(`not within ${seconds} s: ${what}`);
}

function upload(reel, bytes, headers = {}) {
  return reel.call("POST", "/api/v1/uploads", bytes, {
    "content-type": "application/octet-stream",
    ...headers,
  });
}

async function uploaded(reel, bytes) {
  const answer = await upload(reel, bytes);
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

let reel;
before(async () => {
  reel = await new Reel({
    environment: {
      REEL_UPLOADS_MAX_SIZE: "400MiB",
      REEL_UPLOADS_MAX_TOTAL: "500MiB",
      REEL_DISK_RESERVE: "1MiB",
    },
  }).start();
  await reel.ready();
});
after(async () => {
  const exit = await reel.stop();
  assert.equal(
    exit.status,
    0,
    `the server ended with ${JSON.stringify(exit)}: ${reel.log.slice(-4000)}`,
  );
});

test("a raw body: facts, file, row, deletion", async () => {
  const answer = await upload(reel, png);
  assert.equal(answer.status, 201, answer.text);
  const { body } = answer;
  assert.match(body.url, /^reel:\/\/upl_[0-9a-z]{26}$/);
  assert.equal(answer.headers.get("location"), `/api/v1/uploads/${body.uploadId}`);
  assert.equal(body.contentType, "image/png");
  assert.equal(body.fileSizeBytes, png.length);
  assert.equal(body.sha256, sha256(png));
  const kept = Date.parse(body.expiresAt) - Date.parse(body.createdAt);
  assert.equal(kept, 7 * 86400 * 1000);
  const shown = await reel.get(`/api/v1/uploads/${body.uploadId}`);
  assert.equal(shown.status, 200);
  assert.equal(shown.body.url, body.url);
  assert.ok(uploads(reel).includes(body.uploadId));
  const gone = await reel.call("DELETE", `/api/v1/uploads/${body.uploadId}`);
  assert.deepEqual(
    { status: gone.status, body: gone.body },
    { status: 200, body: { success: true, deleted: true, uploadId: body.uploadId } },
  );
  assert.equal((await reel.call("DELETE", `/api/v1/uploads/${body.uploadId}`)).status, 404);
  assert.equal((await reel.get(`/api/v1/uploads/${body.uploadId}`)).status, 404);
  await until(() => !uploads(reel).includes(body.uploadId), "the file goes");
});

test("a form, by fetch and by curl, with names that lead nowhere", async () => {
  const form = new FormData();
  form.set("file", new Blob([png], { type: "text/html" }), "../../../etc/passwd");
  const answer = await fetch(`${reel.url}/api/v1/uploads`, {
    method: "POST",
    headers: reel.headers(),
    body: form,
  });
  const body = await answer.json();
  assert.equal(answer.status, 201, JSON.stringify(body));
  assert.equal(body.contentType, "image/png");
  assert.equal(body.sha256, sha256(png));
  const folder = temporaryFolder();
  writeFileSync(join(folder, "a.png"), png);
  const curl = (...options) =>
    JSON.parse(
      execFileSync("curl", [
        "-sS",
        "-H",
        `Authorization: Bearer ${reel.token}`,
        ...options,
        `${reel.url}/api/v1/uploads`,
      ]).toString(),
    );
  assert.equal(curl("-F", `file=@${folder}/a.png`).sha256, sha256(png));
  assert.equal(curl("-F", `file=@${folder}/a.png;filename=..\\..\\x"y`).sha256, sha256(png));
  assert.equal(curl("-T", `${folder}/a.png`, "-X", "POST").sha256, sha256(png));
  assert.equal(
    curl("-H", "Transfer-Encoding: chunked", "--data-binary", `@${folder}/a.png`).sha256,
    sha256(png),
  );
  // curl waits for 100 Continue with a large body, and goes on without when there is none.
  assert.equal(
    curl("-H", "Expect: 100-continue", "--data-binary", `@${folder}/a.png`).sha256,
    sha256(png),
  );
  const refused = curl("-F", `image=@${folder}/a.png`);
  assert.equal(refused.errorCode, "validation");
  assert.equal(refused.details[0].field, "image");
  const twice = curl("-F", `file=@${folder}/a.png`, "-F", `file=@${folder}/a.png`);
  assert.match(twice.error, /file comes twice/);
  const empty = curl("-F", "file=");
  assert.match(empty.error, /empty/);
  await until(() => staged(reel).length === 0, "nothing is left of those refused");
});

test("what is no picture, sound or film is refused, whatever it says it is", async () => {
  for (const bytes of [
    Buffer.from("hello"),
    Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>"),
    Buffer.from("#EXTM3U\nhttp://10.0.0.1/"),
    Buffer.from("%PDF-1.7 and so on"),
    Buffer.from("{}"),
    Buffer.alloc(100_000),
  ]) {
    const answer = await upload(reel, bytes, { "content-type": "image/png" });
    assert.equal(answer.status, 415, answer.text);
    assert.equal(answer.body.errorCode, "unsupported_type");
    assert.match(answer.body.error, /PNG/);
  }
  assert.equal((await upload(reel, Buffer.alloc(0))).status, 400);
  assert.equal((await upload(reel, png, { "content-encoding": "gzip" })).status, 415);
  assert.equal((await upload(reel, png, { "content-type": "multipart/mixed" })).status, 415);
  const torn = await upload(reel, "--b\r\n", {
    "content-type": "multipart/form-data; boundary=b",
  });
  assert.equal(torn.status, 400, torn.text);
  await until(() => staged(reel).length === 0, "nothing is left of those refused");
});

// A request by hand: the answer's head, or "closed".
function raw(text, more = Buffer.alloc(0)) {
  return new Promise((done) => {
    const { hostname, port } = new URL(reel.url);
    const socket = net.connect(port, hostname, () => {
      socket.write(text);
      if (more.length) socket.write(more);
    });
    let said = "";
    socket.on("data", (data) => (said += data));
    socket.on("close", () => done(said || "closed"));
    socket.on("error", () => done(said || "closed"));
    setTimeout(() => socket.destroy(), 1500);
  });
}

test("limits are told before the body: no key, too large, Expect", async () => {
  const head = (lines) =>
    `POST /api/v1/uploads HTTP/1.1\r\nHost: x\r\n${lines.join("\r\n")}\r\n\r\n`;
  const key = `Authorization: Bearer ${reel.token}`;
  const large = `Content-Length: ${500 << 20}`;
  assert.match(await raw(head([large, "Expect: 100-continue"])), /^HTTP\/1.1 401 /);
  const refused = await raw(head([key, large, "Expect: 100-continue"]));
  assert.match(refused, /^HTTP\/1.1 413 /);
  assert.match(refused, /uploads.maxSize/);
  const asked = await raw(
    head([key, `Content-Length: ${png.length}`, "Expect: 100-continue", "Connection: close"]),
    png,
  );
  assert.match(asked, /^HTTP\/1.1 (100 Continue\r\n\r\nHTTP\/1.1 )?201 /);
  const waits = await raw(head([key, `Content-Length: ${png.length}`, "Expect: 100-continue"]));
  assert.match(waits, /^HTTP\/1.1 100 Continue\r\n\r\n$/);
  await until(() => staged(reel).length === 0, "nothing is left of it");
});

// Sends `size` bytes that begin like a PNG, in pieces; resolves to the answer.
function stream(target, size, { abortAt = Infinity, agent } = {}) {
  const hash = createHash("sha256");
  const piece = Buffer.alloc(1 << 20, 0x5a);
  return new Promise((done, failed) => {
    const request = http.request(
      `${target.url}/api/v1/uploads`,
      {
        method: "POST",
        agent,
        headers: target.headers({ "content-length": size, "content-type": "video/mp4" }),
      },
      (answer) => {
        let text = "";
        answer.on("data", (data) => (text += data));
        answer.on("end", () =>
          done({ status: answer.statusCode, body: JSON.parse(text), sha256: hash.digest("hex") }),
        );
      },
    );
    request.on("error", failed);
    let sent = 0;
    const go = () => {
      while (sent < size) {
        const part = Buffer.from(piece.subarray(0, Math.min(piece.length, size - sent)));
        if (sent === 0) png.copy(part);
        hash.update(part);
        sent += part.length;
        if (sent > abortAt) return void request.destroy();
        if (!request.write(part)) return void request.once("drain", go);
      }
      request.end();
    };
    go();
  });
}

test("300 MB in memory that stays flat, whole and hashed", async () => {
  await upload(reel, png);
  const before = reel.residentBytes();
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, reel.residentBytes())), 20);
  const answer = await stream(reel, 300 << 20);
  clearInterval(timer);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  assert.equal(answer.body.fileSizeBytes, 300 << 20);
  assert.equal(answer.body.sha256, answer.sha256);
  assert.ok(most > 0 && most - before < 32 << 20, `grew by ${(most - before) >> 20} MB`);
  // Together they may be no larger than uploads.maxTotal.
  const beyond = await stream(reel, 250 << 20);
  assert.equal(beyond.status, 413, JSON.stringify(beyond.body));
  assert.match(beyond.body.error, /together/);
  assert.equal(
    (await reel.call("DELETE", `/api/v1/uploads/${answer.body.uploadId}`)).status,
    200,
  );
  await until(() => staged(reel).length === 0, "nothing is staged");
  const rows = ask(reel.home, "SELECT id FROM uploads").map((row) => row.id);
  await until(
    () => uploads(reel).sort().join() === rows.sort().join(),
    "each file has a row, each row a file",
  );
});

test("an upload that breaks off leaves nothing, nor do twenty at once", async () => {
  const before = uploads(reel).length;
  await Promise.allSettled(
    Array.from({ length: 10 }, () => stream(reel, 50 << 20, { abortAt: 8 << 20 })),
  );
  await until(() => staged(reel).length === 0, "the staged files go");
  assert.equal(uploads(reel).length, before);
  const answers = await Promise.all(Array.from({ length: 20 }, () => upload(reel, png)));
  for (const { status } of answers) assert.ok([201, 429].includes(status), String(status));
});

const kenburns = (imageUrl, more = {}) => ({
  model: "local/kenburns",
  imageUrl,
  duration: 1,
  width: 256,
  height: 256,
  ...more,
});

test("an upload becomes a film; while a job waits for it, it stays", async () => {
  const still = await reel.generate({
    model: "local/still",
    prompt: "x",
    width: 512,
    height: 512,
  });
  const picture = await reel.download((await reel.finished(still.jobId)).result.url);
  const image = await uploaded(reel, picture.bytes);
  const waiting = await reel.generate(kenburns(image.url, { startAt: 3600 }));
  const refused = await reel.call("DELETE", `/api/v1/uploads/${image.uploadId}`);
  assert.equal(refused.status, 409);
  assert.match(refused.body.error, new RegExp(waiting.jobId));
  const { jobId } = await reel.generate(kenburns(image.url));
  const done = await reel.finished(jobId);
  assert.equal(done.status, "completed", done.error);
  const folder = temporaryFolder();
  writeFileSync(join(folder, "a.mp4"), (await reel.download(done.result.url)).bytes);
  assert.equal(ffprobe(join(folder, "a.mp4")).streams[0].width, 256);
  await reel.call("DELETE", `/api/v1/generate/${waiting.jobId}`);
  assert.equal((await reel.call("DELETE", `/api/v1/uploads/${image.uploadId}`)).status, 200);
  const late = await reel.post("/api/v1/generate", kenburns(image.url));
  assert.equal(late.status, 400);
  assert.equal(late.body.details[0].field, "imageUrl");
  assert.match(late.body.details[0].problem, /does not exist/);
  // What a retry reads is looked for again, too.
  const again = await reel.post(`/api/v1/jobs/${jobId}/retry`);
  assert.equal(again.status, 400, again.text);
});

test("an upload of another type than the parameter takes is refused when asked", async () => {
  const sound = Buffer.alloc(2000);
  sound.write("RIFF");
  sound.write("WAVEfmt ", 8);
  const { url, contentType } = await uploaded(reel, sound);
  assert.equal(contentType, "audio/wav");
  const answer = await reel.post("/api/v1/generate", kenburns(url, { dryRun: true }));
  assert.equal(answer.status, 400);
  assert.match(answer.body.details[0].problem, /audio\/wav/);
});

const still = { model: "local/still", prompt: "x", width: 256, height: 256 };

test("deleting a job: only when it has ended, once, with its files and its place in lists", async () => {
  const waits = await reel.generate({ ...still, startAt: 3600 });
  const early = await reel.call("DELETE", `/api/v1/jobs/${waits.jobId}`);
  assert.equal(early.status, 409);
  assert.match(early.body.error, /[Cc]ancel it first/);
  await reel.post(`/api/v1/jobs/${waits.jobId}/cancel`);
  assert.equal((await reel.call("DELETE", `/api/v1/jobs/${waits.jobId}`)).status, 200);
  const key = { "idempotency-key": "once" };
  const { jobId } = await reel.generate({ ...still, metadata: { mark: "gone" } }, key);
  const { result } = await reel.finished(jobId);
  const reader = await reel.generate(
    kenburns(`reel://${jobId}`, { startAt: 3600, metadata: { mark: "gone" } }),
  );
  assert.equal((await reel.call("DELETE", `/api/v1/jobs/${jobId}`)).status, 409);
  await reel.call("DELETE", `/api/v1/generate/${reader.jobId}`);
  const answer = await reel.call("DELETE", `/api/v1/jobs/${jobId}`);
  assert.deepEqual(answer.body, { success: true, deleted: true, jobId });
  assert.equal((await reel.call("DELETE", `/api/v1/jobs/${jobId}`)).status, 404);
  for (const path of ["", "/timeline"])
    assert.equal((await reel.get(`/api/v1/jobs/${jobId}${path}`)).status, 404);
  assert.equal((await reel.download(result.url)).status, 404);
  const list = await reel.get("/api/v1/jobs?metadata.mark=gone");
  assert.deepEqual(
    list.body.items.map((job) => job.jobId),
    [reader.jobId],
  );
  await until(() => !existsSync(join(reel.home, "outputs", jobId)), "the files go");
  const replay = await reel.post(
    "/api/v1/generate",
    { ...still, metadata: { mark: "gone" } },
    key,
  );
  assert.equal(replay.status, 404);
  assert.match(replay.body.error, /deleted/);
  const lost = await reel.post("/api/v1/generate", kenburns(`reel://${jobId}`));
  assert.equal(lost.status, 400);
  for (const table of ["inputs", "outputs", "attempts", "timeline"])
    assert.deepEqual(
      ask(reel.home, `SELECT count(*) AS n FROM ${table} WHERE job NOT IN (SELECT key FROM jobs)`),
      [{ n: 0 }],
      table,
    );
});

test("time passes: uploads expire, outputs go by age, and what a kill left is swept", async () => {
  const other = await new Reel({
    environment: {
      REEL_UPLOADS_KEEP: "3s",
      REEL_OUTPUTS_MAX_AGE: "6s",
      REEL_DISK_RESERVE: "1MiB",
    },
  }).start();
  await other.ready();
  const image = await uploaded(other, png);
  const held = await uploaded(other, png);
  const { jobId } = await other.generate(still);
  const { result } = await other.finished(jobId);
  const reader = await other.generate(kenburns(held.url, { startAt: 3600 }));
  const output = await other.generate(kenburns(`reel://${jobId}`, { startAt: 3600 }));
  await until(() => !uploads(other).includes(image.uploadId), "one expires");
  assert.ok(uploads(other).includes(held.uploadId), "the other one is held");
  const late = await other.post("/api/v1/generate", kenburns(held.url));
  assert.equal(late.status, 400);
  assert.match(late.body.error, /expired/);
  await sleep(5000);
  assert.equal((await other.download(result.url)).status, 200, "a job that waits reads it");
  for (const job of [reader, output]) await other.call("DELETE", `/api/v1/generate/${job.jobId}`);
  await until(() => !uploads(other).includes(held.uploadId), "it is let go of");
  await until(() => !existsSync(join(other.home, "outputs", jobId)), "the output goes by age");
  const shown = (await other.get(`/api/v1/jobs/${jobId}`)).body;
  assert.equal(shown.status, "completed");
  assert.ok(Date.parse(shown.filesRemovedAt) > Date.parse(shown.completedAt));
  assert.equal(shown.result.fileSizeBytes, result.fileSizeBytes);
  assert.equal(shown.result.url, undefined);
  const link = await other.download(result.url);
  assert.equal(link.status, 410);
  const timeline = (await other.get(`/api/v1/jobs/${jobId}/timeline`)).body.items;
  assert.match(timeline.at(-1).note, /outputs.maxAge/);
  assert.equal((await other.post("/api/v1/generate", kenburns(`reel://${jobId}`))).status, 400);

  // Killed in the middle of an upload, with files that nobody names.
  const torn = stream(other, 100 << 20, { abortAt: 90 << 20 }).catch(() => {});
  await until(() => staged(other).length === 1, "it is under way");
  await other.kill();
  await torn;
  assert.equal(staged(other).length, 1);
  writeFileSync(join(other.home, "uploads/upl_000000000000100aywaheppjw7"), "x");
  execFileSync("mkdir", [join(other.home, "outputs/gen_000000000000100aywaheppjw7")]);
  await other.start();
  await other.ready();
  assert.deepEqual(staged(other), []);
  assert.deepEqual(uploads(other), []);
  await until(
    () => !existsSync(join(other.home, "outputs/gen_000000000000100aywaheppjw7")),
    "the orphan goes",
  );
  assert.equal((await other.stop()).status, 0);
});

test("uploads are a tenant's own, and a key that is revoked on the way leaves nothing", async () => {
  const other = await new Reel({
    environment: { REEL_UPLOADS_IN_FLIGHT: "1", REEL_DISK_RESERVE: "1MiB" },
  }).start();
  await other.ready();
  const keys = {};
  for (const tenant of ["ann", "bob"])
    keys[tenant] = (await other.post("/api/v1/keys", { name: tenant, tenant })).body;
  const as = (tenant) => ({ authorization: `Bearer ${keys[tenant].key}` });
  const { body } = await upload(other, png, as("ann"));
  assert.match(body.url, /^reel:/);
  const path = `/api/v1/uploads/${body.uploadId}`;
  assert.equal((await other.get(path, as("ann"))).status, 200);
  assert.equal((await other.get(path, as("bob"))).status, 404);
  assert.equal((await other.call("DELETE", path, undefined, as("bob"))).status, 404);
  const refused = await other.post("/api/v1/generate", kenburns(body.url), as("bob"));
  assert.equal(refused.status, 400);
  assert.match(refused.body.details[0].problem, /does not exist/);

  const url = new URL(other.url);
  const socket = net.connect(url.port, url.hostname);
  let said = "";
  socket.on("data", (data) => (said += data));
  socket.write(
    `POST /api/v1/uploads HTTP/1.1\r\nHost: x\r\nAuthorization: ${as("bob").authorization}\r\n` +
      `Content-Length: ${png.length}\r\n\r\n`,
  );
  socket.write(png.subarray(0, 30));
  await until(() => staged(other).length === 1, "it is under way");
  assert.equal((await upload(other, png, as("ann"))).status, 429);
  const gone = await other.call("DELETE", `/api/v1/keys/${keys.bob.id}?tenant=bob`);
  assert.equal(gone.status, 200, gone.text);
  socket.write(png.subarray(30));
  await until(() => said.includes("401"), "it is refused");
  socket.destroy();
  await until(() => staged(other).length === 0, "its file goes");
  assert.equal((await upload(other, png, as("ann"))).status, 201);
  assert.equal((await other.stop()).status, 0);
});

test("outputs beyond outputs.maxSize go, the oldest first", async () => {
  const other = await new Reel({
    environment: { REEL_OUTPUTS_MAX_SIZE: "30000", REEL_DISK_RESERVE: "1MiB" },
  }).start();
  await other.ready();
  const jobs = [];
  for (let n = 0; n < 4; n++) {
    const { jobId } = await other.generate({ ...still, width: 512, height: 512, seed: n });
    jobs.push(await other.finished(jobId));
  }
  const sizes = jobs.map((job) => job.result.fileSizeBytes);
  let left = sizes.reduce((sum, size) => sum + size, 0);
  const gone = jobs.filter((_, n) => left > 30000 && (left -= sizes[n]) !== undefined);
  assert.ok(gone.length > 0, `the test's own pictures are too small: ${sizes}`);
  for (const job of gone)
    await until(async () => (await other.download(job.result.url)).status === 410, "it goes");
  for (const job of jobs.slice(gone.length))
    assert.equal((await other.download(job.result.url)).status, 200);
  assert.equal((await other.stop()).status, 0);
});
