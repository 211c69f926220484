// The world outside, for a namespace in which every address is its own: a name server that answers
// as names ask it to, and a web server that redirects anywhere. Prints a line for each connection
// that came to an address which is not public. On SIGUSR1 it says what it has counted.
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { isInside } from "./networks.mjs";

const publicAddress = [45, 45, 45, 45];
const asked = new Map(); // of A records: name → times
let requests = 0;

// ---------------------------------------------------------------- names

const bytes4 = (hex) => [...Buffer.from(hex, "hex")];
const a = (address) => ({ type: 1, data: Buffer.from(address) });
const aaaa = (address) => ({ type: 28, data: Buffer.from(address) });

function encodeName(name) {
  const labels = name.split(".").filter(Boolean);
  return Buffer.concat([...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")])), Buffer.from([0])]);
}

// The records of a name, as its first word says.
function resolve(name, type) {
  const [kind, address, number] = name.toLowerCase().split(".")[0].split("-");
  const inside = /^[0-9a-f]{8}$/.test(address ?? "") ? bytes4(address) : [10, 0, 0, 1];
  if (!name.toLowerCase().endsWith(".to.test")) // "localhost" and the like
    return type === 1 ? [a([127, 0, 0, 1])] : [aaaa([...Array(15).fill(0), 1])];
  if (kind === "good") return type === 1 ? [a(publicAddress)] : [];
  if (kind === "v4") return type === 1 ? [a(inside)] : [];
  if (kind === "v6") return type === 28 ? [aaaa(Buffer.from(address, "hex"))] : [];
  if (kind === "mapped") return type === 28 ? [aaaa([...Array(10).fill(0), 255, 255, ...inside])] : [];
  if (kind === "nat64") return type === 28 ? [aaaa([0, 0x64, 0xff, 0x9b, ...Array(8).fill(0), ...inside])] : [];
  if (kind === "first") return type === 1 ? [a(inside), a(publicAddress)] : [];
  if (kind === "last") return type === 1 ? [a(publicAddress), a(inside)] : [];
  if (kind === "many") return type === 1 ? [a(inside), ...Array.from({ length: 12 }, (_, n) => a([45, 45, 45, 60 + n]))] : [];
  if (kind === "turn") return type === 1 ? [a(asked.get(name.toLowerCase()) > 1 ? inside : publicAddress)] : [];
  if (kind === "alias" || kind === "local") {
    const target = kind === "alias" ? `v4-${address}-${number}.to.test` : "localhost";
    const record = kind === "alias" ? a(inside) : a([127, 0, 0, 1]);
    return [{ type: 5, data: encodeName(target) }, ...(type === 1 ? [{ ...record, owner: target }] : [])];
  }
  return [];
}

const names = createSocket("udp4");
names.on("message", (question, peer) => {
  let at = 12;
  const labels = [];
  while (question[at]) {
    labels.push(question.toString("latin1", at + 1, at + 1 + question[at]));
    at += question[at] + 1;
  }
  const name = labels.join("."), type = question.readUInt16BE(at + 1);
  if (type === 1) asked.set(name.toLowerCase(), (asked.get(name.toLowerCase()) ?? 0) + 1);
  const records = resolve(name, type).map(({ type, data, owner }) => {
    const fixed = Buffer.alloc(10); // type, class, time to live 0, length
    fixed.writeUInt16BE(type, 0);
    fixed.writeUInt16BE(1, 2);
    fixed.writeUInt16BE(data.length, 8);
    return Buffer.concat([owner ? encodeName(owner) : Buffer.from([0xc0, 12]), fixed, data]);
  });
  const head = Buffer.alloc(12);
  question.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8580, 2); // an answer, with authority
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  names.send(Buffer.concat([head, question.subarray(12, at + 5), ...records]), peer.port, peer.address);
});

// ---------------------------------------------------------------- the web

function reply(path, host) {
  const [, word, hops, status, coded] = path.split("/");
  const answer = (status, more, body) => `HTTP/1.1 ${status} X\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
  if (word === "again") return answer(302, `Location: http://${host}/second\r\n`, "");
  if (word === "loop") return answer(302, `Location: ${path}\r\n`, "");
  // A relative location comes back behind "/to/…", and is no code then.
  const target = Buffer.from(coded ?? "", "base64url");
  if (word !== "to" || !coded || target.toString("base64url") !== coded) return answer(200, "", "fine");
  const left = Number(hops) - 1;
  const location = left > 0 ? `/to/${left}/${status}/${coded}` : target.toString("latin1");
  return answer(Number(status), `Location: ${location}\r\n`, "moved");
}

function serve(socket) {
  let text = "";
  if (isInside(socket.localAddress)) console.log(`touched world ${socket.localAddress} ${socket.localPort}`);
  socket.setNoDelay(true);
  socket.on("error", () => {});
  socket.on("data", (data) => {
    text += data.toString("latin1");
    for (let end; (end = text.indexOf("\r\n\r\n")) >= 0; text = text.slice(end + 4)) {
      requests++;
      const head = text.slice(0, end);
      const path = head.split(" ")[1] ?? "/";
      const answer = Buffer.from(reply(path, head.match(/\r\nhost: *(\S+)/i)?.[1] ?? ""), "latin1");
      // Who is sent back to a name shall have forgotten where it led.
      if (path === "/again") setTimeout(() => socket.write(answer), 20);
      else socket.write(answer);
    }
  });
}

process.on("SIGUSR1", () => {
  const turns = [...asked].filter(([name]) => name.startsWith("turn-"));
  const times = (count) => turns.filter(([, asks]) => asks === count).length;
  console.log(`counted ${JSON.stringify({ requests, names: asked.size, once: times(1), twice: times(2), more: turns.length - times(1) - times(2) })}`);
});
let open = 3;
const ready = () => --open === 0 && console.log("ready");
names.bind(53, process.argv[2], ready);
for (const port of [80, 8443]) createServer(serve).listen({ port, host: "::", ipv6Only: false }, ready);
