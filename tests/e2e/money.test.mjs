// Budgets and usage, end to end: a real server, a provider of our own, and every cent accounted for.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, before, after } from "node:test";
import { Reel, sleep, ask, program, temporaryFolder } from "../rig.mjs";
import { Vendor } from "../vendor.mjs";
import { Receiver } from "../receiver.mjs";

const model = "kling2.5/turbo-pro/text-to-video";
const priceless = "kling2.1/master/text-to-video"; // nobody says what it costs
const catalog = temporaryFolder("reel-catalog-");
let vendor, reel, alerts;
let price; // of one job, in dollars

before(async () => {
  // The provider says no prices; here one has been agreed upon.
  const offer = {
    ...{ model, provider: "replicate", slug: "kwaivgi/kling-v2.5-turbo-pro" },
    mapping: { names: "snake_case" },
    price: { unit: "second", quantity: ["duration"], amount: "0.07" },
  };
  writeFileSync(join(catalog, "prices.json"), JSON.stringify({ offers: [offer] }));
  vendor = await new Vendor({ takes: 1500 }).start();
  alerts = await new Receiver().start();
  reel = await new Reel({ environment: environment() }).start();
  const ask = { model, prompt: "a fox", duration: 5, dryRun: true };
  const { body: quote } = await reel.post("/api/v1/generate", ask);
  price = quote.price.max;
  assert.ok(price > 0 && quote.budget === undefined);
});

after(async () => {
  await reel.stop();
  await vendor.stop();
  await alerts.stop();
  rmSync(catalog, { recursive: true });
});

const environment = (more = {}) => ({
  REPLICATE_API_TOKEN: "r8_secret",
  REPLICATE_BASE_URL: `${vendor.origin}/v1`,
  REEL_CATALOG_FOLDER: catalog,
  REEL_ALERTS_URL: alerts.url("ok/alerts"),
  ...more,
});

const micros = (dollars) => Math.round(dollars * 1e6);

const submit = (tenant, prompt, more = {}) =>
  reel.post(`/api/v1/generate?tenant=${tenant}`, { model, prompt, duration: 5, ...more });

async function finished(tenant, id) {
  for (let tries = 0; tries < 300; tries++) {
    const { body } = await reel.get(`/api/v1/generate/${id}?tenant=${tenant}&wait=2`);
    if (["completed", "failed", "canceled"].includes(body.status)) return body;
    await sleep(50);
  }
  throw new Error(`${id} does not end`);
}

async function until(what, wanted) {
  for (let tries = 0; tries < 200; tries++) {
    const found = await wanted();
    if (found) return found;
    await sleep(100);
  }
  throw new Error(`${what} does not come`);
}

async function budget(tenant, amount, period = "month") {
  const { status, body } = await reel.call("PUT", `/api/v1/tenants/${tenant}`, {
    budget: amount === null ? null : { amount, period },
  });
  assert.equal(status, 200, JSON.stringify(body));
}

// What the tenant has reserved and spent, in micro-dollars.
async function usage(tenant, query = "groupBy=tenant") {
  const { status, body } = await reel.get(`/api/v1/usage?tenant=${tenant}&${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  const { jobs, succeeded, failed, spent, reserved } = body.total;
  return { jobs, succeeded, failed, spent: micros(spent.amount), reserved: micros(reserved.amount) };
}

test("what a budget does not cover is refused, and what it covers reserved", async () => {
  await budget("acme", 2.5 * price);
  await budget("other", null);
  const one = await submit("acme", "a fox that runs");
  assert.equal(one.status, 202);
  const two = await submit("acme", "a fox that fails");
  assert.equal(two.status, 202);
  const three = await submit("acme", "a fox too many");
  assert.equal(three.status, 402);
  assert.equal(three.body.errorCode, "over_budget");
  assert.match(three.body.error, /budget of tenant acme is \$.* a month: \$0\.00 is spent and \$.* reserved/);
  assert.equal(vendor.asked.get("a fox too many"), undefined);
  assert.equal((await submit("other", "a fox of another")).status, 202);
  const now = await usage("acme");
  assert.equal(now.reserved, 2 * micros(price));
  const quote = await until("a new figure", async () => {
    const { body } = await submit("acme", "a fox", { dryRun: true });
    return micros(body.budget.reserved.amount) === 2 * micros(price) && body; // up to 50 ms later
  });
  assert.equal(micros(quote.budget.amount), micros(2.5 * price));
  assert.equal(micros(quote.budget.left.amount), micros(0.5 * price));
  assert.equal(micros(quote.price.max), micros(price));

  // The one is paid, the other is not billed by the second here, but was at work: it is.
  assert.equal((await finished("acme", one.body.jobId)).status, "completed");
  assert.equal((await finished("acme", two.body.jobId)).status, "failed");
  const paid = await usage("acme");
  const settled = ask(
    reel.home,
    `SELECT sum(settled) AS sum FROM attempts JOIN jobs ON key = job WHERE tenant = 'acme'`,
  );
  assert.equal(paid.reserved, 0);
  assert.equal(paid.spent, settled[0].sum);
  assert.ok(paid.spent >= micros(price));
  assert.deepEqual([paid.jobs, paid.succeeded, paid.failed], [2, 1, 1]);
});

test("a cancel releases what was not sent, and settles what was", async () => {
  await budget("studio", 10 * price, "day");
  const later = await submit("studio", "a fox tomorrow", { startAt: 3600 });
  assert.equal((await usage("studio")).reserved, micros(price));
  await reel.post(`/api/v1/generate/${later.body.jobId}/cancel?tenant=studio`, {});
  assert.deepEqual(await usage("studio"), { jobs: 1, succeeded: 0, failed: 0, spent: 0, reserved: 0 });
  const sent = await submit("studio", "a fox to be stopped");
  await until("its acceptance", () => vendor.of("a fox to be stopped").length);
  await until("its start", async () => {
    const { body } = await reel.get(`/api/v1/generate/${sent.body.jobId}?tenant=studio`);
    return body.status === "processing" && body.startedAt;
  });
  const answer = await reel.post(`/api/v1/generate/${sent.body.jobId}/cancel?tenant=studio`, {});
  assert.equal(answer.body.receipt, "stopped");
  const settled = ask(reel.home, "SELECT settled, reserved FROM attempts ORDER BY job DESC LIMIT 1");
  const now = await usage("studio");
  assert.equal(now.reserved, 0);
  assert.equal(now.spent, settled[0].settled);
  assert.equal(settled[0].reserved, micros(price));
});

test("the operator hears of 80 and of 100 percent", async () => {
  await budget("tight", price);
  assert.equal((await submit("tight", "a fox for all of it")).status, 202);
  const told = await until("the alert", async () =>
    alerts.calls.map((call) => JSON.parse(call.body)).find((alert) => alert.kind === "budget"),
  );
  assert.match(told.message, /The budget of tenant \w+, \$[\d.]+ a month, is used up/);
});

test("kill -9 keeps what is reserved and spent", async () => {
  await budget("lasting", 3 * price);
  const ids = [];
  for (const prompt of ["a fox before", "a fox whose answer is lost"])
    ids.push((await submit("lasting", prompt)).body.jobId);
  ids.push((await submit("lasting", "a fox much later", { startAt: 3600 })).body.jobId);
  assert.equal((await submit("lasting", "a fox too many")).status, 402);
  const was = await usage("lasting");
  await reel.kill("SIGKILL");
  await reel.start();
  const now = await usage("lasting");
  assert.equal(now.spent + now.reserved, was.spent + was.reserved);
  assert.equal((await submit("lasting", "a fox too many")).status, 402);
  assert.equal((await finished("lasting", ids[0])).status, "completed");
  assert.equal((await finished("lasting", ids[1])).status, "completed");
  await reel.kill("SIGKILL");
  await reel.start();
  assert.equal((await usage("lasting")).reserved, micros(price));
  await reel.post(`/api/v1/generate/${ids[2]}/cancel?tenant=lasting`, {});
  const end = await usage("lasting");
  assert.deepEqual([end.reserved, end.spent], [0, 2 * micros(price)]);
});

test("a key spends no more than it may, over restarts too", async () => {
  const wish = { name: "trial", tenant: "trials", spendLimit: 2.5 * price };
  const { body: key } = await reel.post("/api/v1/keys", wish);
  const authorization = `Bearer ${key.key}`;
  const post = (prompt) =>
    reel.post("/api/v1/generate", { model, prompt, duration: 5 }, { authorization });
  const ids = [];
  for (const prompt of ["a fox on trial", "a fox on trial, again"])
    ids.push((await post(prompt)).body.jobId);
  const refused = await post("a fox too many for its key");
  assert.equal(refused.status, 402);
  assert.equal(refused.body.errorCode, "over_budget");
  assert.match(refused.body.error, new RegExp(`spend limit of key ${key.id} is`));
  const other = await submit("trials", "a fox of another key");
  assert.equal(other.status, 202);
  await finished("trials", other.body.jobId);
  await reel.kill("SIGKILL");
  await reel.start();
  assert.equal((await post("a fox too many for its key")).status, 402);
  for (const id of ids) assert.equal((await finished("trials", id)).status, "completed");
  const { body: after } = await reel.get(`/api/v1/keys/${key.id}?tenant=trials`);
  assert.equal(micros(after.spent.amount), 2 * micros(price));
  assert.equal(after.reserved.amount, 0);
  assert.equal(vendor.of("a fox too many for its key").length, 0);
});

test("usage adds up to the cent, in every grouping, as JSON and as CSV", async () => {
  const settled = ask(reel.home, "SELECT sum(settled) AS sum FROM attempts WHERE ended_at > 0");
  for (const by of ["tenant", "model", "provider", "day"]) {
    const { body } = await reel.get(`/api/v1/usage?tenant=*&groupBy=${by}`);
    const sum = body.items.reduce((total, item) => total + micros(item.spent.amount), 0);
    assert.equal(sum, settled[0].sum, by);
    assert.equal(micros(body.total.spent.amount), sum);
    const csv = await reel.get(`/api/v1/usage?tenant=*&groupBy=${by}`, { accept: "text/csv" });
    assert.match(csv.headers.get("content-type"), /^text\/csv/);
    const [head, ...lines] = csv.text.trimEnd().split("\r\n");
    assert.equal(head, `${by},jobs,succeeded,failed,spent,reserved,currency`);
    assert.equal(lines.length, body.items.length);
    assert.equal(lines.reduce((total, line) => total + micros(Number(line.split(",")[4])), 0), sum);
  }
  const asked = await reel.get("/api/v1/usage?format=csv&groupBy=tenant&tenant=*");
  assert.match(asked.text, /^tenant,.*\r\nacme,2,1,1,/);
});

test("a tenant sees its own usage, and bad questions are refused", async () => {
  const { body: key } = await reel.post("/api/v1/keys", { tenant: "acme", scopes: ["read"] });
  const own = { authorization: `Bearer ${key.key}` };
  const { body } = await reel.get("/api/v1/usage?groupBy=tenant", own);
  assert.deepEqual(body.items.map((item) => item.tenant), ["acme"]);
  assert.equal((await reel.get("/api/v1/usage?tenant=studio", own)).status, 403);
  assert.equal((await reel.get("/api/v1/usage?tenant=*", own)).status, 403);
  for (const query of ["from=soon", "groupBy=week", "format=xml", "from=2020-01-01&to=2026-01-01"])
    assert.equal((await reel.get(`/api/v1/usage?${query}`)).status, 400, query);
  const run = (...words) =>
    spawnSync(program("reel"), ["usage", ...words, "--server", reel.url], {
      env: { PATH: process.env.PATH, AUTH_TOKEN: reel.token },
      encoding: "utf8",
    });
  assert.match(run("--by", "tenant", "--tenant", "*").stdout, /acme +2 +1 +1 +\$/);
  assert.match(run("--by", "tenant", "--tenant", "*", "--csv").stdout, /^tenant,jobs,.*\r\nacme,2/);
  assert.equal(JSON.parse(run("--json").stdout).groupBy, "day");
  assert.equal(run("--by", "week").status, 2);
});

test("an unknown price is refused to who has a budget, unless one is assumed", async () => {
  const body = { model: priceless, prompt: "a fox of unknown price", duration: 5 };
  const refused = await reel.post("/api/v1/generate?tenant=acme", body);
  assert.equal(refused.status, 402);
  assert.equal(refused.body.errorCode, "price_unknown");
  assert.match(refused.body.error, /price\.assume/);
  assert.equal((await reel.post("/api/v1/generate?tenant=other", body)).status, 202);
  await reel.kill("SIGTERM");
  reel.environment = environment({ REEL_PRICE_ASSUME: "0.000123" });
  await reel.start();
  await budget("careful", 1);
  const taken = await reel.post("/api/v1/generate?tenant=careful", { ...body, startAt: 3600 });
  assert.equal(taken.status, 202, taken.text);
  assert.equal((await usage("careful")).reserved, 123);
});

test("a provider's budget lets jobs wait, until there is room again", async () => {
  await reel.kill("SIGTERM");
  const spent = ask(reel.home, "SELECT sum(spent) AS sum FROM spend WHERE day = 0")[0].sum;
  const left = (spent + micros(1.5 * price)) / 1e6;
  const upTo = (dollars) => environment({ REEL_BUDGET_PROVIDERS: `replicate=${dollars.toFixed(6)}/total` });
  reel.environment = upTo(left);
  await reel.start();
  const first = (await submit("other", "a fox with room")).body.jobId;
  const second = (await submit("other", "a fox without")).body.jobId;
  const waits = await until("the reason", async () => {
    const { body } = await reel.get(`/api/v1/generate/${second}?tenant=other`);
    return body.waitingFor?.code === "budget" && body;
  });
  assert.equal(waits.status, "queued");
  assert.match(waits.waitingFor.message, /budget for replicate/);
  assert.equal((await finished("other", first)).status, "completed");
  await sleep(500);
  assert.equal(vendor.asked.get("a fox without"), undefined);
  await reel.kill("SIGTERM");
  reel.environment = upTo(left + price);
  await reel.start();
  assert.equal((await finished("other", second)).status, "completed");
  assert.equal(vendor.of("a fox without").length, 1);
});
