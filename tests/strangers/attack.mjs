// One kind of hostile client, until its input ends: attack.mjs KIND PORT TOKEN FILE. Prints what it
// did and what it was answered, as JSON.
import { connect } from "node:net";
import { get } from "node:http";
import { bombs } from "./bombs.mjs";
import { rowsFor } from "./smuggling.mjs";

const [kind, port, token, file] = process.argv.slice(2);
const counts = { opened: 0, closed: 0 };
const statuses = {};
const sockets = new Set();
const rows = rowsFor("");
const count = (word) => (counts[word] = (counts[word] ?? 0) + 1);

// Connects, says `first`, and comes again when it was closed, if it is to.
function stranger({ first = "", reads = true, again = true, each = () => {}, delay = 100 }) {
  const socket = connect({ port: Number(port), host: "127.0.0.1", noDelay: true });
  sockets.add(socket);
  socket.on("connect", () => {
    count("opened");
    if (first) socket.write(first);
    each(socket);
  });
  if (reads)
    socket.on("data", (data) => {
      const status = data.toString("latin1", 0, 12).match(/^HTTP\/1\.1 (\d+)/)?.[1];
      if (status) statuses[status] = (statuses[status] ?? 0) + 1;
    });
  else socket.pause();
  socket.on("error", () => {});
  socket.on("close", () => {
    sockets.delete(socket);
    count("closed");
    if (again) setTimeout(() => stranger({ first, reads, again, each, delay }), delay);
  });
  return socket;
}

// A few at a time, so that it is the server that is tested and not the making of connections.
async function many(number, options, atOnce = 50) {
  for (let n = 0; n < number; n++) {
    stranger(options(n));
    if (n % atOnce === atOnce - 1) await new Promise((done) => setTimeout(done, 5));
  }
}

function drip(byte) {
  return (socket) => {
    const timer = setInterval(() => socket.write(byte), 1000);
    socket.on("close", () => clearInterval(timer));
  };
}

const key = `Authorization: Bearer ${token}\r\n`;
const head = (line, more = "") => `${line} HTTP/1.1\r\nHost: a\r\n${key}${more}`;
const post = (body, more = "") =>
  `${head("POST /api/v1/generate", "Content-Type: application/json\r\n")}${more}Content-Length: ${body.length}\r\n\r\n${body}`;
const attacks = {
  // A byte of a head now and then.
  "slow heads": () => many(2000, () => ({ first: "GET / HTTP/1.1\r\nX-", each: drip("a") })),
  // A byte of a body now and then.
  "slow bodies": () => many(2000, (n) => ({
    first: n % 2 ? head("POST /api/v1/generate", "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
      : head("POST /api/v1/generate", "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n"),
    each: drip("{"),
  })),
  // Ask for a large file and never read it.
  "unread files": () => many(500, () => ({ first: head(`GET ${file}`, "\r\n").repeat(4), reads: false })),
  // Ask for many answers and never read them. They are as good as anybody's requests, so they come
  // before the others are measured; what those must not feel is the answers that lie about.
  "unread answers": async () => {
    await many(100, () => ({ first: head("GET /api/v1/models", "\r\n").repeat(150), reads: false }), 1);
    await new Promise((done) => setTimeout(done, 5000)); // 15,000 answers of 22 KB take their time
  },
  // Long polls that are never read, and some that go away and come again.
  "unread long polls": () => many(3000, (n) => ({
    first: head("GET /api/v1/generate/@?wait=60".replace("@", process.argv[6]), "\r\n").repeat(3), reads: false, delay: 1000,
    each: (socket) => n % 15 || setTimeout(() => socket.resetAndDestroy(), 700),
  })),
  // Connections on which nothing is ever said.
  "silent connections": () => many(Number(process.argv[7] ?? 10000), () => ({ delay: 1000 })),
  // Heads that are too large, in every way.
  "head bombs": () => many(50, (n) => ({
    first: [head("GET /", `X-A: ${"a".repeat(200_000)}\r\n\r\n`), head("GET /", "A: b\r\n".repeat(20_000)), `GET /${"a".repeat(200_000)} HTTP/1.1\r\n`,
      "A".repeat(200_000), head("GET /", ": b\r\n".repeat(1000)), `GET / HTTP/1.1\r\n${" ".repeat(100_000)}`][n % 6],
  })),
  // Bodies that are too large, or stay unfinished and take up room.
  "body bombs": () => many(100, (n) => ({
    first: [
      head("POST /api/v1/generate", `Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n${"x".repeat(100_000)}`),
      head("POST /api/v1/generate", `Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${`fff\r\n${"x".repeat(4095)}\r\n`.repeat(300)}`),
      head("POST /api/v1/generate", `Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1;${"x".repeat(300_000)}`),
      head("POST /api/v1/generate", `Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(50_000)}`),
      head("POST /api/v1/generate", `Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(999_000)}`),
    ][n % 5],
    delay: 200,
  })),
  // Bodies of a megabyte, all but its end, from who has no key: as much as a line of a gigabit takes.
  "bodies without a key": () => many(20, () => ({
    first: `POST /api/v1/generate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(999_000)}`,
    delay: 200,
  })),
  // Hundreds of requests at once on each connection, and the next hundreds when these are answered.
  "pipelined bursts": () => many(20, () => ({
    first: head("GET /healthz", "\r\n").repeat(600), delay: 500, each: (socket) => setTimeout(() => socket.destroy(), 500),
  })),
  // JSON that is a megabyte of trouble.
  "JSON bombs": () => many(Object.keys(bombs).length, (n) => ({ first: post(Object.values(bombs)[n]), delay: 2000, each: (socket) => setTimeout(() => socket.destroy(), 2000) })),
  // Every row of the smuggling table, again and again.
  smuggling: () => many(rows.length, (n) => ({ first: rows[n].bytes, delay: 400, each: (socket) => setTimeout(() => socket.destroy(), 600) })),
};

await attacks[kind]();
console.log("ready");
process.stdin.on("end", () => {
  console.log(JSON.stringify({ ...counts, now: sockets.size, statuses }));
  process.exit();
}).resume();
