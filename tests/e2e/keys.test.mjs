// Keys, tenants and rate limits against a real server: who may do what, and who sees whose.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Reel, ask, program, root, sleep } from "../rig.mjs";

const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAFElEQVR4nGP8z4APMOGVHbHSAEEsARNGcPkYAAAAAElFTkSuQmCC",
  "base64",
);
const still = { model: "local/still", prompt: "A lighthouse", width: 256, height: 256 };
let reel;

before(async () => {
  reel = await new Reel().start();
  await reel.ready();
});
after(async () => {
  const exit = await reel.stop();
  assert.equal(exit.status, 0, `the server ended so: ${reel.log.slice(-4000)}`);
});

// A key made by the operator, and ways to ask with it.
async function makeKey(body, server = reel) {
  const answer = await server.post("/api/v1/keys", body);
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

function as(key, server = reel) {
  const headers = { authorization: `Bearer ${key.key ?? key}` };
  return {
    get: (path) => server.call("GET", path, undefined, headers),
    post: (path, body = {}) => server.call("POST", path, body, headers),
    put: (path, body = {}) => server.call("PUT", path, body, headers),
    patch: (path, body = {}) => server.call("PATCH", path, body, headers),
    delete: (path) => server.call("DELETE", path, undefined, headers),
    call: (method, path, body) => server.call(method, path, body, headers),
  };
}

// A server of the test's own, which ends with it.
async function start(context, options) {
  const server = new Reel(options);
  context.after(() => server.stop());
  await server.start();
  return server.ready();
}

// An upload's id.
async function upload(key, server = reel) {
  const answer = await server.call("POST", "/api/v1/uploads", png, {
    authorization: `Bearer ${key.key}`,
    "content-type": "application/octet-stream",
  });
  assert.equal(answer.status, 201, answer.text);
  return { id: answer.body.url.replace("reel://", ""), headers: answer.headers };
}

// Every route of the built-in catalogue.
function routes() {
  const folder = join(root, "catalog");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => JSON.parse(readFileSync(join(folder, name), "utf8")).routes ?? []);
}

test("a key is shown once, kept as a digest, used, and revoked", async () => {
  const made = await makeKey({ name: "Studio", tenant: "acme", scopes: ["read", "generate"] });
  assert.match(made.key, /^reel_[0-9a-f]{64}$/);
  assert.match(made.id, /^key_[0-9a-z]{26}$/);
  assert.equal(made.prefix, made.key.slice(0, 13));
  assert.deepEqual(made.scopes, ["generate", "read"]);
  const acme = as(made);
  assert.equal((await acme.get("/api/v1/models")).status, 200);
  const { body } = await reel.get(`/api/v1/keys/${made.id}?tenant=acme`);
  assert.equal(body.status, "active");
  assert.ok(Date.now() - Date.parse(body.lastUsedAt) < 60_000);
  assert.ok(!JSON.stringify(body).includes(made.key));

  const rows = ask(reel.home, `SELECT hex(hash) AS hash, * FROM api_keys`);
  assert.ok(!JSON.stringify(rows).includes(made.key.slice(20)));
  assert.ok(!reel.log.includes(made.key.slice(20)), "no key in the log");

  const gone = await reel.call("DELETE", `/api/v1/keys/${made.id}?tenant=acme`);
  assert.equal(gone.body.status, "revoked");
  const again = await reel.call("DELETE", `/api/v1/keys/${made.id}?tenant=acme`);
  assert.equal(again.body.revokedAt, gone.body.revokedAt);
  const refused = await acme.get("/api/v1/models");
  assert.equal(refused.status, 401);
  assert.match(refused.body.error, /revoked/);
});

test("lastUsedAt is written down, but seldom", async () => {
  const made = await makeKey({ tenant: "seldom" });
  for (let n = 0; n < 20; n++) await as(made).get("/api/v1/models");
  await sleep(300);
  const [row] = ask(reel.home, `SELECT used_at FROM api_keys WHERE id = '${made.id}'`);
  assert.ok(row.used_at > 0);
  await as(made).get("/api/v1/models");
  await sleep(300);
  const [later] = ask(reel.home, `SELECT used_at FROM api_keys WHERE id = '${made.id}'`);
  assert.equal(later.used_at, row.used_at);
});

test("an expired key is told so", async () => {
  const made = await makeKey({ tenant: "acme", expiresAt: 1 });
  assert.equal((await as(made).get("/api/v1/models")).status, 200);
  await sleep(1100);
  const refused = await as(made).get("/api/v1/models");
  assert.equal(refused.status, 401);
  assert.match(refused.body.error, /expired/);
  assert.equal(refused.headers.get("www-authenticate"), 'Bearer realm="reel"');
});

test("every route is held to its scope", async () => {
  const all = ["generate", "read", "cancel", "priority", "metrics", "admin", "operator"];
  const { jobId } = await reel.generate(still);
  for (const route of routes()) {
    assert.ok(all.includes(route.scope), `${route.method} ${route.path} names a scope`);
    if (route.details?.public) continue; // everybody's
    const path = route.path.replace(/\{[^}]*\}/g, jobId);
    const others = all.filter((scope) => scope !== route.scope);
    const without = await makeKey({ scopes: others });
    const body = route.method === "GET" ? undefined : {};
    const refused = await as(without).call(route.method, path, body);
    assert.equal(refused.status, 403, `${route.method} ${path}: ${refused.text}`);
    // The providers' own protocols have their own words for it.
    const named = (answer) => answer.text.includes(JSON.stringify(`"${route.scope}"`).slice(1, -1));
    const isNative = ["native", "relay"].includes(route.dialect);
    if (isNative) assert.equal(refused.body.errorCode, "not_authorized");
    assert.ok(named(refused), refused.text);
    const just = await makeKey({ scopes: [route.scope] });
    const passed = await as(just).call(route.method, path, body);
    const barred = passed.status === 403 && named(passed);
    assert.ok(!barred && passed.status !== 401, `${route.method} ${path}: ${passed.text}`);
  }
});

test("what is another tenant's is not there, on every route", async () => {
  const own = ["generate", "read", "cancel", "priority", "admin"];
  const ann = await makeKey({ tenant: "ann", scopes: own });
  const eve = await makeKey({ tenant: "eve", scopes: own });
  const job = (await as(ann).post("/api/v1/generate", still)).body.jobId;
  const { id: uploads } = await upload(ann);
  const ids = { jobs: job, generate: job, keys: ann.id, tenants: "ann", uploads, providers: "fal" };
  let asked = 0;
  for (const route of routes()) {
    const kind = route.path.match(/^\/api\/v1\/(\w+)\/\{id\}/)?.[1];
    if (!kind) continue; // lists, and models, which are everybody's
    assert.ok(ids[kind], `this test does not know whose ${route.path} is`);
    const path = route.path.replace("{id}", ids[kind]);
    if (route.scope === "operator") {
      assert.equal((await as(eve).call(route.method, path, {})).status, 403);
      continue;
    }
    const bodies = { resolve: { action: "give_up" }, retry: {} };
    const words = bodies[route.action] ?? { priority: 1 };
    const body = ["GET", "DELETE"].includes(route.method) ? undefined : words;
    const answer = await as(eve).call(route.method, path, body);
    assert.equal(answer.status, 404, `${route.method} ${path}: ${answer.text}`);
    const nothing = await as(eve).call(
      route.method,
      route.path.replace("{id}", kind === "tenants" ? "nobody" : ids[kind].slice(0, -4) + "0000"),
      body,
    );
    assert.equal(nothing.status, 404);
    const plain = (text) => text.replace(/(gen|upl|key|req)_\w+|ann|nobody|"requestId":"[^"]*"/g, "");
    assert.equal(plain(answer.text), plain(nothing.text), "no difference to what is not there");
    asked++;
  }
  assert.ok(asked >= 10, `only ${asked} routes were asked`);

  // Nor in the words of the providers.
  const words = { model: "local/still", app: "local/still", endpoint: "local-still" };
  let vendors = 0;
  for (const route of routes()) {
    if (!["relay", "replicate", "fal", "runpod"].includes(route.dialect)) continue;
    if (!/\{id\}/.test(route.path)) continue;
    const id = /\/files\//.test(route.path) ? uploads : job;
    const path = route.path.replace(/\{(\w+)\*?\}/g, (_, name) => words[name] ?? id);
    const body = route.method === "GET" ? undefined : {};
    const answer = await as(eve).call(route.method, path, body);
    // With a key of one's own it takes a file of one's own, whoever the address names.
    const expected = path.startsWith("/fal/storage/files/") ? 415 : 404;
    assert.equal(answer.status, expected, `${route.method} ${path}: ${answer.text}`);
    vendors++;
  }
  assert.ok(vendors >= 20, `only ${vendors} routes of providers were asked`);
  for (const path of ["/v1/predictions", "/v2/local-still/requests"])
    assert.ok(!(await as(eve).get(path)).text.includes(job), path);

  // Not by a list, not as an input, not as a dependency, not by a key, not by a twin.
  for (const path of ["/api/v1/jobs", "/api/v1/keys"]) {
    const { body } = await as(eve).get(path);
    assert.ok(!JSON.stringify(body).includes(ids[path.split("/")[3]]), path);
    assert.equal((await as(eve).get(`${path}?tenant=ann`)).status, 403);
    assert.equal((await as(eve).get(`${path}?tenant=*`)).status, 403);
  }
  const tenants = (await as(eve).get("/api/v1/tenants")).body.items.map((item) => item.id);
  assert.deepEqual(tenants, ["eve"]);
  for (const id of [job, uploads]) {
    const input = { model: "local/kenburns", imageUrl: `reel://${id}` };
    assert.equal((await as(eve).post("/api/v1/generate", input)).status, 400, id);
  }
  const depends = await as(eve).post("/api/v1/generate", { ...still, dependsOn: [job] });
  assert.equal(depends.status, 400);
  assert.match(depends.body.error, /does not exist/);
  const keyed = { ...still, idempotencyKey: "the-same" };
  const first = await as(ann).post("/api/v1/generate", keyed);
  const second = await as(eve).post("/api/v1/generate", keyed);
  assert.equal(second.status, 202);
  assert.notEqual(first.body.jobId, second.body.jobId);
  assert.equal((await as(eve).get(`/api/v1/jobs/${second.body.jobId}`)).status, 200);
  assert.equal((await as(ann).get(`/api/v1/jobs/${second.body.jobId}`)).status, 404);
  const { body: stats } = await as(eve).get("/api/v1/stats");
  assert.ok(stats.activeOperations <= 1, "only eve's own");

  // The operator's key belongs to the tenant "default", and sees others only by their names.
  assert.equal((await reel.get(`/api/v1/jobs/${job}`)).status, 404);
  assert.equal((await reel.get(`/api/v1/jobs/${job}?tenant=ann`)).status, 200);
  assert.equal((await reel.get(`/api/v1/jobs/${job}?tenant=nobody`)).status, 404);
  const mixed = (await reel.get("/api/v1/jobs?tenant=*&limit=200")).body.items;
  const owners = new Set(mixed.map((item) => item.tenant));
  assert.ok(owners.has("ann") && owners.has("eve") && owners.has("default"));
  assert.equal((await reel.get(`/api/v1/jobs/${job}?tenant=*`)).status, 400);
});

test("files: by the key of their tenant, or by a link", async () => {
  const ann = await makeKey({ tenant: "ann" });
  const eve = await makeKey({ tenant: "eve" });
  const blind = await makeKey({ tenant: "ann", scopes: ["generate"] });
  const { jobId } = (await as(ann).post("/api/v1/generate", still)).body;
  let done;
  do done = (await as(ann).get(`/api/v1/jobs/${jobId}?wait=20`)).body;
  while (done.status !== "completed");
  const path = done.result.url.replace(reel.url, "");
  const plain = path.replace(/\?.*/, "");
  assert.equal((await as(ann).get(plain)).status, 200);
  assert.equal((await as(eve).get(plain)).status, 404);
  const seen = await as(blind).get(plain);
  assert.equal(seen.status, 403);
  assert.match(seen.body.error, /the scope "read"/);
  assert.equal((await reel.get(plain)).status, 404, "an operator says for whom");
  assert.equal((await reel.get(`${plain}?tenant=ann`)).status, 200);
  assert.equal((await as(eve).get(`${plain}?tenant=ann`)).status, 403);
  assert.equal((await as(eve).get(path)).status, 200, "the link opens it, whatever the key");
  assert.equal((await fetch(done.result.url)).status, 200);
  assert.equal((await fetch(reel.url + plain)).status, 403);
});

test("statistics tell a tenant of its own work, an operator of all", async (t) => {
  const server = await start(t, {
    environment: { REEL_LOCAL_PROGRAM: join(root, "tests/hold_worker.sh"), REEL_LOCAL_WORKERS: "2" },
  });
  const ann = as(await makeKey({ tenant: "ann" }, server), server);
  const eve = as(await makeKey({ tenant: "eve" }, server), server);
  const film = { model: "local/animatic", prompt: "Seven lamps", duration: 10 };
  assert.equal((await ann.post("/api/v1/generate", film)).status, 202);
  const active = async (key, query = "") =>
    (await key.get(`/api/v1/stats${query}`)).body.activeOperations;
  for (let tries = 0; tries < 100 && (await active(server)) === 0; tries++) await sleep(20);
  assert.equal(await active(server), 1);
  assert.equal(await active(ann), 1);
  assert.equal(await active(eve), 0);
  assert.equal(await active(server, "?tenant=eve"), 0);
  assert.equal(await active(server, "?tenant=default"), 0);
});

test("nobody gives away what they have not got", async () => {
  const admin = as(await makeKey({ tenant: "acme", scopes: ["read", "admin"] }));
  const child = await admin.post("/api/v1/keys", { scopes: ["read"] });
  assert.equal(child.status, 201);
  assert.equal(child.body.tenant, "acme");
  for (const body of [
    { scopes: ["read", "operator"] },
    { scopes: ["generate"] },
    {}, // generate, read, cancel
    { scopes: ["read"], tenant: "ann" },
  ])
    assert.equal((await admin.post("/api/v1/keys", body)).status, 403, JSON.stringify(body));
  assert.equal((await admin.put("/api/v1/tenants/acme", {})).status, 403);
  assert.equal((await admin.delete(`/api/v1/keys/${child.body.id}`)).status, 200);
  const { items } = (await admin.get("/api/v1/keys")).body;
  assert.ok(items.every((item) => item.tenant === "acme"));
});

test("keys are listed in pages, newest first", async () => {
  const made = [];
  for (let n = 0; n < 5; n++) made.push((await makeKey({ tenant: "pages", name: `${n}` })).id);
  const seen = [];
  let cursor = "";
  do {
    const { body } = await reel.get(`/api/v1/keys?tenant=pages&limit=2&cursor=${cursor}`);
    seen.push(...body.items.map((item) => item.id));
    cursor = body.nextCursor;
  } while (cursor);
  assert.deepEqual(seen, made.toReversed());
});

test("a priority above 50 needs a scope", async () => {
  const key = as(await makeKey({ tenant: "acme" }));
  assert.equal((await key.post("/api/v1/generate", { ...still, priority: 50 })).status, 202);
  const refused = await key.post("/api/v1/generate", { ...still, priority: 51 });
  assert.equal(refused.status, 403);
  assert.match(refused.body.error, /"priority"/);
  const later = await key.post("/api/v1/generate", { ...still, startAt: 600 });
  const path = `/api/v1/jobs/${later.body.jobId}`;
  assert.equal((await key.patch(path, { priority: 100 })).status, 403);
  assert.equal((await key.patch(path, { priority: 50 })).status, 200);
  const urgent = as(await makeKey({ tenant: "acme", scopes: ["generate", "priority", "read"] }));
  assert.equal((await urgent.patch(path, { priority: 100 })).status, 200);
  assert.equal((await key.post(`/api/v1/jobs/${later.body.jobId}/cancel`)).status, 200);
  assert.equal((await key.post(`/api/v1/jobs/${later.body.jobId}/retry`)).status, 403);
});

test("rates of a key: headers on every answer, 429 with Retry-After", async () => {
  const key = as(await makeKey({ tenant: "acme", requestsPerMinute: 5 }));
  for (let n = 0; n < 5; n++) {
    const path = ["/api/v1/models", "/api/v1/jobs/none", "/api/v1/jobs", "/api/v1/keys"][n % 4];
    const answer = await key.get(path);
    assert.notEqual(answer.status, 429);
    assert.equal(answer.headers.get("ratelimit-limit"), "5");
    assert.equal(answer.headers.get("ratelimit-remaining"), String(4 - n));
    assert.equal(answer.headers.get("ratelimit-policy"), "5;w=60");
    const reset = Number(answer.headers.get("ratelimit-reset"));
    assert.ok(reset > 12 * n && reset <= 12 * (n + 1), `${reset} s after ${n + 1} requests`);
  }
  const refused = await key.get("/api/v1/models");
  assert.equal(refused.status, 429);
  assert.equal(refused.body.errorCode, "rate_limited");
  assert.equal(refused.headers.get("ratelimit-remaining"), "0");
  const after = Number(refused.headers.get("retry-after"));
  assert.ok(after >= 1 && after <= 12, `${after} s`);
  assert.equal((await reel.get("/api/v1/models")).headers.get("ratelimit-limit"), null);
  // An upload is checked before and after its body, and counts once.
  const { headers } = await upload(await makeKey({ tenant: "acme", requestsPerMinute: 5 }));
  assert.equal(headers.get("ratelimit-remaining"), "4");
});

test("rates of a tenant are those of all its keys together", async () => {
  const put = await reel.call("PUT", "/api/v1/tenants/slow", { limits: { requestsPerMinute: 3 } });
  assert.equal(put.status, 200);
  const one = as(await makeKey({ tenant: "slow" }));
  const two = as(await makeKey({ tenant: "slow", requestsPerMinute: 100 }));
  const statuses = [];
  for (const key of [one, two, one, two]) statuses.push((await key.get("/api/v1/models")).status);
  assert.deepEqual(statuses, [200, 200, 200, 429]);
  await reel.call("PUT", "/api/v1/tenants/slow", {});
  assert.equal((await two.get("/api/v1/models")).headers.get("ratelimit-limit"), "100");
});

test("a tenant's limits hold at once and over a restart; its queue can be full", async (t) => {
  const home = await start(t);
  const settings = {
    tier: "pro",
    limits: { inFlight: 1, queued: 2, requestsPerMinute: 500 },
    budget: { amount: 25.5, period: "month" },
  };
  const wrong = await home.call("PUT", "/api/v1/tenants/acme", { tier: "gold" });
  assert.equal(wrong.status, 400);
  assert.match(wrong.body.details[0].allowed, /pro/);
  const put = await home.call("PUT", "/api/v1/tenants/acme", settings);
  assert.equal(put.status, 200, put.text);
  assert.equal(put.body.weight, 4);
  const key = await makeKey({ tenant: "acme" }, home);
  // The first may run; two wait: one for its time, one for the other.
  const wait = { ...still, startAt: 600 };
  assert.equal((await as(key, home).post("/api/v1/generate", wait)).status, 202);
  assert.equal((await as(key, home).post("/api/v1/generate", wait)).status, 202);
  const full = await as(key, home).post("/api/v1/generate", still);
  assert.equal(full.status, 429);
  assert.equal(full.body.errorCode, "rate_limited");
  assert.match(full.body.error, /tenant's queue is full: 2 jobs/);
  assert.ok(Number(full.headers.get("retry-after")) >= 1);
  assert.equal((await home.post("/api/v1/generate", still)).status, 202, "others may still");

  await home.kill("SIGKILL");
  await home.start();
  await home.ready();
  const { body } = await home.get("/api/v1/tenants/acme");
  assert.equal(body.tier, "pro");
  assert.deepEqual(body.limits, settings.limits);
  assert.deepEqual(body.budget, { amount: 25.5, currency: "USD", period: "month" });
  assert.equal((await as(key, home).post("/api/v1/generate", still)).status, 429);
  await home.call("PUT", "/api/v1/tenants/acme", { limits: { queued: 3 } });
  assert.equal((await as(key, home).post("/api/v1/generate", still)).status, 202);
});

test("the configuration's limits hold for tenants without their own", async (t) => {
  const server = await start(t, {
    environment: {
      REEL_LIMITS_QUEUE_PER_TENANT: "1",
      REEL_LIMITS_REQUESTS_PER_MINUTE: "50",
      REEL_TIERS: "tin=1,lead=9",
    },
  });
  const key = await makeKey({ tenant: "acme" }, server);
  const models = await as(key, server).get("/api/v1/models");
  assert.equal(models.headers.get("ratelimit-limit"), "50");
  const wait = { ...still, startAt: 600 };
  assert.equal((await as(key, server).post("/api/v1/generate", wait)).status, 202);
  assert.equal((await as(key, server).post("/api/v1/generate", wait)).status, 429);
  const { body } = await server.get("/api/v1/tenants/acme");
  assert.deepEqual(body.inForce, { inFlight: 0, queued: 1, requestsPerMinute: 50 });
  const lead = await server.call("PUT", "/api/v1/tenants/acme", { tier: "lead" });
  assert.equal(lead.body.weight, 9);
  const bad = new Reel({ environment: { REEL_TIERS: "tin=0" } });
  await assert.rejects(bad.start(), /tiers: \\"tin=0\\"|tiers: "tin=0"/);
});

test("two loops share keys and rates", async (t) => {
  const server = await start(t, { environment: { REEL_SERVER_LOOPS: "2" } });
  const key = await makeKey({ tenant: "acme", requestsPerMinute: 40 }, server);
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => as(key, server).get("/api/v1/stats")),
  );
  const good = answers.filter((answer) => answer.status === 200).length;
  assert.ok(good >= 40 && good <= 44, `${good} passed`); // a token comes back every 1.5 s
  await server.call("DELETE", `/api/v1/keys/${key.id}?tenant=acme`);
  const after = await Promise.all(
    Array.from({ length: 20 }, () => as(key, server).get("/api/v1/stats")),
  );
  assert.ok(after.every((answer) => answer.status === 401));
});

test("without a key: only on loopback, and then as the operator or whom a key names", async (t) => {
  const open = await start(t, { arguments: ["--no-auth"], environment: { AUTH_TOKEN: "" } });
  const bare = await fetch(`${open.url}/api/v1/keys`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ tenant: "acme" }),
  });
  assert.equal(bare.status, 201);
  const key = await bare.json();
  const { jobId } = (await as(key, open).post("/api/v1/generate", still)).body;
  assert.equal((await fetch(`${open.url}/api/v1/jobs/${jobId}`)).status, 404);
  assert.equal((await fetch(`${open.url}/api/v1/jobs/${jobId}?tenant=acme`)).status, 200);
  assert.equal((await as("anything", open).get("/api/v1/models")).status, 200);
  for (const listen of ["0.0.0.0:0", "[::]:0"]) {
    const refused = new Reel({
      arguments: ["--no-auth"],
      environment: { AUTH_TOKEN: "" },
      listen,
    });
    await assert.rejects(refused.start(), /only possible while listening on a loopback/);
  }
});

test("/metrics: from this machine, or with the scope", async () => {
  const metrics = as(await makeKey({ scopes: ["metrics"] }));
  const other = as(await makeKey({ scopes: ["read"] }));
  assert.equal((await fetch(`${reel.url}/metrics`)).status, 200);
  // What a proxy on this machine passes on does not come from this machine.
  const far = { "x-forwarded-for": "203.0.113.9" };
  assert.equal((await fetch(`${reel.url}/metrics`, { headers: far })).status, 401);
  const call = async (key, path) =>
    (
      await fetch(reel.url + path, {
        headers: { ...far, authorization: `Bearer ${key}` },
      })
    ).status;
  const [good, bad] = [
    await makeKey({ scopes: ["metrics"] }),
    await makeKey({ scopes: ["read"] }),
  ];
  assert.equal(await call(good.key, "/metrics"), 200);
  assert.equal(await call(bad.key, "/metrics"), 403);
  assert.equal((await metrics.get("/api/v1/models")).status, 403);
  assert.equal((await other.get("/api/v1/models")).status, 200);
});

test("files without signed links need the key", async (t) => {
  const server = await start(t, { environment: { REEL_OUTPUT_SIGNED: "false" } });
  const { jobId } = await server.generate(still);
  const { result } = await server.finished(jobId);
  assert.ok(!result.url.includes("signature"));
  assert.equal((await fetch(result.url)).status, 401);
  assert.equal((await fetch(result.url, { headers: server.headers() })).status, 200);
});

test("reel keys: with a server, and without one", async (t) => {
  const server = new Reel();
  t.after(() => server.stop());
  const run = (...words) => {
    const environment = { ...process.env, HOME: server.home };
    for (const name of ["AUTH_TOKEN", "REEL_SERVER", "REEL_HOME"]) delete environment[name];
    const { status, stdout, stderr } = spawnSync(program("reel"), ["keys", ...words], {
      env: { ...environment, AUTH_TOKEN: server.token },
      encoding: "utf8",
    });
    return { status, out: stdout, error: stderr };
  };
  // The first key, before the first start.
  const first = run("create", "--home", server.home, "--tenant", "acme", "--name", "First");
  assert.equal(first.status, 0, first.error);
  const key = first.out.trim();
  assert.match(key, /^reel_[0-9a-f]{64}$/);
  assert.match(first.error, /^key_\w{26} of tenant acme\./);
  const bad = run("create", "--home", server.home, "--tenant", "a/b", "--scope", "all");
  assert.equal(bad.status, 2);
  assert.match(bad.error, /tenant is "a\/b"/);
  const second = JSON.parse(
    run("create", "--home", server.home, "--json", "--expires", "90d", "--rate", "9").out,
  );
  assert.ok(Date.parse(second.expiresAt) - Date.now() > 89 * 86_400_000);

  await server.start();
  await server.ready();
  assert.equal((await as(key, server).get("/api/v1/models")).status, 200);
  const limited = await as(second, server).get("/api/v1/models");
  assert.equal(limited.headers.get("ratelimit-limit"), "9");

  // A home that a server holds is left to the server.
  const held = run("list", "--home", server.home, "--server", server.url);
  assert.equal(held.status, 0, held.error);
  assert.match(held.out, /First\s+acme\s+reel_\w{8}\s+generate,read,cancel\s+active/);
  const third = run("create", "--server", server.url, "--tenant", "acme", "--scope", "read,admin");
  assert.equal(third.status, 0, third.error);
  const id = held.out.match(/(key_\w+)\s+First/)[1];
  assert.equal(run("revoke", id, "--server", server.url).status, 0, "an operator names no tenant");
  assert.equal((await as(key, server).get("/api/v1/models")).status, 401);
  assert.equal(run("revoke", "key_00000000000010000000000007", "--server", server.url).status, 1);

  await server.kill("SIGTERM");
  const after = JSON.parse(run("list", "--home", server.home, "--json").out).items;
  assert.deepEqual(after.map((item) => item.status).sort(), ["active", "active", "revoked"]);
});
