// One home after the other life: a server under strace, which kills it at a chosen system call of
// any of its threads; then the next, in the same home. What a kill destroys is memory; what the
// world sees changes by system calls alone, so "at any instruction" is "before one of these calls".
//
// The provider and the receiver of webhooks live on in the process of the rig, as the world would.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Reel, ask, sleep } from "../rig.mjs";
import { Receiver } from "../receiver.mjs";
import { Vendor } from "../vendor.mjs";

const model = "kling2.5/turbo-pro/text-to-video";
const lifeSeconds = 4, settleSeconds = 300;

const injection = (call, when) =>
  ["-f", "-qq", "-o", "/dev/null", "-e", `trace=${call}`, "-e", `inject=${call}:signal=SIGKILL:when=${when}`];

// Whether strace can trace here, and kills where it is told to: its --seccomp-bpf, which would be
// quicker, does not.
export function canKill() {
  return spawnSync("strace", [...injection("openat", 1), "true"]).signal === "SIGKILL";
}

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

// A server that strace follows. `before` are strace's own words.
class Traced extends Reel {
  constructor(options, before) {
    super(options);
    this.before = before;
  }

  command() {
    const [name, words] = super.command();
    return this.before ? ["strace", [...this.before, name, ...words]] : [name, words];
  }

  // Of the server, which strace started; undefined when it is gone.
  pid() {
    const { pid } = this.process;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")[0]) || undefined;
  }

  threads() {
    return readdirSync(`/proc/${this.pid()}/task`);
  }

  // A signal is for the server; strace ends with it.
  async kill(signal) {
    if (!this.before) return super.kill(signal);
    try {
      process.kill(this.pid(), signal);
    } catch {
      // it is gone already
    }
    return this.ended;
  }
}

export class Lane {
  constructor(random) {
    this.random = random;
    this.accepted = new Map(); // job id → { kind, prompt, key }
    this.kills = this.ends = this.lives = this.replays = 0;
    this.faults = [];
    this.workerless = 0; // jobs that lost three workers
    this.deeds = []; // of all lives
    this.number = 0;
  }

  async open() {
    this.vendor = await new Vendor({ takes: 60, callsBack: true }).start();
    this.receiver = await new Receiver().start();
    this.listen = `127.0.0.1:${await freePort()}`;
    this.reel = new Traced({ listen: this.listen });
    this.reel.environment = {
      REEL_LOG_LEVEL: "error", REEL_PUBLIC_URL: `http://${this.listen}`, REEL_LOCAL_WORKERS: "1",
      REEL_ALLOW_NETWORKS: "127.0.0.0/8", REEL_ALLOW_PORTS: "*", REPLICATE_API_TOKEN: "r8_secret", REPLICATE_BASE_URL: `${this.vendor.origin}/v1`,
    };
    return this;
  }

  // ---------------------------------------------------------------- a life

  #isDead() {
    return this.reel.exit !== null;
  }

  // Until it is answered 202, also by a later server: a client that does not give up.
  async #post(kind, body) {
    const key = `k${++this.number}-${kind}`;
    while (!this.closed) {
      try {
        const answer = await this.reel.post("/api/v1/generate", body, { "idempotency-key": key });
        if (answer.status === 202) {
          this.accepted.set(answer.body.jobId, { kind, prompt: body.prompt, key, body });
          return answer.body.jobId;
        }
        if (answer.status < 500 && answer.status !== 429) this.faults.push(`${kind}: ${answer.status} ${answer.text}`);
        if (answer.status < 500 && answer.status !== 429) return null;
      } catch {
        // it is dead, or it died
      }
      await sleep(20);
    }
    return null;
  }

  async #ends(id) {
    const end = Date.now() + lifeSeconds * 1000;
    while (!this.#isDead() && id && Date.now() < end) {
      const answer = await this.reel.get(`/api/v1/generate/${id}?wait=1`).catch(() => null);
      if (["completed", "failed", "canceled"].includes(answer?.body?.status)) return;
      if (!answer) await sleep(10);
    }
  }

  async #generate(kind, body) {
    const webhookUrl = this.receiver.url(`ok/${kind}`);
    const posted = this.#post(kind, { ...body, webhookUrl });
    const id = await Promise.race([posted, this.reel.ended.then(() => null)]);
    if (id && kind === "canceled") {
      await sleep(this.random() * 120);
      await this.reel.post(`/api/v1/generate/${id}/cancel`, {}).catch(() => null);
    }
    await this.#ends(id);
    return posted;
  }

  // The same request with the same key is the same job.
  async #replay() {
    const old = [...this.accepted].at(Math.floor(this.random() * this.accepted.size));
    if (!old) return;
    const [id, { key, body }] = old;
    const answer = await this.reel.post("/api/v1/generate", body, { "idempotency-key": key }).catch(() => null);
    if (answer?.status !== 202) return;
    this.replays++;
    if (answer.body.jobId !== id) this.faults.push(`the key ${key} made ${answer.body.jobId} after ${id}`);
  }

  // Several jobs of different kinds at once, until they have ended or the server is dead.
  async #live() {
    const n = ++this.lives;
    const prompt = `a fox of life ${n}`;
    const film = (text) => ({ model, prompt: text, duration: 5 });
    const deeds = [
      this.#generate("plain", film(prompt)),
      this.#generate("local", { model: "local/still", prompt, width: 256, height: 256 }),
      this.#replay(),
    ];
    if (n % 3 === 0) deeds.push(this.#generate("lost", film(`${prompt} whose answer is lost`)));
    if (n % 3 === 1) deeds.push(this.#generate("canceled", film(`${prompt} to be stopped`)));
    // What this life does not get answered is asked on into the next one, and belongs to it.
    this.deeds.push(...deeds);
    await Promise.race([Promise.all(deeds), this.reel.ended.then(() => sleep(5))]);
  }

  // Starts a server that dies at the n-th `call` of a thread of its own, and lives with it. True:
  // that call came.
  async kill({ call, when }) {
    this.reel.before = call ? injection(call, when) : null;
    try {
      await this.reel.start();
    } catch {
      this.kills++; // before it listened
      return true;
    }
    await (call ? this.#live() : Promise.race([this.#live(), sleep(this.random() * 400)]));
    const came = this.#isDead();
    if (came) this.kills++;
    else this.ends++;
    await this.reel.kill("SIGKILL").catch(() => {});
    await this.reel.ended;
    return came;
  }

  // A life in which strace only notes who calls what; gives the ids of the server's threads.
  async profile(log, calls) {
    this.reel.before = ["-f", "-qq", "-o", log, "-e", `trace=${calls.join(",")}`];
    await this.reel.start();
    await this.#live();
    const threads = this.reel.threads();
    await this.reel.kill("SIGTERM");
    return threads;
  }

  // ---------------------------------------------------------------- the oracle

  // Lets everything come to its end, and says what is wrong.
  async settle() {
    this.reel.before = null;
    await this.reel.start();
    await Promise.all(this.deeds);
    this.closed = true;
    const end = Date.now() + settleSeconds * 1000;
    const unended = new Set(this.accepted.keys());
    while (unended.size && Date.now() < end)
      for (const id of unended) {
        const { body } = await this.reel.get(`/api/v1/generate/${id}?wait=5`);
        if (["completed", "failed", "canceled"].includes(body?.status)) unended.delete(id);
      }
    for (const id of unended) this.faults.push(`${id} is stuck: ${(await this.reel.get(`/api/v1/jobs/${id}/timeline`)).text}`);
    await sleep(1500); // the last webhooks
    const exit = await this.reel.kill("SIGTERM");
    if (exit.status !== 0) this.faults.push(`SIGTERM ends it with ${JSON.stringify(exit)}`);
    this.#judge(unended);
    await this.vendor.stop();
    await this.receiver.stop();
    rmSync(this.reel.home, { recursive: true, force: true });
  }

  #judge(unended) {
    const home = this.reel.home;
    const rows = new Map(ask(home, "SELECT id, state, error_text FROM jobs").map((row) => [row.id, row]));
    const allowed = { plain: ["succeeded"], lost: ["succeeded"], local: ["succeeded"], canceled: ["canceled", "succeeded"] };
    for (const [id, { kind }] of this.accepted) {
      if (!rows.has(id)) this.faults.push(`${id} is lost`);
      else if (!unended.has(id) && !allowed[kind].includes(rows.get(id).state)) {
        // strace follows the workers too, and kills them: each job has three of them.
        const { state, error_text: text } = rows.get(id);
        if (kind === "local" && state === "failed" && /media worker/.test(text)) this.workerless++;
        else this.faults.push(`${id} (${kind}) is ${state}: ${text}`);
      }
      const calls = this.receiver.calls.filter((one) => one.headers["webhook-id"] === `msg_${id.slice(4)}_1`);
      if (!unended.has(id) && calls.length === 0) this.faults.push(`nobody was told of ${id}`);
      if (new Set(calls.map((one) => one.body.toString())).size > 1) this.faults.push(`${id} was told in two ways`);
    }
    const prompts = new Map();
    for (const { input } of this.vendor.predictions.values()) prompts.set(input.prompt, (prompts.get(input.prompt) ?? 0) + 1);
    for (const [prompt, count] of prompts) if (count > 1) this.faults.push(`"${prompt}" was bought ${count} times`);
    const known = ask(home, "SELECT remote_id FROM attempts WHERE remote_id <> ''").map((row) => row.remote_id);
    if (new Set(known).size !== known.length) this.faults.push("two attempts have one remote id");
    for (const row of ask(home, "SELECT j.id AS id, o.name AS name, o.size AS size FROM outputs o JOIN jobs j ON j.key = o.job")) {
      const path = join(home, "outputs", row.id, row.name);
      if (!existsSync(path) || statSync(path).size !== row.size) this.faults.push(`${row.id}: ${row.name} is not whole`);
    }
    const twice = ask(home, "SELECT job FROM attempts WHERE state = 'done' GROUP BY job HAVING count(*) > 1");
    if (twice.length) this.faults.push(`${twice.length} jobs were done twice`);
    if (ask(home, "PRAGMA quick_check")[0].quick_check !== "ok") this.faults.push("the store is broken");
  }
}
