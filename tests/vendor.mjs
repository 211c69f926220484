// A provider for tests, in a process of no one's: it speaks Replicate's protocol, remembers every
// submission that it accepted, and misbehaves as a job's prompt, or a fault, asks it to.
import { createServer } from "node:http";
import { constants, createSecureServer as createTwo } from "node:http2";
import { createServer as createSecure } from "node:https";
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { sleep, temporaryFolder } from "./rig.mjs";

const clip = (() => {
  let bytes;
  return () => {
    if (bytes) return bytes;
    const folder = temporaryFolder("reel-vendor-");
    const path = join(folder, "clip.mp4");
    const made = spawnSync("ffmpeg", [
      ...["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=24:d=5"],
      ...["-f", "lavfi", "-i", "sine=d=5", "-c:v", "libx264", "-pix_fmt", "yuv420p"],
      ...["-c:a", "aac", "-movflags", "+faststart", path],
    ]);
    if (made.status !== 0) throw new Error(String(made.stderr));
    bytes = readFileSync(path);
    rmSync(folder, { recursive: true, force: true });
    return bytes;
  };
})();

export class Vendor {
  // takes: milliseconds from accepted to done; callsBack: whether it calls back then, until somebody
  // takes it; tls: key and cert, it speaks https; two: it speaks HTTP/2 too, and "refuses" every
  // stream, or "answers". faults: what happens instead, by what is asked for (submit, poll, cancel, find, fetch):
  // functions of a call that return whether they have seen to it; and connect(socket, number). A call
  // is { vendor, number, from 1, request, response, one, accept(id), view(one), json(status, body) }.
  constructor({ takes = 1000, callsBack = false, tls, two = null, faults = {} } = {}) {
    this.takes = takes;
    this.callsBack = callsBack;
    this.tls = tls;
    this.two = two;
    this.faults = faults;
    this.calls = {}; // when each was asked for, by what: milliseconds
    this.connections = 0;
    this.protocols = new Set(); // methods, and HTTP versions that it was asked in: "POST 1.1"
    this.predictions = new Map(); // what was accepted, by id
    this.requests = []; // "POST /v1/…"
    this.asked = new Map(); // how often a prompt was submitted, accepted or not
    this.listHides = false; // the list shows nothing
  }

  async start(port = 0) {
    // Who died while it asked gets no answer.
    const listener = (request, response) =>
      this.#answer(request, response).catch(() => response.destroy());
    this.server = this.two
      ? createTwo({ ...this.tls, allowHTTP1: true }, listener)
      : this.tls
        ? createSecure(this.tls, listener)
        : createServer(listener);
    this.server.on("connection", (socket) => {
      this.connections++;
      socket.on("error", () => {});
      this.faults.connect?.(socket, this.connections);
    });
    await new Promise((done) => this.server.listen(port, "127.0.0.1", done));
    this.port = this.server.address().port;
    this.origin = `${this.tls ? "https" : "http"}://127.0.0.1:${this.port}`;
    return this;
  }

  async stop() {
    this.callsBack = false;
    this.server.closeAllConnections?.();
    await new Promise((done) => this.server.close(done));
  }

  of(prompt) {
    return [...this.predictions.values()].filter((one) => one.input.prompt === prompt);
  }

  count(pattern) {
    return this.requests.filter((line) => pattern.test(line)).length;
  }

  #view(one) {
    const age = Date.now() - one.at, takes = one.input.prompt.includes("slow") ? 5 * this.takes : this.takes;
    if (!one.end && age >= takes)
      one.end = one.input.prompt.includes("fails") ? "failed" : "succeeded";
    const status = one.end ?? (age < takes / 2 ? "starting" : "processing");
    const files = one.input.prompt.includes("private file")
      ? ["http://169.254.169.254/latest/meta-data"]
      : [`${this.origin}/files/${encodeURIComponent(one.id)}.mp4`];
    return {
      id: one.id,
      model: one.model,
      version: "v",
      input: one.input,
      status,
      created_at: new Date(one.at).toISOString(),
      error: status === "failed" ? "CUDA out of memory" : null,
      logs: status === "processing" ? " 40%|████      | 8/20 [00:01<00:02]" : "",
      output: status === "succeeded" ? files : null,
      metrics: status === "succeeded" || status === "failed" ? { predict_time: 1.5 } : {},
      webhook: one.webhook,
      urls: {
        get: `${this.origin}/v1/predictions/${one.id}`,
        cancel: `${this.origin}/v1/predictions/${one.id}/cancel`,
      },
    };
  }

  // Takes a submission on, under an id of its own or the one that is given.
  #accept(path, body, id = `p${this.predictions.size}x${Math.random().toString(36).slice(2, 12)}`) {
    const one = { id, at: Date.now(), model: path, input: body.input, webhook: body.webhook };
    this.predictions.set(id, one);
    return one;
  }

  // Whether a fault has seen to the call.
  async #isFaulty(kind, call) {
    call.vendor = this;
    call.number = (this.calls[kind] ??= []).push(Date.now());
    call.json = (status, body) => this.#json(call.response, status, body);
    call.view = (one) => this.#view(one);
    return (await this.faults[kind]?.(call)) === true;
  }

  async #create(request, response, path, body) {
    const prompt = body.input?.prompt ?? "";
    const before = this.asked.get(prompt) ?? 0;
    this.asked.set(prompt, before + 1);
    if (request.headers.authorization !== "Bearer r8_secret")
      return this.#json(response, 401, { detail: "Unauthenticated" });
    if (prompt.includes("not now") && before === 0) {
      response.setHeader("Retry-After", "1");
      return this.#json(response, 429, { detail: "Request was throttled." });
    }
    if (prompt.includes("unwanted"))
      return this.#json(response, 422, { detail: "- input.prompt: is unwanted", title: "Invalid" });
    if (prompt.includes("html")) {
      response.writeHead(200, { "Content-Type": "text/html" });
      return response.end("<html>a proxy's page</html>");
    }
    const accept = (id) => this.#accept(path, body, id);
    if (await this.#isFaulty("submit", { request, response, accept })) return;
    const one = accept();
    if (this.callsBack && one.webhook) void this.#callBack(one);
    const isLost = prompt.includes("answer is lost") && !(prompt.includes("first answer") && before > 0);
    if (isLost) return request.socket.destroy();
    if (prompt.includes("answer is 502")) return this.#json(response, 502, { detail: "Bad gateway" });
    return this.#json(response, 201, this.#view(one));
  }

  async #callBack(one) {
    await sleep(this.takes);
    const told = async () => {
      const headers = { "Content-Type": "application/json" };
      const body = JSON.stringify(this.#view(one));
      return (await fetch(one.webhook, { method: "POST", headers, body }).catch(() => null))?.ok;
    };
    for (let tries = 0; this.callsBack && tries < 100 && !(await told()); tries++) await sleep(100);
  }

  #json(response, status, body) {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(body));
  }

  async #answer(request, response) {
    this.protocols.add(`${request.method} ${request.httpVersion}`);
    if (request.httpVersion.startsWith("2") && this.two === "refuses")
      return response.stream.close(constants.NGHTTP2_REFUSED_STREAM);
    const { pathname } = new URL(request.url, this.origin);
    this.requests.push(`${request.method} ${pathname}`);
    let text = "";
    for await (const part of request) text += part;
    const [, id, cancel] = pathname.match(/^\/v1\/predictions\/([^/]+)(\/cancel)?$/) ?? [];
    const one = this.predictions.get(decodeURIComponent(id ?? ""));
    if (request.method === "POST" && (pathname === "/v1/predictions" || /\/predictions$/.test(pathname)))
      return this.#create(request, response, pathname, JSON.parse(text));
    if (pathname === "/v1/predictions") {
      if (await this.#isFaulty("find", { request, response })) return;
      const results = this.listHides ? [] : [...this.predictions.values()].reverse();
      return this.#json(response, 200, { results: results.map((each) => this.#view(each)), next: null });
    }
    if (one && cancel) {
      if (await this.#isFaulty("cancel", { request, response, one })) return;
      this.#view(one);
      if (!one.input.prompt.includes("goes on")) one.end ??= "canceled";
      return this.#json(response, 200, this.#view(one));
    }
    if (one && one.input.prompt.includes("garbage") && !(one.garbled = (one.garbled ?? 0) + 1 > 2))
      return response.end("}{");
    if (one && (await this.#isFaulty("poll", { request, response, one }))) return;
    if (one) return this.#json(response, 200, this.#view(one));
    if (pathname.startsWith("/files/")) {
      if (await this.#isFaulty("fetch", { request, response })) return;
      const asked = decodeURIComponent(pathname.slice(7, -4));
      const name = this.predictions.get(asked)?.input.prompt ?? "";
      response.writeHead(name.includes("no file") ? 404 : 200, { "Content-Type": "video/mp4" });
      return response.end(name.includes("page for a file") ? "<html>no</html>" : clip());
    }
    return this.#json(response, 404, { detail: "Not found" });
  }
}
