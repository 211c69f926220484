// The rows of the smuggling table for a whole server: { name, statuses, bytes (a character a byte) }.
// What the table calls /hello and /echo are paths that a gateway has.
import { readFileSync } from "node:fs";

export function rowsFor(token) {
  const key = token ? `Authorization: Bearer ${token}\r\nContent-Type: application/json\r\n` : "";
  const words = {
    "<HOST>": "Host: a\r\n",
    "<GET>": "GET /healthz HTTP/1.1\r\nHost: a\r\n",
    "<POST>": `POST /api/v1/generate HTTP/1.1\r\nHost: a\r\n${key}`,
    "<SECOND>": "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "\\r": "\r",
    "\\n": "\n",
    "\\t": "\t",
    "\\\\": "\\",
  };
  return readFileSync(new URL("../../src/edge/intake_table.txt", import.meta.url), "latin1")
    .split("\n")
    .filter((line) => line && line[0] !== "#")
    .map((line) => {
      const [, statuses, name, bytes] = line.match(/^([\d ]+?) \| (.*?) \| (.*)$/);
      return {
        name,
        statuses: statuses.split(" ").map(Number),
        bytes: bytes
          .replaceAll("/hello", "/healthz")
          .replaceAll("POST /echo HTTP/1.0\\r\\n", `POST /api/v1/generate HTTP/1.0\r\n${key}`)
          .replaceAll("/echo", "/api/v1/generate")
          .replace(/<[A-Z]+>|\\x([0-9a-fA-F]{2})|\\./g, (all, digits) =>
            digits ? String.fromCharCode(parseInt(digits, 16)) : words[all] ?? all),
      };
    });
}
