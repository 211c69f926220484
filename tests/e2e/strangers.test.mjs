// Clients that mean no good, against the whole server: each is answered as it deserves, and the next
// one is served as if nothing had been.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { Reel, sleep } from "../rig.mjs";
import { rowsFor } from "../strangers/smuggling.mjs";

let reel;
before(async () => {
  reel = await new Reel({ environment: { REEL_SERVER_HEAD_TIMEOUT: "1s", REEL_SERVER_BODY_TIMEOUT: "2s" } }).start();
  await reel.ready();
});
after(async () => {
  const exit = await reel.stop();
  assert.equal(exit.status, 0, `the server ended with ${JSON.stringify(exit)}: ${reel.log.slice(-4000)}`);
});

// Sends bytes and gathers the statuses that come back, until the end or a silence.
function say(bytes, expected, silence = 5000) {
  return new Promise((done) => {
    const port = new URL(reel.url).port;
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    let text = "", closed = false, timer;
    const read = () => {
      const statuses = [];
      let rest = text;
      for (let end; (end = rest.indexOf("\r\n\r\n")) >= 0; ) {
        const length = Number(rest.slice(0, end).match(/content-length: (\d+)/i)?.[1] ?? 0);
        if (rest.length < end + 4 + length) break;
        statuses.push(Number(rest.slice(9, 12)));
        rest = rest.slice(end + 4 + length);
      }
      return statuses;
    };
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      done({ statuses: read(), closed });
    };
    timer = setTimeout(end, silence);
    socket.on("connect", () => socket.write(Buffer.from(bytes, "latin1")));
    socket.on("error", () => {});
    socket.on("close", end);
    socket.on("end", () => {
      closed = true;
      end();
    });
    socket.on("data", (data) => {
      text += data.toString("latin1");
      // What may come after the last expected answer is given a moment.
      if (read().length < expected) return;
      clearTimeout(timer);
      timer = setTimeout(end, 150);
    });
  });
}

test("the smuggling table: as many answers as requests, and refusals close", async () => {
  const rows = rowsFor(reel.token);
  assert.ok(rows.length >= 200);
  const wrong = [];
  const check = async ({ name, statuses, bytes }) => {
    const last = statuses.at(-1);
    const found = await say(bytes, statuses.length);
    const good = found.statuses.length === statuses.length && (last < 400 || (found.statuses.at(-1) === last && found.closed));
    if (!good) wrong.push(`${name}: ${statuses} expected, got ${found.statuses}${found.closed ? " and the end" : ""}`);
  };
  while (rows.length) await Promise.all(rows.splice(0, 20).map(check));
  assert.deepEqual(wrong, []);
});

test("heads and bodies that come too slowly are refused in time", async () => {
  const head = await say("GET /healthz HTTP/1.1\r\nHost: a\r\nX-", 1);
  assert.deepEqual(head, { statuses: [408], closed: true });
  const key = `Host: a\r\nAuthorization: Bearer ${reel.token}\r\nContent-Type: application/json\r\n`;
  const body = await say(`POST /api/v1/generate HTTP/1.1\r\n${key}Content-Length: 10\r\n\r\n{`, 1);
  assert.deepEqual(body, { statuses: [408], closed: true });
});

test("heads and bodies that are too large are refused before they are whole", async () => {
  const key = `Host: a\r\nAuthorization: Bearer ${reel.token}\r\nContent-Type: application/json\r\n`;
  const large = "a".repeat(20_000);
  for (const [bytes, status] of [
    [`GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: ${large}`, 431],
    [`GET /healthz HTTP/1.1\r\nHost: a\r\n${"A: b\r\n".repeat(70)}\r\n`, 431],
    [`GET /${large}`, 414],
    [`POST /api/v1/generate HTTP/1.1\r\n${key}Content-Length: 999999999\r\n\r\n{`, 413],
    [`POST /api/v1/generate HTTP/1.1\r\n${key}Transfer-Encoding: chunked\r\n\r\nfffffff\r\n{`, 413],
  ])
    assert.deepEqual(await say(bytes, 1), { statuses: [status], closed: true });
});

test("who may not ask is told so before the body has come", async () => {
  const key = `Authorization: Bearer ${reel.token}\r\nContent-Type: application/json\r\n`;
  const heads = [
    ["POST /api/v1/generate", "", 401],
    ["POST /api/v1/generate", "Authorization: Bearer nobody's\r\n", 401],
    ["GET /api/v1/models", "", 401],
    ["POST /api/v1/uploads", "", 401],
    ["POST /api/v1/nowhere", "", 404],
    ["PUT /api/v1/generate", key, 405],
    ["POST /healthz", "", 404],
  ];
  for (const [line, headers, status] of heads)
    for (const body of ["Content-Length: 100000", "Content-Length: 99999999", "Transfer-Encoding: chunked"]) {
      const told = await say(`${line} HTTP/1.1\r\nHost: a\r\n${headers}${body}\r\n\r\n`, 1);
      assert.deepEqual(told, { statuses: [status], closed: true }, `${line} ${headers} ${body}`);
    }
  for (const [line, headers] of [["GET /healthz", ""], ["POST /api/v1/generate", key]]) {
    const told = await say(`${line} HTTP/1.1\r\nHost: a\r\n${headers}Content-Length: 99999999\r\n\r\n`, 1);
    assert.deepEqual(told, { statuses: [413], closed: true }, line);
  }
});

test("a request whose body comes late counts once against its key's rate", async () => {
  const made = await reel.post("/api/v1/keys", { tenant: "late", scopes: ["generate", "read"], requestsPerMinute: 50 });
  assert.equal(made.status, 201, made.text);
  const ask = (headers, body, late) =>
    new Promise((done, failed) => {
      const sent = request(`${reel.url}/api/v1/generate`, {
        method: "POST",
        headers: { authorization: `Bearer ${made.body.key}`, "content-type": "application/json", ...headers },
      });
      sent.on("error", failed);
      sent.on("response", (answer) => {
        answer.resume();
        answer.on("end", () => done({ status: answer.statusCode, left: Number(answer.headers["ratelimit-remaining"]) }));
      });
      sent.flushHeaders();
      setTimeout(() => sent.end(body), late);
    });
  const body = JSON.stringify({ model: "local/milestone" });
  const length = { "content-length": String(body.length) };
  assert.deepEqual(await ask(length, body, 0), { status: 202, left: 49 });
  assert.deepEqual(await ask(length, body, 100), { status: 202, left: 48 });
  assert.deepEqual(await ask({}, body, 100), { status: 202, left: 47 });
  assert.deepEqual(await ask({ expect: "100-continue" }, body, 100), { status: 202, left: 46 });
});

test("who asks and leaves at once disturbs nobody", async () => {
  const port = new URL(reel.url).port;
  for (let n = 0; n < 200; n++) {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.write("GET /api/v1/models HTTP/1.1\r\nHost: a\r\n\r\n");
    if (n % 2) socket.resetAndDestroy();
    else socket.destroySoon();
  }
  await sleep(200);
  assert.equal((await fetch(`${reel.url}/healthz`)).status, 200);
});
