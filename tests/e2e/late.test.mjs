// Word that comes after an uncertain submission was given up, by a call back or by hand: the job stays
// failed, its output is kept all the same, and what it really cost takes the place of what was feared.
import assert from "node:assert/strict";
import { test, before, after } from "node:test";
import { Reel, sleep, ask } from "../rig.mjs";
import { Vendor } from "../vendor.mjs";

const model = "kling2.5/turbo-pro/text-to-video";
let vendor, reel;

before(async () => {
  vendor = await new Vendor().start();
  vendor.listHides = true;
  reel = await new Reel({
    environment: {
      REPLICATE_API_TOKEN: "r8_secret",
      REPLICATE_BASE_URL: `${vendor.origin}/v1`,
      REEL_UNCERTAIN_HOLD: "2s",
      REEL_PRICE_ASSUME: "2.50",
      PUBLIC_URL: "https://reel.example", // nobody reaches it: the test calls back itself
    },
  }).start();
});

after(async () => {
  await reel.kill("SIGTERM");
  await vendor.stop();
});

// A job that was given up, and what the provider knows of it.
async function givenUp(prompt) {
  const { jobId } = await reel.generate({ model, prompt, duration: 5 });
  const job = await reel.finished(jobId);
  assert.equal(job.errorCode, "submission_uncertain", JSON.stringify(job));
  assert.equal(job.lateOutputs, undefined);
  const [one] = vendor.of(prompt);
  return { id: jobId, one };
}

async function lateOutputs(id, seconds = 30) {
  for (const end = Date.now() + seconds * 1000; ; await sleep(100)) {
    const job = (await reel.get(`/api/v1/generate/${id}`)).body;
    if (job.lateOutputs) return job;
    assert.ok(Date.now() < end, `no late output: ${JSON.stringify((await reel.get(`/api/v1/jobs/${id}/timeline`)).body)}`);
  }
}

const callBack = (one, body) =>
  fetch(new URL(new URL(one.webhook).pathname, reel.url), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

const attempts = (id) =>
  ask(reel.home, `SELECT attempts.* FROM attempts JOIN jobs ON key = job WHERE id = '${id}'`);

// By the day, of now, and by the attempts: three ways to the same sum.
function spent() {
  const [{ days }] = ask(reel.home, "SELECT total(spent) AS days FROM spend WHERE day > 0");
  const [{ all, reserved }] = ask(reel.home, 'SELECT total(spent) AS "all", total(reserved) AS reserved FROM spend WHERE day = 0');
  const [{ settled }] = ask(reel.home, "SELECT total(settled) AS settled FROM attempts");
  assert.deepEqual([days, settled, reserved], [all, all, 0]);
  return all;
}

test("a call back after the end: the output is kept, and its cost settled once", async () => {
  const { id, one } = await givenUp("a late fox whose answer is lost");
  const before = spent();
  assert.equal(attempts(id)[0].settled, 2_500_000);
  assert.equal((await callBack(one, { id: one.id, status: "succeeded" })).status, 200);
  const job = await lateOutputs(id);
  assert.equal(job.status, "failed");
  assert.equal(job.errorCode, "submission_uncertain");
  const [output] = job.lateOutputs;
  assert.equal(output.contentType, "video/mp4");
  const { pathname, search } = new URL(output.url);
  const file = await fetch(new URL(pathname + search, reel.url));
  assert.equal((await file.arrayBuffer()).byteLength, output.fileSizeBytes);
  assert.deepEqual(attempts(id).map((row) => [row.state, row.remote_id]), [["done", one.id]]);
  assert.equal(spent(), before - 2_500_000 + attempts(id)[0].settled);
  assert.equal(vendor.of(one.input.prompt).length, 1);
  const { items } = (await reel.get(`/api/v1/jobs/${id}/timeline`)).body;
  assert.ok(items.some((entry) => entry.note?.includes(`word of ${one.id}`)), JSON.stringify(items));
});

test("a call that nobody confirms changes nothing", async () => {
  const { id, one } = await givenUp("a fox that is only called whose answer is lost");
  const before = spent();
  assert.equal((await callBack(one, { id: "p0xnobody", status: "succeeded" })).status, 200);
  for (const end = Date.now() + 10_000; !vendor.count(/GET .*p0xnobody/) && Date.now() < end; ) await sleep(50);
  assert.equal(vendor.count(/GET .*p0xnobody/), 1);
  // The word of another job's is not its own either.
  const other = await givenUp("another fox whose answer is lost");
  await callBack(other.one, { id: other.one.id, status: "succeeded" });
  await lateOutputs(other.id);
  await callBack(one, { id: other.one.id, status: "succeeded" });
  await sleep(1000);
  const job = (await reel.get(`/api/v1/generate/${id}`)).body;
  assert.equal(job.lateOutputs, undefined);
  assert.equal(attempts(id)[0].remote_id, "");
  // A restart looks once more, finds nobody to ask, and gives it up.
  await reel.kill("SIGKILL");
  await reel.start();
  for (const end = Date.now() + 150_000; attempts(id)[0].state !== "unknown" && Date.now() < end; ) await sleep(500);
  assert.equal(attempts(id)[0].state, "unknown");
  assert.equal(spent(), before + attempts(other.id)[0].settled);
});

test("somebody links what was given up, and it failed there: that is settled", async () => {
  const { id, one } = await givenUp("a fox that fails late whose answer is lost");
  const before = spent();
  const say = (words) => reel.post(`/api/v1/jobs/${id}/resolve`, words);
  assert.equal((await say({ action: "give_up" })).status, 409);
  assert.equal((await say({ action: "resubmit" })).status, 409);
  const linked = await say({ action: "link", remoteId: one.id });
  assert.equal(linked.status, 200, JSON.stringify(linked.body));
  assert.equal(linked.body.status, "failed");
  for (const end = Date.now() + 30_000; attempts(id)[0].state !== "failed" && Date.now() < end; ) await sleep(100);
  assert.equal(attempts(id)[0].state, "failed");
  assert.equal(spent(), before - 2_500_000 + attempts(id)[0].settled);
  assert.equal(one.end, "failed", "it was not canceled: it was wanted");
  assert.equal((await reel.get(`/api/v1/generate/${id}`)).body.errorCode, "submission_uncertain");
});

const ended = (one) => ({ id: one.id, status: "succeeded" });

async function isAccepted(id, number) {
  for (const end = Date.now() + 30_000; attempts(id)[number - 1]?.state !== "accepted"; await sleep(50))
    assert.ok(Date.now() < end, JSON.stringify(attempts(id)));
}

// The attempt is accepted, and what it makes is made.
async function isMade(id, number, slow = 1) {
  await isAccepted(id, number);
  await sleep(slow * (vendor.takes + 100));
}

test("sent again, and then there is word of the first: both are kept, and both are paid", async () => {
  const before = spent();
  const prompt = "a fox that is made twice whose first answer is lost";
  const { jobId } = await reel.generate({ model, prompt, duration: 5, onUncertain: "resubmit" });
  await isMade(jobId, 2);
  const [first, second] = vendor.of(prompt);
  await callBack(second, ended(second));
  const done = await reel.finished(jobId);
  assert.equal(done.status, "completed", JSON.stringify(done));
  assert.deepEqual(attempts(jobId).map((row) => [row.state, row.remote_id]), [["unknown", ""], ["done", second.id]]);
  assert.equal((await callBack(first, ended(first))).status, 200);
  const job = await lateOutputs(jobId);
  assert.equal(job.status, "completed");
  assert.deepEqual(job.result.outputs, done.result.outputs.map((output, n) => ({ ...output, url: job.result.outputs[n].url, thumbnailUrl: job.result.outputs[n].thumbnailUrl })));
  assert.equal(job.lateOutputs.length, 1);
  for (const output of [job.result, ...job.lateOutputs]) {
    const { pathname, search } = new URL(output.url);
    const file = await fetch(new URL(pathname + search, reel.url));
    assert.equal(file.status, 200, `${output.url}: ${file.status} ${file.status === 200 || await file.text()}`);
    assert.equal((await file.arrayBuffer()).byteLength, output.fileSizeBytes);
  }
  assert.match(job.lateOutputs[0].url, /\/output-2\.mp4/);
  const rows = attempts(jobId);
  assert.deepEqual(rows.map((row) => [row.state, row.remote_id]), [["done", first.id], ["done", second.id]]);
  assert.equal(spent(), before + rows[0].settled + rows[1].settled);
  assert.equal(Math.round(job.cost.amount * 1e6), rows[0].settled + rows[1].settled);
  assert.equal(vendor.of(prompt).length, 2);
});

test("word of the first while the second is at it: it waits for its turn, over a restart too", async () => {
  const prompt = "a slow fox that is made twice whose first answer is lost";
  const { jobId } = await reel.generate({ model, prompt, duration: 5, onUncertain: "resubmit" });
  await isAccepted(jobId, 2);
  const [first, second] = vendor.of(prompt);
  assert.equal((await callBack(first, ended(first))).status, 200);
  const named = () => ask(reel.home, `SELECT late, late_id FROM jobs WHERE id = '${jobId}'`)[0];
  for (const end = Date.now() + 10_000; !named().late; await sleep(50)) assert.ok(Date.now() < end);
  assert.deepEqual(named(), { late: 1, late_id: first.id });
  await reel.kill("SIGKILL");
  await reel.start();
  await isMade(jobId, 2, 5);
  await callBack(second, ended(second));
  const job = await lateOutputs(jobId);
  assert.equal(job.status, "completed");
  assert.deepEqual(attempts(jobId).map(({ state }) => state), ["done", "done"]);
  assert.equal(vendor.of(prompt).length, 2);
});

test("the clearest word is that which comes before it is sent again: then it is not", async () => {
  const prompt = "a fox that is made once whose first answer is lost";
  const { jobId } = await reel.generate({ model, prompt, duration: 5 });
  for (const end = Date.now() + 10_000; attempts(jobId)[0]?.state !== "uncertain"; await sleep(20))
    assert.ok(Date.now() < end);
  const resent = await reel.post(`/api/v1/jobs/${jobId}/resolve`, { action: "resubmit" });
  assert.equal(resent.status, 200, JSON.stringify(resent.body));
  const [first] = vendor.of(prompt);
  assert.equal((await callBack(first, ended(first))).status, 200);
  await isMade(jobId, 1);
  await callBack(first, ended(first));
  const job = await reel.finished(jobId);
  assert.equal(job.status, "completed", JSON.stringify(job));
  assert.equal(vendor.of(prompt).length, 1, "paid once");
  assert.deepEqual(attempts(jobId).map((row) => [row.state, row.remote_id]), [["done", first.id]]);
});

test("somebody knows what came of the first while the second is at it: by its number", async () => {
  const prompt = "a slow fox that somebody saw whose first answer is lost";
  const { jobId } = await reel.generate({ model, prompt, duration: 5, onUncertain: "resubmit" });
  await isAccepted(jobId, 2);
  const [first, second] = vendor.of(prompt);
  const say = (words) => reel.post(`/api/v1/jobs/${jobId}/resolve`, { action: "link", ...words });
  assert.equal((await say({ remoteId: first.id })).status, 409, "the second is not uncertain");
  assert.equal((await say({ remoteId: second.id, attempt: 1 })).status, 409, "it is the second's");
  assert.equal((await say({ remoteId: first.id, attempt: 3 })).status, 409, "there is no third");
  for (const attempt of [0, 1001, 1.5, "1", null]) {
    const { status, body } = await say({ remoteId: first.id, attempt });
    assert.equal(status, 400);
    assert.equal(body.details[0].field, "attempt", JSON.stringify(body));
  }
  assert.equal((await reel.post(`/api/v1/jobs/${jobId}/resolve`, { action: "give_up", attempt: 1 })).status, 400);
  const said = await say({ remoteId: first.id, attempt: 1 });
  assert.equal(said.status, 200, JSON.stringify(said.body));
  assert.equal(said.body.status, "processing");
  assert.equal((await say({ remoteId: first.id, attempt: 1 })).status, 409, "it was said before");
  await isMade(jobId, 2, 5);
  await callBack(second, ended(second));
  const job = await lateOutputs(jobId);
  assert.equal(job.status, "completed");
  assert.deepEqual(attempts(jobId).map((row) => [row.state, row.remote_id]), [["done", first.id], ["done", second.id]]);
  assert.equal(vendor.of(prompt).length, 2);
});
