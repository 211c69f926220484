// reel and what is measured beside it, each started in a folder of its own on loopback ports that were
// free. All answer POST {a body of 400 bytes} with 202 and a jobId, and GET {a job's path} with JSON.
// No worker runs beside the peers, and reel's two jobs in flight never end: what is submitted waits.
//
// A contestant: { name, url, token, submitPath, statusPath(id), pids, memory() of its processes in
// bytes, count() of the jobs in its store, ids(n) of n waiting jobs by chance, fill(n) until so many
// wait, stop() }.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Reel, ask, root, sleep } from "../tests/rig.mjs";
import { answers, freePort, output, residentBytes, startNginx, wrk } from "./measure.mjs";

const here = join(root, "bench/peers");

function body(size) {
  const sentence = "A quiet harbour at dawn, fishing boats, mist over the water. ";
  const make = (prompt) =>
    JSON.stringify({ model: "local/still", width: 512, height: 512, prompt });
  return make(sentence.repeat(7).slice(0, size - make("").length));
}
export const requestBody = body(400);

// --------------------------------------------------------------- processes

// Starts a program whose words are only shown when it ends by itself.
export function start(command, args, options = {}) {
  let said = "";
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data) => (said = (said + data).slice(-4000)));
  const ended = new Promise((done) => child.on("close", done));
  let stopping = false;
  child.on("error", (error) => (said += error.message));
  ended.then((status) => {
    if (!stopping) console.error(`${command} ended (${status}): ${said}`);
  });
  const stop = async () => {
    stopping = true;
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(late);
  };
  return { pid: child.pid, stop };
}

// Snapshots are off: the append-only file is what keeps the jobs, and the snapshots would only cost.
export async function startRedis(folder, appendfsync) {
  const home = join(folder, `redis-${appendfsync}-${Math.random().toString(36).slice(2)}`);
  mkdirSync(home);
  const port = await freePort();
  const redis = start("redis-server", [
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", home, "--save", ""],
    ...["--appendonly", "yes", "--appendfsync", appendfsync, "--daemonize", "no"],
  ]);
  const cli = (...words) =>
    execFileSync("redis-cli", ["-p", String(port), ...words], {
      maxBuffer: 1 << 28,
      stdio: ["ignore", "pipe", "ignore"],
    })
      .toString()
      .trim();
  for (let tries = 0; ; tries++) {
    try {
      if (cli("PING") === "PONG") break;
    } catch (error) {
      if (tries === 100) throw error;
    }
    await sleep(50);
  }
  return { ...redis, url: `redis://127.0.0.1:${port}`, cli };
}

const some = (list, n) =>
  Array.from({ length: n }, () => list[Math.floor(Math.random() * list.length)]);

// ---------------------------------------------------------------- the five

export async function startBull(folder, appendfsync) {
  const redis = await startRedis(folder, appendfsync);
  const port = await freePort();
  const environment = { ...process.env, REDIS_URL: redis.url, NODE_ENV: "production" };
  const api = start("node", [join(here, "bullmq/api.mjs")], {
    env: { ...environment, PORT: String(port) },
  });
  const url = `http://127.0.0.1:${port}`;
  await answers(`${url}/generate/0`, "Hono + BullMQ");
  const waiting = () => Number(redis.cli("LLEN", "bull:generate:wait"));
  return {
    name: `Hono + BullMQ, ${appendfsync}`,
    url,
    submitPath: "/generate",
    statusPath: (id) => `/generate/${id}`,
    pids: [api.pid, redis.pid],
    memory: () => residentBytes([api.pid, redis.pid]),
    count: async () => waiting(),
    completed: () => Number(redis.cli("ZCARD", "bull:generate:completed")),
    ids: async (n) => some(redis.cli("LRANGE", "bull:generate:wait", "0", "-1").split("\n"), n),
    fill: async (n) => {
      const missing = n - waiting();
      if (missing > 0)
        await output("node", [join(here, "bullmq/fill.mjs")], {
          env: { ...environment, COUNT: String(missing), BODY: requestBody },
        });
    },
    work: (concurrency) =>
      start("node", [join(here, "bullmq/worker.mjs")], {
        env: { ...environment, CONCURRENCY: String(concurrency) },
      }),
    stop: async () => {
      await api.stop();
      await redis.stop();
    },
  };
}

export async function startCelery(folder) {
  const redis = await startRedis(folder, "always");
  const port = await freePort();
  const api = start(
    "uvicorn",
    ["--host", "127.0.0.1", "--port", String(port), "--no-access-log", "api:app"],
    {
      cwd: join(here, "celery"),
      env: { ...process.env, REDIS_URL: `${redis.url}/0`, PYTHONDONTWRITEBYTECODE: "1" },
    },
  );
  const url = `http://127.0.0.1:${port}`;
  await answers(`${url}/generate/0`, "FastAPI + Celery");
  return {
    name: "FastAPI + Celery, always",
    url,
    submitPath: "/generate",
    statusPath: (id) => `/generate/${id}`,
    pids: [api.pid, redis.pid],
    memory: () => residentBytes([api.pid, redis.pid]),
    count: async () => Number(redis.cli("LLEN", "celery")),
    stop: async () => {
      await api.stop();
      await redis.stop();
    },
  };
}

export async function startMemory(folder) {
  const port = await freePort();
  const api = start("node", [join(here, "memory/api.mjs")], {
    env: { ...process.env, PORT: String(port), NODE_ENV: "production" },
  });
  const url = `http://127.0.0.1:${port}`;
  await answers(`${url}/count`, "the in-memory queue");
  const get = async (path) => (await fetch(url + path)).json();
  const count = async () => (await get("/count")).count;
  return {
    name: "in-memory queue",
    url,
    submitPath: "/generate",
    statusPath: (id) => `/generate/${id}`,
    pids: [api.pid],
    memory: () => residentBytes([api.pid]),
    count,
    ids: async (n) => some(await get(`/ids?last=${await count()}`), n),
    fill: async (n) => {
      while ((await count()) < n)
        await wrk({ url, paths: ["/generate"], body: requestBody, seconds: 1, folder });
    },
    stop: () => api.stop(),
  };
}

export async function startCeiling(folder) {
  const nginx = await startNginx(folder);
  return {
    name: "nginx return 200",
    url: nginx.url,
    submitPath: "/",
    statusPath: (id) => `/generate/${id}`,
    pids: [nginx.pid],
    memory: () => residentBytes([nginx.pid]),
    stop: async () => nginx.stop(),
  };
}

// The environment is added to what keeps reel quiet.
export async function startReel(folder, environment = {}) {
  const reel = new Reel({
    environment: {
      REEL_LOCAL_PROGRAM: join(root, "tests/hold_worker.sh"),
      REEL_LOG_LEVEL: "error",
      REEL_LOCAL_WORKERS: "2",
      ...environment,
    },
  });
  await reel.start();
  await reel.ready();
  const count = async () => ask(reel.home, "SELECT count(*) AS n FROM jobs")[0].n;
  return {
    name: "reel",
    reel,
    url: reel.url,
    token: reel.token,
    submitPath: "/api/v1/generate",
    statusPath: (id) => `/api/v1/generate/${id}`,
    pids: [reel.process.pid],
    memory: () => reel.residentBytes(),
    count,
    ids: async (n) =>
      ask(
        reel.home,
        `SELECT id FROM jobs WHERE state = 'queued' ORDER BY random() LIMIT ${n}`,
      ).map(({ id }) => id),
    fill: async (n) => {
      const many = JSON.stringify({ ...JSON.parse(requestBody), count: 8 });
      while ((await count()) < n)
        await wrk({
          ...{ url: reel.url, token: reel.token, paths: ["/api/v1/generate"] },
          ...{ body: many, seconds: 1, folder },
        });
    },
    stop: () => reel.stop(),
  };
}

// ---------------------------------------------------------------- work that does nothing

// Compiles noop/noop_worker.c and gives the environment in which reel runs it.
export function noopEnvironment(folder, workers) {
  const program = join(folder, "noop-worker");
  execFileSync("cc", ["-O2", "-Wall", "-o", program, join(root, "bench/noop/noop_worker.c")]);
  return {
    REEL_LOCAL_PROGRAM: program,
    REEL_LOCAL_WORKERS: String(workers),
    REEL_LIMITS_IN_FLIGHT: String(4 * workers),
    REEL_CATALOG_FOLDER: join(root, "bench/noop/catalog"),
  };
}

// The value of a line of /metrics; 0 without it.
export async function metric(reel, name) {
  const { text } = await reel.get("/metrics");
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return line ? Number(line.slice(name.length + 1)) : 0;
}
