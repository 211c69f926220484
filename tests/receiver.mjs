// A receiver of webhooks on loopback that notes what comes, byte by byte, and answers as its path
// says: the first part of the path names a behaviour, the rest is the caller's.
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";

// A behaviour answers a call. `call.count` says how often its id came before.
export const behaviours = {
  ok: (response) => response.writeHead(204).end(),
  refuse: (response) => response.writeHead(500).end("no"),
  gone: (response) => response.writeHead(410).end(),
  later: (response, call) =>
    call.count === 0
      ? response.writeHead(503, { "retry-after": "2" }).end()
      : response.writeHead(200).end("ok"),
  // 500, 500, then well
  third: (response, call) => response.writeHead(call.count < 2 ? 500 : 200).end(),
  redirect: (response) => response.writeHead(302, { location: "/ok/redirected" }).end(),
  slow: (response) => setTimeout(() => response.writeHead(200).end(), 3000),
  never: () => {},
  // Headers, and then a body without an end.
  flood: (response) => {
    response.writeHead(200, { "content-length": String(1024 ** 3) });
    const block = Buffer.alloc(65536, "x");
    const more = () => {
      while (!response.destroyed && response.write(block));
      if (!response.destroyed) response.once("drain", more);
    };
    response.on("error", () => {});
    more();
  },
  "flood-refuse": (response) => {
    response.writeHead(500, { "content-length": String(1024 ** 3) });
    response.write(Buffer.alloc(65536, "x"));
  },
  break: (response) => response.destroy(),
};

export class Receiver {
  constructor(options = {}) {
    this.calls = []; // { id, path, headers, body, at, count }
    this.ids = new Map(); // id → calls
    this.waiting = [];
    const listener = (request, response) => this.take(request, response);
    this.server = options.tls ? createSecureServer(options.tls, listener) : createServer(listener);
    this.scheme = options.tls ? "https" : "http";
    this.server.keepAliveTimeout = 30000;
  }

  async start(port = 0) {
    await new Promise((done) => this.server.listen(port, "127.0.0.1", done));
    this.port = this.server.address().port;
    return this;
  }

  url(path) {
    return `${this.scheme}://127.0.0.1:${this.port}/${path}`;
  }

  take(request, response) {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("error", () => {});
    request.on("end", () => {
      const id = request.headers["webhook-id"];
      const before = this.ids.get(id) ?? [];
      const call = {
        id,
        path: request.url,
        method: request.method,
        headers: request.headers,
        body: Buffer.concat(parts),
        at: Date.now(),
        count: before.length,
      };
      this.ids.set(id, [...before, call]);
      this.calls.push(call);
      const name = request.url.split("/")[1];
      (behaviours[name] ?? behaviours.ok)(response, call);
      this.waiting = this.waiting.filter((wait) => !wait());
    });
  }

  // The calls to this path, as soon as there are `count` of them.
  async received(path, count = 1, seconds = 30) {
    const found = () => this.calls.filter((call) => call.path === `/${path}`);
    if (found().length >= count) return found();
    await new Promise((done, failed) => {
      const timer = setTimeout(
        () => failed(new Error(`${found().length} of ${count} calls of ${path} came`)),
        seconds * 1000,
      );
      this.waiting.push(() => {
        if (found().length < count) return false;
        clearTimeout(timer);
        done();
        return true;
      });
    });
    return found();
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}
