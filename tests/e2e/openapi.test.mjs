// GET /openapi.json: a valid OpenAPI document, and one that tells the truth: what a server answers
// and takes fits the schemas that it names.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { Reel } from "../rig.mjs";

let reel, document, fits;

before(async () => {
  reel = await new Reel().start();
  await reel.ready();
  const answer = await reel.get("/openapi.json");
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type"), /application\/json/);
  document = answer.body;
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema({ $id: "reel", ...document });
  fits = (pointer, value) => {
    const check = ajv.getSchema(`reel#${pointer}`);
    assert.ok(check, `there is no ${pointer}`);
    return check(value) ? null : ajv.errorsText(check.errors);
  };
});
after(async () => {
  if (reel) assert.equal((await reel.stop()).status, 0, reel.log.slice(-2000));
});

const escaped = (text) => text.replaceAll("~", "~0").replaceAll("/", "~1");
function check(method, path, answer) {
  const pointer = `/paths/${escaped(path)}/${method}/responses`;
  assert.ok(document.paths[path]?.[method]?.responses[answer.status], `${method} ${path} says nothing of ${answer.status}`);
  const fault = fits(`${pointer}/${answer.status}/content/application~1json/schema`, answer.body);
  assert.equal(fault, null, `${method} ${path}: ${fault}\n${answer.text}`);
}
const body = (value) => fits("/components/schemas/Generate", value);

test("it is valid OpenAPI 3.1", async () => {
  const found = await new Validator().validate(structuredClone(document));
  assert.ok(found.valid, JSON.stringify(found.errors)?.slice(0, 2000));
  assert.equal(document.openapi, "3.1.0");
  assert.ok(Object.keys(document.paths).length > 60);
});

test("what is answered fits it", async () => {
  const made = await reel.post("/api/v1/generate", { model: "local/still", prompt: "A gate", width: 256, height: 256 });
  check("post", "/api/v1/generate", made);
  check("post", "/api/v1/generate", await reel.post("/api/v1/generate", { model: "local/still", prompt: "A gate", dryRun: true }));
  const waits = await reel.generate({ model: "local/milestone", startAt: 3600 });
  check("get", "/api/v1/generate/{id}", await reel.get(`/api/v1/generate/${waits.jobId}`));
  check("patch", "/api/v1/generate/{id}", await reel.call("PATCH", `/api/v1/generate/${waits.jobId}`, { priority: "high" }));
  check("delete", "/api/v1/generate/{id}", await reel.call("DELETE", `/api/v1/generate/${waits.jobId}`));
  await reel.finished(made.body.jobId);
  for (const [path, id] of [["/api/v1/jobs/{id}", made.body.jobId], ["/api/v1/jobs/{id}/timeline", made.body.jobId], ["/api/v1/jobs/{id}/deliveries", made.body.jobId],
    ["/api/v1/jobs"], ["/api/v1/models"], ["/api/v1/stats"], ["/api/v1/keys"], ["/api/v1/tenants"], ["/api/v1/webhooks/secret"], ["/openapi.json"],
    ["/api/v1/models/{id}", "local/still"], ["/api/v1/tenants/{id}", "default"]])
    check("get", path, await reel.get(path.replace("{id}", id)));
  check("post", "/api/v1/keys", await reel.post("/api/v1/keys", { name: "one" }));
  check("put", "/api/v1/tenants/{id}", await reel.call("PUT", "/api/v1/tenants/acme", { tier: "pro" }));
  check("delete", "/api/v1/jobs/{id}", await reel.call("DELETE", `/api/v1/jobs/${made.body.jobId}`));
  const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==", "base64");
  check("post", "/api/v1/uploads", await reel.call("POST", "/api/v1/uploads", png, { "content-type": "image/png" }));
});

test("errors fit it", async () => {
  for (const answer of [await reel.get("/api/v1/jobs/gen_0"), await reel.post("/api/v1/generate", { model: "ltx2" }), await reel.call("PUT", "/api/v1/jobs")])
    assert.equal(fits("/components/responses/Error/content/application~1json/schema", answer.body), null, answer.text);
});

test("bodies that are taken fit it, and others do not", async () => {
  const still = { model: "local/still", prompt: "A gate" };
  for (const [value, good] of [
    [still, true],
    [{ ...still, width: 512, priority: "low", startAt: 5, metadata: { a: 1 } }, true],
    [{ ...still, width: 16 }, false],
    [{ ...still, priority: 101 }, false],
    [{ model: "local/still" }, false],
    [{ prompt: "A gate" }, false],
    [{ model: "nobody/s", prompt: "A gate" }, false],
    [{ model: "local/milestone" }, true],
  ]) {
    const { status } = await reel.post("/api/v1/generate", { ...value, dryRun: true });
    assert.equal(status === 200, good, JSON.stringify(value));
    assert.equal(body({ ...value, dryRun: true }) === null, good, `${JSON.stringify(value)}: ${body(value)}`);
  }
});

test("it is for who may read", async () => {
  assert.equal((await fetch(`${reel.url}/openapi.json`)).status, 401);
});
