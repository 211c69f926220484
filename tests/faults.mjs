// What providers do instead of their work, as faults for a Vendor (vendor.mjs): functions of a call
// that see to its answer.
import { gzipSync } from "node:zlib";

export const MIB = 2 ** 20;

const does = (fault) => (call) => {
  fault(call);
  return true;
};

// Only the first so many times.
export const times = (most, fault) => (call) => call.number <= most && fault(call);
// The submission is taken on; its answer is another.
export const taken = (fault) => (call) => {
  call.accept();
  return fault(call);
};

/* ---------------------------------------------------------------- answers */

export const silent = does(() => {});
export const reset = does(({ request }) => request.socket.resetAndDestroy());
// A header may be a function, asked when it is sent.
export const raw = (text, headers = { "content-type": "application/json" }, status = 200) =>
  does(({ response }) => {
    for (const [name, value] of Object.entries(headers))
      response.setHeader(name, typeof value === "function" ? value() : value);
    response.writeHead(status).end(text);
  });
export const json = (status, body = { detail: `It is ${status}.` }) => does((call) => call.json(status, body));
export const page = (status) => raw("<html><h1>Bad Gateway</h1></html>", { "content-type": "text/html" }, status);
export const redirect = (to, status = 302) => raw("", { location: to }, status);
export const cut = does(({ response }) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": "4000" });
  response.write('{"id": "p0", "status": "succeeded", "outp', () => response.destroy());
});
// A byte five times a second, and never an end.
export const drip = does(({ response }) => {
  response.writeHead(200, { "content-type": "video/mp4" });
  const more = setInterval(() => (response.destroyed ? clearInterval(more) : response.write(" ")), 200);
});
export const headers = does(({ request: { socket } }) => {
  const lines = "x-more: and more\r\n".repeat(1000);
  const pour = () => {
    while (!socket.destroyed && socket.write(lines));
    if (!socket.destroyed) socket.once("drain", pour);
  };
  socket.write("HTTP/1.1 200 OK\r\n");
  pour();
});
// As much JSON as is read of an answer, and so many values that they would take far more as a tree.
export const values = (call) => raw(`{"id":"p","status":"processing","x":[${"0,".repeat(15 * MIB)}0]}`)(call);
// SETTINGS, and GOAWAY with the code of a refused stream (RFC 9113, 6.5, 6.8 and 7).
const frames = Buffer.from("000000040000000000" + "000008070000000000" + "00000000" + "00000007", "hex");
export const goaway = does(({ request }) => request.socket.end(frames));

// As many bytes as somebody reads; the vendor counts them.
export const endless = (headers = {}) =>
  does(({ response, vendor }) => {
    const block = Buffer.alloc(65536, "[");
    response.on("error", () => {});
    response.writeHead(200, { "content-type": "application/json", ...headers });
    vendor.poured ??= 0;
    const pour = () => {
      while (!response.destroyed && response.write(block)) vendor.poured += block.length;
      if (!response.destroyed) response.once("drain", pour);
    };
    pour();
  });
export const tenGigabytes = { "content-length": String(10 * 1024 ** 3) };
// A gigabyte of blanks in one megabyte: members of gzip follow each other.
export const bomb = (() => {
  let bytes;
  return (call) => {
    bytes ??= Buffer.concat(Array(16).fill(gzipSync(Buffer.alloc(64 * MIB, " "), { level: 9 })));
    return raw(bytes, { "content-type": "application/json", "content-encoding": "gzip" })(call);
  };
})();

/* ---------------------------------------------------------------- half-truths */

// The submission is taken on under that id.
export const named = (id) => does((call) => call.json(201, call.view(call.accept(id))));
// What a poll says, but for one thing.
export const changed = (change) =>
  does((call) => {
    const view = call.view(call.one);
    change(view);
    call.json(200, view);
  });
export const links = (url) => changed((view) => view.output && (view.output = [url()]));
