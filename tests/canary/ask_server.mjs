// Gives a server jobs whose imageUrl is a line of the input, JSON strings, and waits for their ends:
// ask_server.mjs URL TOKEN. Prints how many ended in which way, as JSON.
import { readFileSync } from "node:fs";

const [url, token] = process.argv.slice(2);
const lines = readFileSync(0, "utf8").trim().split("\n").map((line) => JSON.parse(line));
const ends = {};

async function call(method, path, body) {
  const answer = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

async function follow(imageUrl) {
  const asked = await call("POST", "/api/v1/generate", { model: "local/kenburns", imageUrl, duration: 1, width: 256, height: 256 });
  if (asked.status !== 202) return String(asked.status);
  for (;;) {
    const { body } = await call("GET", `/api/v1/generate/${asked.body.jobId}?wait=20`);
    if (body.status === "failed") return body.errorCode;
    if (body.status === "completed") return "completed";
  }
}

await Promise.all(Array.from({ length: 64 }, async () => {
  while (lines.length) {
    const end = await follow(lines.pop());
    ends[end] = (ends[end] ?? 0) + 1;
  }
}));
console.log(JSON.stringify(ends));
