// What becomes of a job when its provider misbehaves: for each case a real server and a provider of
// our own, with a ledger of what came. docs/faults.md is the table of these cases, and must say what
// happened: POSTs, how the job ended, with which error, what it counts as. UPDATE_DOCS=1 writes it.
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:http2";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { certificates } from "../certificates.mjs";
import * as faults from "../faults.mjs";
import { Reel, ask, build, root, sleep, temporaryFolder } from "../rig.mjs";
import { Vendor } from "../vendor.mjs";

const { MIB, bomb, changed, cut, drip, endless, json, links, named, page, raw, redirect, reset } = faults;
const { silent, taken, tenGigabytes, times } = faults;
const model = "kling2.5/turbo-pro/text-to-video";
const price = 0.35; // of one job of five seconds, in dollars
const folder = temporaryFolder("reel-faults-");
const documentation = join(root, "docs/faults.md");
const options = JSON.parse(readFileSync(join(build, "meson-info/intro-buildoptions.json"), "utf8"));
const isSanitized = options.some(({ name, value }) => name === "b_sanitize" && value !== "none");
// What a server may grow by: 32 MiB are read of an answer, and the sanitizer keeps what was freed.
const growth = (isSanitized ? 512 : 48) * MIB;

// The sanitized build gets more time, for each step and so for what is waited for.
const slowness = isSanitized ? 2 : 1;
const stretched = (count) => `${count * slowness}s`;
const tookTooLong = new RegExp(`127\\.0\\.0\\.1 took more than ${3 * slowness} s in all`);

const canary = { touched: [] };
let tls;

before(async () => {
  // The provider says no prices; here one has been agreed upon.
  const offer = {
    ...{ model, provider: "replicate", slug: "kwaivgi/kling-v2.5-turbo-pro" },
    mapping: { names: "snake_case" },
    price: { unit: "second", quantity: ["duration"], amount: "0.07" },
  };
  writeFileSync(join(folder, "prices.json"), JSON.stringify({ offers: [offer] }));
  tls = certificates(temporaryFolder("reel-certificates-"));
  // Nobody has any business here.
  canary.server = createServer((request, response) => {
    canary.touched.push(request.url);
    response.end("secret");
  });
  await new Promise((done) => canary.server.listen(0, "127.0.0.1", done));
  canary.origin = `http://127.0.0.1:${canary.server.address().port}`;
  canary.url = (path) => `${canary.origin}/${path}`;
});

after(() => {
  canary.server.close();
  rmSync(folder, { recursive: true });
  rmSync(join(tls.authorities, ".."), { recursive: true });
});

async function until(what, wanted, seconds = 30) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(50)) {
    const found = await wanted();
    if (found) return found;
  }
  throw new Error(`not in ${seconds} s: ${what}`);
}

/* ---------------------------------------------------------------- cases */

// { part, does, reel: the first columns of its row, faults, and what else a case wants: see run }
const cases = [];
const add = (part, does, reel, faulty, more = {}) => cases.push({ part, does, reel, faults: faulty, ...more });

{
  const submission = (...words) => add("submission", ...words);
  const isHeld = "uncertain: looks for it until `uncertain.hold`, then counts it as spent";
  const isFound = "uncertain: finds it in the provider's list";
  const uncertain = (note) => ({ notes: [/"to":"uncertain"/, note] });
  const lost = (does, fault, note, reel = isFound, more = {}) =>
    submission(does, reel, { submit: taken(fault) }, { ...uncertain(note), ...more });
  const held = (does, fault, note, reel = isHeld) => submission(does, reel, { submit: fault }, uncertain(note));

  lost("no answer within `providers.submitTimeout`", silent, tookTooLong);
  held("no answer, and its list never shows it", silent, tookTooLong);
  lost("a byte now and then", drip, tookTooLong);
  lost("a reset after the request was read", reset, /broke before its answer was complete/);
  lost("an end within the answer", cut, /broke before its answer was complete/);
  lost("200, not JSON", raw("}{"), /It answered 200, and not whether it took the job/);
  lost("200, half of a JSON text", raw('{"id": "p0", "sta'), /It answered 200,/);
  lost("200, empty", raw(""), /It answered 200,/);
  held("200, an error in JSON", json(200, { error: "Internal error", code: 500 }), /It answered 200,/);
  lost("200, a web page", page(200), /It answered 200,/);
  lost("502, a proxy's page", page(502), /It answered 502,/);
  held("500", json(500), /It is 500\./);
  held("409", json(409), /It is 409\./);
  lost("10 GB, with a Content-Length", endless(tenGigabytes), /more than the 1048576 bytes/);
  lost("10 GB, without one", endless(), /more than the 1048576 bytes/, isFound, { pours: MIB });
  lost("a gzip bomb of 1 GB", bomb, /more than the 1048576 bytes/);
  lost("headers without an end", faults.headers, /more than the \d+ bytes/);
  lost("HTTP/2's GOAWAY to a request in HTTP/1.1", faults.goaway, /broke before its answer was complete/);
  const isNotFollowed = `${isHeld}; the POST does not follow`;
  held("307 to another path of its own", redirect(() => "/v1/other/predictions", 307), /It answered 307,/, isNotFollowed);
  held("307 to loopback", redirect(() => canary.url("submission"), 307), /It answered 307,/, isNotFollowed);
  held("308 to 169.254.169.254", redirect(() => "http://169.254.169.254/", 308), /It answered 308,/, isNotFollowed);
  held("201, an id of 5,000 characters", named("p".repeat(5000)), /It answered 201,/);
  submission("201, the id of another job", isFound, { submit: (call) => call.number > 1 && taken(json(201, call.vendor.other))(call) }, {
    ...uncertain(/The answer names the id of another job/),
    before: async ({ reel, vendor }) => {
      const { jobId } = await reel.generate({ model, prompt: "another fox", duration: 5 });
      assert.equal((await reel.finished(jobId)).status, "completed");
      vendor.other = { id: [...vendor.predictions.keys()][0], status: "succeeded", output: [] };
    },
    earlier: 1,
  });
  const strange = "../../x\n%00?a=b#c";
  submission("201, the id `../../x⏎%00?a=b#c`", "asks for exactly that id", { submit: named(strange) }, {
    check: ({ story }) => assert.equal(story.attempts[0].remoteId, strange),
  });

  const isLater = "surely not accepted: tries again after a pause";
  const later = (does, headers, least) =>
    submission(does, isLater, { submit: times(1, raw("{}", headers, 429)) }, {
      check: ({ vendor: { calls } }) => assert.ok(calls.submit[1] - calls.submit[0] >= least, `${calls.submit}`),
      slow: true,
    });
  later("429", {}, 1000);
  later("429, `Retry-After: 3`", { "retry-after": "3" }, 2900);
  later("429, `Retry-After` with a date in 5 s", { "retry-after": () => new Date(Date.now() + 5000).toUTCString() }, 3900);
  later("429, `Retry-After` with a date in the past", { "retry-after": "Wed, 01 Jan 2025 00:00:00 GMT" }, 1000);
  later("429, `Retry-After: -5`", { "retry-after": "-5" }, 1000);
  // It would wait for long, and says so; an operator knows better.
  const resumed = (code, seconds) => ({
    meanwhile: async ({ reel, vendor, jobId }) => {
      const { waitingFor } = await until("it says what it waits for", async () => {
        const { body } = await reel.get(`/api/v1/generate/${jobId}`);
        return body.waitingFor && body;
      });
      assert.equal(waitingFor.code, code);
      const left = (Date.parse(waitingFor.until) - Date.now()) / 1000;
      assert.ok(left > seconds - 60 && left <= seconds, `${left} s`);
      await sleep(3000);
      assert.equal(vendor.calls.submit.length, 1);
      await reel.post("/api/v1/providers/replicate/resume", {});
    },
    slow: true,
  });
  submission("429, `Retry-After` of a year", "surely not accepted: leaves the provider alone for an hour, or until an operator resumes it",
    { submit: times(1, raw("{}", { "retry-after": "31536000" }, 429)) }, resumed("rate_limit", 3600));
  const isOurs = "surely not accepted: leaves the provider alone for 10 minutes, or until an operator resumes it";
  for (const [status, code] of [[401, "bad_key"], [402, "out_of_credit"], [403, "bad_key"]])
    submission(`${status}`, isOurs, { submit: times(1, json(status)) }, resumed(code, 600));
  for (const status of [400, 404, 422])
    submission(`${status}`, "refused: the next offer, or the end", { submit: json(status) }, { text: new RegExp(`It is ${status}`) });
}

{
  const search = (does, fault, reel = "searches again, and finds it") =>
    add("search", does, reel, { submit: taken(reset), find: fault }, { notes: [/"to":"uncertain"/], slow: true });
  const once = (does, fault, reel) => search(does, times(1, fault), reel);
  once("no answer within `providers.readTimeout`", silent);
  once("200, not JSON", raw("}{"));
  once("502, a proxy's page", page(502));
  once("10 GB, without a Content-Length", endless());
  const next = (url) => (call) => json(200, { results: [], next: url() })(call);
  once("a next page on loopback", next(() => canary.url("page")), "does not ask for it; searches again, and finds it");
  once("a redirect to loopback", redirect(() => canary.url("search")), "follows none; searches again, and finds it");
  const twins = ({ vendor, json: answer, view }) => {
    const [one] = vendor.predictions.values();
    answer(200, { results: [view(one), { ...view(one), id: "ptwin" }], next: null });
    return true;
  };
  search("two that look like it", twins, "guesses nothing: looks until `uncertain.hold`, then counts it as spent");
}

{
  const cancel = (does, fault, reel = "asks again; after 10 s the job is canceled, and its attempt followed to its end") =>
    add("cancel", does, reel, { cancel: fault }, {
      vendor: () => ({ takes: 600_000 }),
      meanwhile: async ({ reel: server, vendor, jobId }) => {
        await until("it is accepted", async () => vendor.predictions.size > 0 && (await server.get(`/api/v1/generate/${jobId}`)).body.state === "running");
        const { body } = await server.post(`/api/v1/generate/${jobId}/cancel`, {});
        assert.equal(body.receipt, "unconfirmed", JSON.stringify(body));
      },
      check: ({ vendor }) => assert.ok(vendor.calls.cancel.length >= 2),
      stays: true,
      slow: true,
    });
  cancel("no answer within `providers.readTimeout`", silent);
  cancel("502, a proxy's page", page(502));
  cancel("a redirect to loopback", redirect(() => canary.url("cancel"), 307));
}

{
  const poll = (...words) => add("poll", ...words);
  const again = "asks again";
  const twice = (does, fault, reel = again, more = {}) =>
    poll(does, reel, { poll: times(2, fault) }, { check: ({ vendor }) => assert.ok(vendor.calls.poll.length >= 3), ...more });
  twice("no answer within `providers.readTimeout`", silent);
  twice("a byte now and then", drip);
  twice("a reset", reset);
  twice("an end within the answer", cut);
  twice("200, not JSON", raw("}{"));
  twice("200, empty", raw(""));
  twice("200, an error in JSON", json(200, { error: "Internal error" }));
  twice("200, a web page", page(200));
  twice("502, a proxy's page", page(502));
  twice("10 GB, with a Content-Length", endless(tenGigabytes));
  twice("10 GB, without one", endless(), again, { pours: 2 * 32 * MIB });
  twice("a gzip bomb of 1 GB", bomb);
  twice("headers without an end", faults.headers);
  twice("JSON of 15 million values", faults.values);
  twice("a redirect to 169.254.169.254", redirect(() => "http://169.254.169.254/"), `${again}; follows none`);
  twice("a redirect to loopback", redirect(() => canary.url("poll")), `${again}; follows none`);
  twice("401", json(401));
  twice("429, `Retry-After: 4`", raw("{}", { "retry-after": "4" }, 429));
  twice("another job's prediction, done", changed((view) => Object.assign(view, { id: "pother", status: "succeeded", output: [canary.url("other")] })));
  const once = (does, fault) => poll(does, again, { poll: times(1, fault) }, { slow: true });
  once("404, for a while", json(404));
  once("a status that nobody knows", changed((view) => Object.assign(view, { status: "pondering", output: null })));
  const never = { poll: raw("}{"), cancel: raw("}{") };
  poll("nothing readable, ever", "asks on, to the deadline or the time-out and a day beyond", never, { stays: true, asks: { deadline: 9 * slowness } });
  poll("429, `Retry-After` of a year", "asks again within a third of the time for which the provider keeps its result",
    { ...never, poll: raw("{}", { "retry-after": "31536000" }, 429) },
    { stays: true, asks: { deadline: 12 * slowness }, check: ({ vendor }) => assert.ok(vendor.calls.poll.length <= 2) });
  poll("done, without a file", "the end", { poll: changed((view) => (view.output = null)) }, { text: /names no file/ });
}

{
  const file = (...words) => add("file", ...words);
  const again = "asks for a fresh link, and fetches it again";
  const twice = (does, fault) => file(does, again, { fetch: times(2, fault) }, { check: ({ vendor }) => assert.ok(vendor.calls.fetch.length >= 3) });
  twice("404", json(404));
  twice("502, a proxy's page", page(502));
  twice("a reset", reset);
  twice("an end within the file", cut);
  file("a byte now and then", `${again}: 1 KiB a second is the least, over 20 s`, { fetch: times(1, drip) }, { slow: true });
  const five = (does, fault, text) =>
    file(does, "the end after five links", { fetch: fault }, { slow: true, text, check: ({ vendor }) => assert.ok(vendor.calls.fetch.length >= 5) });
  five("404, each time", json(404), /its link has expired or is wrong \(404\)/);
  five("200, empty, each time", raw(""), /is an empty file/);
  five("redirects in a circle", redirect(() => "/files/moved.mp4"), /its server refused \(302\)/);
  file("200, a web page", "the end", { fetch: page(200) }, { text: /is a web page/ });
  file("10 GB, with a Content-Length", "the end; reads none of it", { fetch: endless(tenGigabytes) }, { text: /more than the 8 MB of local\.maxOutput/ });
  file("10 GB, without one", "the end; reads as much as `local.maxOutput`", { fetch: endless() }, { text: /more than the 8 MB/, pours: 8 * MIB });
  file("a gzip bomb of 1 GB", "the end; it is not unpacked", { fetch: bomb }, { text: /unknown type/ });
  file("a redirect on its own host", "follows, up to three", { fetch: times(3, redirect(() => "/files/moved.mp4")) });
  const forgoes = "fetches nothing: the end";
  const forbidden = { text: /it leads to an address that is forbidden/ };
  file("a redirect to 169.254.169.254", forgoes, { fetch: redirect(() => "http://169.254.169.254/latest/meta-data/") }, forbidden);
  file("a redirect to loopback", forgoes, { fetch: redirect(() => canary.url("file")) }, forbidden);
  for (const [does, link, text, ports] of [
    ["loopback", () => canary.url("link"), /127\.0\.0\.1 is a loopback address/, "*"],
    ["`localhost`", () => canary.url("link").replace("127.0.0.1", "localhost"), /localhost/, "*"],
    ["`[::1]`", () => "http://[::1]:80/", /::1 is a loopback address/],
    ["169.254.169.254", () => "http://169.254.169.254/latest/meta-data/", /is a link-local address/],
    ["10.0.0.1", () => "http://10.0.0.1/clip.mp4", /is a private address/],
    ["a port that is not allowed", () => "http://192.88.99.1:22/", /Port 22 is not allowed/],
    ["a place, with a user's name", () => "http://reel@example.com/clip.mp4", /must not hold a user name/],
  ])
    file(`a link to ${does}`, forgoes, { poll: links(link) }, { text, environment: () => ({ REEL_ALLOW_PORTS: ports }) });
  file("a link with `file:`", forgoes, { poll: links(() => "file:///etc/passwd") }, { text: /names no file/ });
  file("`data:` that is no base64", "the end", { poll: links(() => "data:video/mp4;base64,!!!!") }, { text: /no valid base64/ });
}

{
  const connection = (...words) => add("connection", ...words);
  const again = "asks again";
  const waits = "surely not accepted: tries again after a pause";
  const resetFirst = { connect: (socket, number) => number === 1 && socket.resetAndDestroy() };
  const secure = (key, more = () => ({})) => ({
    vendor: () => ({ tls: { ...tls[key], ...more() } }),
    environment: () => ({ REEL_NETWORK_AUTHORITIES: tls.authorities }),
  });
  const isWaiting = (why) => ({ asks: { deadline: 5 * slowness }, notes: [why] });
  const isInsecure = isWaiting(/No secure connection to 127\.0\.0\.1 could be made/);
  const accepted = async ({ reel, vendor, jobId }) => {
    await until("it is accepted", async () => vendor.predictions.size > 0 && (await reel.get(`/api/v1/generate/${jobId}`)).body.state === "running");
    await vendor.stop();
  };

  connection("it is down", waits, {}, { before: ({ vendor }) => vendor.stop(), ...isWaiting(/127\.0\.0\.1 could not be connected to/) });
  connection("it is down, and comes back", waits, {}, {
    before: ({ vendor }) => vendor.stop(),
    meanwhile: async ({ vendor }) => {
      await sleep(1500);
      await vendor.start(vendor.port);
    },
  });
  connection("it goes down once it has accepted, and comes back", again, {}, {
    vendor: () => ({ takes: 1000 }),
    meanwhile: async (context) => {
      await accepted(context);
      await sleep(7000);
      await context.vendor.start(context.vendor.port);
    },
  });
  const elsewhere = (url) => ({ environment: (vendor) => ({ REPLICATE_BASE_URL: url(vendor) }) });
  connection("its name is not found", waits, {}, {
    ...isWaiting(/api\.provider\.invalid could not be found/),
    ...elsewhere(() => "http://api.provider.invalid/v1"),
    asks: { deadline: 9 * slowness },
  });
  const secured = elsewhere(({ port }) => `https://127.0.0.1:${port}/v1`);
  connection("plain HTTP where TLS should be", waits, {}, { ...isInsecure, ...secured });
  connection("a TLS handshake that is never answered", waits, {}, {
    ...isWaiting(tookTooLong),
    ...secured,
    before: ({ vendor }) => vendor.server.on("clientError", () => {}),
  });
  connection("a reset in the TLS handshake", waits, resetFirst, secure("here"));
  connection("a certificate for another name", waits, {}, { ...secure("elsewhere"), ...isInsecure });
  connection("a certificate that has expired", waits, {}, { ...secure("past"), ...isInsecure });
  connection("a certificate that signed itself", waits, {}, { ...secure("alone"), ...isInsecure });
  connection("an authority that nobody believes", waits, {}, { ...secure("here"), environment: () => ({}), ...isInsecure });
  connection("an authority in `network.authorities`", "goes on", {}, secure("here"));
  connection("a certificate that has expired once it has accepted, and is renewed", again, {}, {
    ...secure("here"),
    meanwhile: async (context) => {
      await accepted(context);
      const { vendor } = context;
      const before = vendor.connections;
      vendor.tls = tls.past;
      await vendor.start(vendor.port);
      await until("a poll meets it", () => vendor.connections > before);
      await sleep(500);
      await vendor.stop();
      vendor.tls = tls.here;
      await vendor.start(vendor.port);
    },
  });
  connection("HTTP/2 or HTTP/1.1", "submits over HTTP/1.1, reads over HTTP/2", {}, {
    ...secure("here"),
    vendor: () => ({ tls: tls.here, two: "answers" }),
    check: async ({ vendor }) => {
      assert.deepEqual([...vendor.protocols].sort(), ["GET 2.0", "POST 1.1"]);
      assert.ok(vendor.connections <= 4, `${vendor.connections} connections`);
    },
  });
  connection("HTTP/2, where it refuses every stream, or HTTP/1.1", "reads over HTTP/1.1 after that", {}, {
    ...secure("here"),
    vendor: () => ({ tls: tls.here, two: "refuses" }),
    check: async ({ vendor }) => {
      assert.deepEqual([...vendor.protocols].sort(), ["GET 1.1", "GET 2.0", "POST 1.1"]);
      // It would have been refused.
      const session = connect(vendor.origin, { ca: readFileSync(tls.authorities) });
      const error = await new Promise((done) => session.request({ ":path": "/v1/predictions" }).on("error", done));
      session.destroy();
      assert.match(error.message, /REFUSED_STREAM/);
    },
  });
  connection("HTTP/2 alone", waits, {}, { ...secure("here", () => ({ ALPNProtocols: ["h2"] })), ...isInsecure });
}

/* ---------------------------------------------------------------- running them */

// A few servers start at once, or each would wait for all of them.
const starts = {
  lanes: [1, 2, 3, 4].map(() => Promise.resolve()),
  count: 0,
  next(start) {
    const lane = this.count++ % this.lanes.length;
    const started = this.lanes[lane].then(start);
    this.lanes[lane] = started.catch(() => {});
    return started;
  },
};

// before: with server and provider, ahead of the job; asks: more of the job; meanwhile: while it is
// on its way; notes: what its time line says; text: what its error says; pours: bytes that may be
// read of an answer; earlier: POSTs for other jobs; stays: its attempt outlives it.
async function run(one) {
  const vendor = await new Vendor({ takes: 200, ...one.vendor?.(), faults: one.faults }).start();
  const reel = new Reel({
    environment: {
      REPLICATE_API_TOKEN: "r8_secret",
      REPLICATE_BASE_URL: `${vendor.origin}/v1`,
      REEL_CATALOG_FOLDER: folder,
      REEL_PROVIDERS_SUBMIT_TIMEOUT: stretched(3),
      REEL_PROVIDERS_READ_TIMEOUT: stretched(3),
      REEL_UNCERTAIN_HOLD: stretched(12),
      REEL_LOCAL_WORKERS: "1",
      REEL_LOCAL_MAX_OUTPUT: "8MiB",
      ...one.environment?.(vendor),
    },
  });
  let watch;
  try {
    await starts.next(() => reel.start());
    const idle = reel.residentBytes();
    let most = idle;
    watch = setInterval(() => (most = Math.max(most, reel.exit ? 0 : reel.residentBytes())), 20);
    await one.before?.({ reel, vendor });
    const { jobId } = await reel.generate({ model, prompt: "a fox in the snow", duration: 5, ...one.asks });
    await one.meanwhile?.({ reel, vendor, jobId });
    const job = await reel.finished(jobId, 60);
    const { body: story } = await reel.get(`/api/v1/jobs/${jobId}/timeline`);
    const told = JSON.stringify([job, story]);
    for (const note of one.notes ?? []) assert.match(told, note);
    if (one.text) assert.match(job.error ?? "", one.text);
    await one.check?.({ reel, vendor, job, story });
    assert.ok(!`${told}${reel.log}`.includes("r8_secret"), "the key is told");
    // Nothing was begun beside an attempt that may have been accepted.
    const open = ask(reel.home, `SELECT * FROM attempts WHERE state <> 'refused' AND job = (SELECT max(job) FROM attempts)`);
    assert.ok(open.length <= 1, told);
    assert.equal((await reel.get("/readyz")).status, 200);
    assert.ok(most - idle <= growth, `it grew by ${(most - idle) / MIB} MiB`);
    assert.ok((vendor.poured ?? 0) <= (one.pours ?? 0) + 16 * MIB, `${vendor.poured} bytes were read`);
    // An attempt may have been under way when the job's own time was over.
    const usage = async () => (await reel.get("/api/v1/usage?groupBy=tenant")).body.total;
    if (!one.stays) await until("nothing is reserved", async () => (await usage()).reserved.amount === 0);
    return { job, usage: await usage(), posts: (vendor.calls.submit ?? []).length - (one.earlier ?? 0) };
  } catch (error) {
    error.message += `; the server's end: ${JSON.stringify(reel.exit)}, its log's: ${reel.log.slice(-5000)}`;
    throw error;
  } finally {
    clearInterval(watch);
    await reel.stop();
    await vendor.stop();
  }
}

function money({ spent, reserved }, one) {
  const jobs = (amount) => Math.round(amount.amount / price);
  const own = jobs(spent) - (one.earlier ?? 0);
  assert.ok(own + jobs(reserved) <= 1, "more than its price");
  return own ? "its price" : jobs(reserved) ? "its price, reserved" : "nothing";
}

const rows = new Map(); // of a case: its line in the documentation

// Those that take longest go first.
describe("faults", { concurrency: isSanitized ? 24 : 32 }, () => {
  for (const one of [...cases].sort((a, b) => (b.slow ?? 0) - (a.slow ?? 0)))
    test(`${one.part}: ${one.does}`, async () => {
      const { job, usage, posts } = await run(one);
      const error = job.errorCode ? `\`${job.errorCode}\`` : "–";
      rows.set(one, `| ${one.does} | ${one.reel} | ${posts} | ${job.status} | ${error} | ${money(usage, one)} |`);
    });
});

test("nobody came where nobody has any business", async () => {
  assert.deepEqual(canary.touched, []);
  await fetch(canary.url("control"));
  assert.deepEqual(canary.touched, ["/control"]);
});

// The rows of a part stand below its heading, after the two lines of the table's head.
test("docs/faults.md says what happened", () => {
  const headings = {
    ...{ submission: "Submitting", search: "Searching", poll: "Polling", cancel: "Canceling" },
    ...{ file: "Fetching the file", connection: "The connection" },
  };
  let text = readFileSync(documentation, "utf8");
  for (const [part, heading] of Object.entries(headings)) {
    const [before, rest] = text.split(`## ${heading}\n`);
    assert.ok(rest, `there is no heading "${heading}"`);
    const [, start, said] = rest.match(/^([\s\S]*?\n(?:\| --- )+\|\n)((?:\|.*\n)*)/);
    const happened = cases.filter((one) => one.part === part).map((one) => rows.get(one) ?? `| ${one.does} | failed |`);
    if (process.env.UPDATE_DOCS) text = `${before}## ${heading}\n${start}${happened.join("\n")}\n${rest.slice(start.length + said.length)}`;
    else assert.deepEqual(said.trimEnd().split("\n"), happened);
  }
  if (process.env.UPDATE_DOCS) writeFileSync(documentation, text);
});
