// The other clients, who must not notice: others.mjs PORT TOKEN PATH SECONDS. A steady stream of
// reads of PATH and of durable submits over connections that stay open, some on new ones; each is
// measured from the moment at which it was due. Prints the times in milliseconds, as JSON.
import { connect } from "node:net";

const [port, token, path, seconds] = process.argv.slice(2);
const perSecond = 400, lanes = 16;
const key = `Host: a\r\nAuthorization: Bearer ${token}\r\n`;
const body = JSON.stringify({ model: "local/still", prompt: "Later", width: 512, height: 512, startAt: 864000 });
const read = `GET ${path} HTTP/1.1\r\n${key}\r\n`;
const submit = `POST /api/v1/generate HTTP/1.1\r\n${key}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const times = { reads: [], submits: [] };
const wrong = {};
const lanesMade = new Set();
let due = 0, open = 0;

const note = (word) => (wrong[word] = (wrong[word] ?? 0) + 1);

// One connection with the requests that wait for it.
class Lane {
  constructor() {
    this.waiting = [];
    this.text = "";
    lanesMade.add(this);
    this.socket = connect(Number(port), "127.0.0.1");
    this.socket.setNoDelay(true);
    this.socket.on("data", (data) => this.take(data));
    this.socket.on("error", (error) => note(error.code));
    this.socket.on("close", () => this.waiting.length && note("closed"));
  }

  ask(kind, at) {
    this.waiting.push({ kind, at });
    this.socket.write(kind === "reads" ? read : submit);
  }

  take(data) {
    this.text += data.toString("latin1");
    for (;;) {
      const end = this.text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(this.text.slice(0, end).match(/content-length: (\d+)/i)?.[1] ?? 0);
      if (this.text.length < end + 4 + length) return;
      const status = Number(this.text.slice(9, 12));
      const { kind, at } = this.waiting.shift();
      times[kind].push(performance.now() - at);
      if (status !== (kind === "reads" ? 200 : 202)) note(status);
      this.text = this.text.slice(end + 4 + length);
      open--;
      this.last?.();
    }
  }
}

const kept = Array.from({ length: lanes }, () => new Lane());
const began = performance.now() + 300;
const total = perSecond * Number(seconds);
const timer = setInterval(() => {
  for (; due < total && began + (due * 1000) / perSecond <= performance.now(); due++) {
    const kind = due % 8 === 0 ? "submits" : "reads", at = began + (due * 1000) / perSecond;
    open++;
    if (due % 20 !== 1) {
      kept[due % lanes].ask(kind, at);
      continue;
    }
    const fresh = new Lane();
    fresh.last = () => {
      fresh.socket.destroy();
      lanesMade.delete(fresh);
    };
    fresh.ask(kind, at);
  }
  const late = performance.now() > began + Number(seconds) * 1000 + 5000;
  if (due < total || (open > 0 && !late)) return;
  clearInterval(timer);
  for (const lane of lanesMade)
    for (const { kind, at } of lane.waiting)
      note(`${kind} unanswered after ${Math.round(performance.now() - at)} ms${lane.socket.connecting ? ", never connected" : ""}`);
  for (const lane of kept) lane.socket.destroy();
  const at = (list, share) => list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))] ?? 0;
  const all = [...times.reads, ...times.submits];
  const figures = (list) => ({ count: list.length, p50: at(list, 0.5), p99: at(list, 0.99), max: at(list, 1) });
  console.log(JSON.stringify({ all: figures(all), reads: figures(times.reads), submits: figures(times.submits), wrong }));
  process.exit();
}, 1);
