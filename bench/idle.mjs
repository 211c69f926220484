// Ten thousand clients that keep their connection and say nothing: what they cost in memory.
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { startReel } from "./contestants.mjs";

const wanted = 10_000;
const request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

// Node raises its own limit to the hard one by itself.
function openFilesMax() {
  const line = readFileSync("/proc/self/limits", "utf8").match(/^Max open files\s+\S+\s+(\S+)/m);
  return line[1] === "unlimited" ? Infinity : Number(line[1]);
}

// A connection that has had one answer.
function open(port) {
  return new Promise((done, failed) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("error", failed);
    socket.on("connect", () => socket.write(request));
    socket.once("data", (data) => {
      if (data.toString("latin1").startsWith("HTTP/1.1 200")) done(socket);
      else failed(new Error(data.toString("latin1")));
    });
    socket.on("close", () => failed(new Error("the server closed an idle connection")));
  });
}

export async function idle(folder) {
  const count = Math.min(wanted, openFilesMax() - 200);
  const server = await startReel(folder, {
    REEL_SERVER_CONNECTIONS: "20000",
    REEL_SERVER_CONNECTIONS_PER_OPEN_ADDRESS: "20000",
  });
  const sockets = [];
  try {
    const before = server.reel.residentBytes();
    const port = Number(new URL(server.url).port);
    while (sockets.length < count)
      sockets.push(
        ...(await Promise.all(
          Array.from({ length: Math.min(200, count - sockets.length) }, () => open(port)),
        )),
      );
    return { count, before, after: server.reel.residentBytes() };
  } finally {
    for (const socket of sockets) socket.destroy();
    await server.stop();
  }
}
