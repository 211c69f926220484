// A canary: listens at every address of its namespace, at the ports where attackers like to knock,
// and prints a line for each that connects. canary.mjs NAME
import { createServer } from "node:net";
import { ports } from "./urls.mjs";

const name = process.argv[2];
let open = ports.length;
for (const port of ports) {
  createServer((socket) => {
    console.log(`touched ${name} ${socket.localAddress} ${port}`);
    socket.on("error", () => {});
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret");
  }).listen({ port, host: "::", ipv6Only: false }, () => {
    if (--open === 0) console.log("ready");
  });
}
