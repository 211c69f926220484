// A proxy on loopback that breaks connections: the first creates (POST) are passed on and then cut,
// so that the server has them and no client hears of it. What comes after them is passed through.
//
// The server stands still meanwhile: it finds the request and the connection's end together, however
// slow this machine is. An answer that a proxy had taken already would count as delivered.
import { connect, createServer } from "node:net";

export class Cutter {
  constructor(reel, cuts) {
    const { hostname, port } = new URL(reel.url);
    this.creates = 0;
    this.server = createServer((client) => {
      const server = connect(Number(port), hostname);
      const both = [client, server];
      for (const socket of both) {
        socket.on("error", () => {});
        socket.on("close", () => both.forEach((other) => other.destroy()));
      }
      server.pipe(client);
      const connected = new Promise((done) => server.on("connect", done));
      client.on("data", async (data) => {
        const isCreate = data.toString("latin1").startsWith("POST ");
        if (isCreate) this.creates++;
        if (!isCreate || this.creates > cuts) return server.write(data);
        await connected;
        reel.process.kill("SIGSTOP");
        await new Promise((done) => server.end(data, done));
        reel.process.kill("SIGCONT");
        client.destroy();
      });
    });
  }

  async start() {
    await new Promise((done) => this.server.listen(0, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  stop() {
    return new Promise((done) => this.server.close(done));
  }
}
