// What the vendors' own clients send for a job of a real model, recorded: the file
// src/provider/golden/capture.txt, which src/provider/capture_test.c holds our adapters against.
// With GOLDEN_RENEW=1 the file is written anew; without, it must be what the clients send today.
import { test } from "node:test";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Replicate from "replicate";
import { createFalClient } from "@fal-ai/client";
import runpodSdk from "runpod-sdk";
import { root } from "../rig.mjs";

const golden = (name) => join(root, "src/provider/golden", name);
const { hook, cases } = JSON.parse(readFileSync(golden("capture_cases.json"), "utf8"));

// What belongs to the connection and to Node's own way with it, and not to a protocol.
const transport = [
  "accept-encoding",
  "accept-language",
  "connection",
  "content-length",
  "host",
  "sec-fetch-mode",
];

const exceptions = readFileSync(golden("capture_exceptions.txt"), "utf8")
  .split("\n")
  .map((line) => line.match(/^client (\S+) (header|bodyless-header|query|body) (\S+): .+$/))
  .filter(Boolean)
  .map(([, provider, kind, name]) => ({ provider, kind, name }));

// Each slug and base as the catalogue has it.
const catalog = Object.fromEntries(
  ["fal", "replicate", "runpod"].map((provider) => {
    const path = join(root, "catalog", `${provider}.json`);
    return [provider, JSON.parse(readFileSync(path, "utf8"))];
  }),
);
const slugOf = ({ provider, model }) =>
  catalog[provider].models.find(({ id }) => id === model).offers[0].slug;

const answers = {
  fal: { request_id: "019b", status: "IN_QUEUE" },
  replicate: { id: "h3s8", status: "starting", results: [] },
  runpod: { id: "eaeb-u1", status: "IN_QUEUE" },
};

// A server that notes the request and gives a fitting answer. The host that was meant is the first
// part of the path.
async function record(provider, send) {
  let seen;
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const { method, url, headers } = request;
      seen ??= { method, url, headers, body: Buffer.concat(parts).toString() };
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(answers[provider]));
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  await send(`http://127.0.0.1:${server.address().port}`);
  server.closeAllConnections();
  server.close();
  return seen;
}

const senders = {
  fal: (what) => (base) => {
    const fal = createFalClient({
      credentials: "{key:fal}",
      requestMiddleware: (request) =>
        Promise.resolve({ ...request, url: request.url.replace("https:/", base) }),
    });
    const requestId = what.id;
    const slug = slugOf(what);
    if (what.call === "submit")
      return fal.queue.submit(slug, {
        input: what.theirs,
        webhookUrl: what.hook ? hook : undefined,
      });
    if (what.call === "poll") return fal.queue.status(slug, { requestId });
    if (what.call === "result") return fal.queue.result(slug, { requestId });
    if (what.call === "stream")
      return fal.queue.streamStatus(slug, { requestId }).then((stream) => stream.done());
    return fal.queue.cancel(slug, { requestId });
  },
  replicate: (what) => (base) => {
    const replicate = new Replicate({
      auth: "{key:replicate}",
      baseUrl: `${base}/api.replicate.com/v1`,
    });
    if (what.call === "submit")
      return replicate.predictions.create({
        model: slugOf(what),
        input: what.theirs,
        ...(what.hook ? { webhook: hook, webhook_events_filter: ["start", "completed"] } : {}),
      });
    if (what.call === "poll") return replicate.predictions.get(what.id);
    if (what.call === "cancel") return replicate.predictions.cancel(what.id);
    return replicate.predictions.list();
  },
  runpod: (what) => (base) => {
    const options = { baseUrl: `${base}/api.runpod.ai/v2` };
    const endpoint = runpodSdk("{key:runpod}", options).endpoint("abc123");
    if (what.call === "submit")
      return endpoint.run({ input: what.theirs, ...(what.hook ? { webhook: hook } : {}) });
    if (what.call === "poll") return endpoint.status(what.id);
    if (what.call === "cancel") return endpoint.cancel(what.id);
    return endpoint.health();
  },
};

const sorted = (value) =>
  Array.isArray(value)
    ? value.map(sorted)
    : value && typeof value === "object"
      ? Object.fromEntries(
          Object.keys(value)
            .sort()
            .map((key) => [key, sorted(value[key])]),
        )
      : value;

// The request as capture_test.c writes ours.
function show(provider, seen) {
  const left = (kind, name) =>
    exceptions.some((e) => e.provider === provider && e.kind === kind && e.name === name);
  const url = new URL(`https:/${seen.url}`);
  const isEmpty = !seen.body || (seen.body === "{}" && left("body", "{}"));
  const lines = [`${seen.method} ${url.origin}${url.pathname}`];
  for (const [name, value] of [...url.searchParams].sort())
    if (!left("query", name)) lines.push(`query ${name}: ${value}`);
  for (const name of Object.keys(seen.headers).sort())
    if (
      !transport.includes(name) &&
      !left("header", name) &&
      !(isEmpty && left("bodyless-header", name))
    )
      lines.push(`${name}: ${seen.headers[name]}`);
  if (!isEmpty) {
    const body = JSON.parse(seen.body);
    for (const name of Object.keys(body)) if (left("body", name)) delete body[name];
    lines.push("", JSON.stringify(sorted(body)));
  }
  return lines;
}

const marked = (mark, lines) => lines.map((line) => `${mark} ${line}`.trimEnd());

test("the clients send what was recorded", async () => {
  const parts = [
    [
      "What the vendors' own clients send: written by tests/e2e/sdk_capture.test.mjs, of npm's",
      "replicate 1.4.0, @fal-ai/client 1.10.1 and runpod-sdk 1.1.2. In: the call, our input, and the",
      "same in the provider's words. Out: the request, without what capture_exceptions.txt names.",
    ],
  ];
  for (const what of cases) {
    const seen = await record(what.provider, senders[what.provider](what));
    const head = [what.provider, what.call, what.model];
    if (what.id) head.push(what.id);
    if (what.hook) head.push("hook");
    const input = what.ours ? [JSON.stringify(what.ours), JSON.stringify(what.theirs)] : [];
    parts.push([
      `# ${what.name}`,
      ...marked(">", [head.join(" "), ...input]),
      ...marked("<", show(what.provider, seen)),
    ]);
  }
  const text = `${parts.map((lines) => lines.join("\n")).join("\n\n")}\n`;
  if (process.env.GOLDEN_RENEW) writeFileSync(golden("capture.txt"), text);
  assert.equal(readFileSync(golden("capture.txt"), "utf8"), text);
});
