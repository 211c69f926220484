// Bad input: each with a clear error, nothing lost, nothing crashed.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import net from "node:net";
import { deflateSync, crc32 } from "node:zlib";
import { Reel } from "../rig.mjs";

let reel;
before(async () => {
  reel = await new Reel({ environment: { REEL_FETCH_TIMEOUT: "3s" } }).start();
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

async function refused(body, status, pattern, headers) {
  const answer = await reel.post("/api/v1/generate", body, headers);
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.body.success, false);
  assert.match(answer.body.error, pattern);
  return answer.body;
}

async function fails(body, code, pattern) {
  const { jobId } = await reel.generate(body);
  const done = await reel.finished(jobId, 60);
  assert.equal(done.status, "failed");
  assert.equal(done.errorCode, code, done.error);
  assert.match(done.error, pattern);
  return done;
}

const kenburns = (imageUrl) => ({
  model: "local/kenburns",
  imageUrl,
  duration: 1,
  width: 256,
  height: 256,
});

test("JSON: malformed, deep, not UTF-8, NUL, duplicate keys, no object, empty, wrong type", async () => {
  await refused("{", 400, /line 1/);
  await refused('{"model":"local/still",}', 400, /JSON/);
  await refused("[".repeat(100) + "]".repeat(100), 400, /deeper than 32/);
  await refused(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, /UTF-8/);
  await refused('{"a":"\u0000"}', 400, /UTF-8|NUL/);
  await refused('{"model":"ltx2","model":"ltx2"}', 400, /duplicate/);
  await refused("[]", 400, /object/);
  await refused("", 400, /empty/);
  await refused("model=x", 415, /application\/json/, {
    "content-type": "application/x-www-form-urlencoded",
  });
  await refused("{}", 400, /model is missing/);
  await refused({ model: "nope" }, 400, /no model/);
  await refused({ model: 5 }, 400, /model/);
});

test("JSON: huge bodies are refused before they are read", async () => {
  const answer = await reel.post("/api/v1/generate", "x".repeat(2 << 20));
  assert.equal(answer.status, 413);
  assert.equal(answer.body.errorCode, "too_large");
  await refused(`{"model":"local/still","prompt":"${"x".repeat(3000)}"}`, 400, /prompt/);
  await refused(
    { model: "local/still", prompt: "x", metadata: { a: "x".repeat(5000) } },
    400,
    /4096/,
  );
});

test("common fields: each fault is named", async () => {
  const error = await refused(
    {
      model: "local/still",
      prompt: "x",
      priority: 1000,
      count: 9,
      duplicates: "maybe",
      startAt: "soon",
      dependsOn: ["nonsense"],
      provider: "nobody",
      fallback: "no",
      metadata: [],
      cache: "never",
      webhookUrl: "ftp://x",
      idempotencyKey: "",
      deadline: -1,
    },
    400,
    /./,
  );
  const fields = error.details.map((fault) => fault.field);
  for (const field of [
    "priority",
    "count",
    "duplicates",
    "startAt",
    "dependsOn",
    "provider",
    "fallback",
    "metadata",
    "cache",
    "webhookUrl",
    "idempotencyKey",
    "deadline",
  ])
    assert.ok(fields.includes(field), `${field} in ${fields}`);
});

test("unknown jobs, in every spelling", async () => {
  for (const id of [
    "gen_00000000000000000000000001",
    "gen_x",
    "nope",
    "..%2f..",
    "gen_%00",
    "%ff",
  ]) {
    const answer = await reel.get(`/api/v1/generate/${id}`);
    assert.ok([400, 404].includes(answer.status), `${id}: ${answer.status}`);
  }
});

// A PNG whose header announces a size, with next to no data behind it.
function png(width, height) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(sum(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(Buffer.alloc(1000))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
function sum(bytes) {
  if (crc32) return crc32(bytes);
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let n = 0; n < 8; n++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
const data = (bytes, type = "image/png") => `data:${type};base64,${bytes.toString("base64")}`;

test("images: broken, empty, not one, 40,000 by 40,000", async () => {
  await fails(kenburns(data(Buffer.from("not an image at all"))), "validation", /imageUrl/);
  await fails(kenburns(data(png(64, 64).subarray(0, 40))), "validation", /imageUrl/);
  const began = Date.now();
  await fails(kenburns(data(png(40000, 40000))), "validation", /40000|40,000|large|pixels/i);
  assert.ok(Date.now() - began < 10_000);
  await refused(kenburns("data:text/html;base64,AAAA"), 400, /imageUrl/);
  const file = await reel.generate({
    model: "local/animatic",
    prompt: "a video is no image",
    duration: 1,
    width: 256,
    height: 256,
  });
  await fails({ ...kenburns(`reel://${file.jobId}`), duration: 1 }, "validation", /imageUrl/);
  await fails(
    kenburns(
      `reel://${(await reel.generate({ model: "local/still", prompt: "x", width: 256, height: 256 })).jobId}/5`,
    ),
    "input_unreachable",
    /output/,
  );
});

test("URLs: private, loopback, metadata service, other schemes and ports", async () => {
  const hits = [];
  const server = createServer((request, response) => {
    hits.push(request.url);
    response.end("x");
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  for (const url of [
    `http://127.0.0.1:${port}/`,
    "http://127.0.0.1/",
    "http://10.0.0.1/a.png",
    "http://169.254.169.254/latest",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://localhost/",
    `http://localhost:${port}/`,
  ])
    await fails(kenburns(url), "input_unreachable", /imageUrl/);
  for (const url of [
    "file:///etc/passwd",
    "ftp://example.com/a.png",
    "gopher://x",
    "http://",
    "reel://nope",
  ])
    await refused(kenburns(url), 400, /imageUrl/);
  assert.deepEqual(hits, []);
  server.close();
});

test("URLs: unreachable, slow, huge, 404, redirect to a private address", async () => {
  const other = await new Reel({
    environment: {
      REEL_ALLOW_NETWORKS: "127.0.0.1/32",
      REEL_ALLOW_PORTS: "*",
      REEL_FETCH_TIMEOUT: "2s",
      REEL_FETCH_MAX_SIZE: "1MiB",
    },
  }).start();
  const server = createServer((request, response) => {
    if (request.url === "/slow") return void response.writeHead(200).write("x");
    if (request.url === "/huge") return void response.end(Buffer.alloc(3 << 20));
    if (request.url === "/redirect")
      return void response.writeHead(302, { location: "http://10.0.0.1/" }).end();
    if (request.url === "/good.png") return void response.end(png(64, 64).subarray(0, 50));
    response.writeHead(404).end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const base = `http://127.0.0.1:${server.address().port}`;
  const expect = async (path, code, pattern) => {
    const { jobId } = await other.generate(
      kenburns(path.startsWith("http") ? path : base + path),
    );
    const done = await other.finished(jobId, 60);
    assert.equal(done.status, "failed");
    assert.equal(done.errorCode, code, done.error);
    assert.match(done.error, pattern);
  };
  const closed = net.createServer();
  await new Promise((done) => closed.listen(0, "127.0.0.1", done));
  const { port } = closed.address();
  await new Promise((done) => closed.close(done));
  await Promise.all([
    expect("/slow", "input_unreachable", /imageUrl/),
    expect("/huge", "too_large", /imageUrl/),
    expect("/missing", "input_unreachable", /404/),
    expect("/redirect", "input_unreachable", /imageUrl/),
    expect("/good.png", "validation", /imageUrl/),
    expect(`http://127.0.0.1:${port}/`, "input_unreachable", /imageUrl/),
  ]);
  server.closeAllConnections();
  server.close();
  const exit = await other.stop();
  assert.equal(exit.status, 0, other.log.slice(-3000));
});
