// Stands between a gateway and its sandbox and counts, as a provider would: which calls come, how
// many are under way at once and how many in the busiest second of each kind. Answers are passed on
// with the sandbox's address replaced by the relay's, so that links to files lead through it too.
import { Agent, createServer, request } from "node:http";

const kinds = [
  ["create", (method, path) => method === "POST" && !path.endsWith("/cancel")],
  ["file", (_, path) => path.startsWith("/outputs/")],
  ["stream", (_, path) => /\/status\/stream/.test(path)], // held for as long as a job lasts
  ["read", () => true],
];

// The most of these times, in order, that lie within any window of so many milliseconds.
export function busiest(times, window) {
  let most = 0;
  for (let first = 0, last = 0; last < times.length; last++) {
    while (times[last] - times[first] >= window) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

class Tally {
  constructor() {
    this.now = 0;
    this.reset();
  }

  reset() {
    this.times = [];
    this.most = this.now;
    this.refused = 0;
  }

  begin() {
    this.times.push(Date.now());
    this.most = Math.max(this.most, ++this.now);
  }

  busiest(window) {
    return busiest(this.times, window);
  }
}

export class Relay {
  constructor(target) {
    this.target = target;
    this.agent = new Agent({ keepAlive: true, maxSockets: 256 });
    this.tallies = Object.fromEntries(kinds.map(([kind]) => [kind, new Tally()]));
  }

  async start() {
    this.server = createServer({ keepAliveTimeout: 60_000 }, (incoming, outgoing) =>
      this.#pass(incoming, outgoing),
    );
    await new Promise((done) => this.server.listen(0, "127.0.0.1", done));
    this.origin = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  reset() {
    for (const tally of Object.values(this.tallies)) tally.reset();
  }

  async stop() {
    this.server.closeAllConnections();
    this.agent.destroy();
    await new Promise((done) => this.server.close(done));
  }

  #pass(incoming, outgoing) {
    const { method, url } = incoming;
    const tally = this.tallies[kinds.find(([, fits]) => fits(method, url))[0]];
    tally.begin();
    outgoing.on("close", () => tally.now--);
    const { "accept-encoding": _, ...headers } = incoming.headers;
    const { hostname, port, host } = new URL(this.target);
    const onward = request(
      { agent: this.agent, hostname, port, method, path: url, headers: { ...headers, host } },
      (answer) => this.#answer(answer, outgoing, tally),
    );
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  }

  #answer(answer, outgoing, tally) {
    tally.refused += answer.statusCode === 429;
    const { "content-length": _, ...headers } = answer.headers;
    if (!/json/.test(answer.headers["content-type"] ?? "")) {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
      return;
    }
    const parts = [];
    answer.on("data", (part) => parts.push(part));
    answer.on("end", () => {
      const body = Buffer.concat(parts).toString().replaceAll(this.target, this.origin);
      outgoing.writeHead(answer.statusCode, { ...headers, "content-length": Buffer.byteLength(body) });
      outgoing.end(body);
    });
  }
}
