// A hundred users who submit, look at their jobs and list them: at 200 requests a second between
// them, and as quickly as they get answers.
import { requestBody } from "./contestants.mjs";
import { wrk } from "./measure.mjs";

const users = 100;
const pace = 200; // requests a second of all of them

// Of ten requests three submit, six ask how a job stands, one lists. With `paced` a user thinks for
// a time between nothing and twice the mean.
function script(token, ids, paced) {
  const think = (2 * 1000 * users) / pace;
  return `math.randomseed(7)
local ids = { ${ids.map((id) => `"${id}"`).join(", ")} }
local plain = { ["Authorization"] = "Bearer ${token}" }
local json = { ["Authorization"] = "Bearer ${token}", ["Content-Type"] = "application/json" }
local submit, list, status
init = function()
  submit = wrk.format("POST", "/api/v1/generate", json, [==[${requestBody}]==])
  list = wrk.format("GET", "/api/v1/jobs?limit=20", plain)
  status = {}
  for n, id in ipairs(ids) do status[n] = wrk.format("GET", "/api/v1/generate/" .. id, plain) end
end
request = function()
  local die = math.random(10)
  if die <= 3 then return submit end
  if die <= 9 then return status[math.random(#status)] end
  return list
end
${paced ? `delay = function() return math.random(0, ${think}) end` : ""}`;
}

export async function load(folder, server, seconds) {
  const ids = await server.ids(200);
  const measure = async (paced) => ({
    ...(await wrk({
      ...{ folder, seconds, url: server.url, connections: users },
      script: script(server.token, ids, paced),
    })),
    resident: server.memory(),
  });
  return { paced: await measure(true), unbounded: await measure(false) };
}
