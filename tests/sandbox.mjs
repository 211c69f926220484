// What the sandbox's tests share: canned files, scripts, and the ledger as another process reads it.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// A clip of a second and a picture, small, in the folder.
export function makeFiles(folder) {
  const source = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=5:d=1"];
  for (const rest of [
    ["-c:v", "libx264", "-pix_fmt", "yuv420p", join(folder, "clip.mp4")],
    ["-frames:v", "1", join(folder, "still.png")],
  ]) {
    const made = spawnSync("ffmpeg", [...source, ...rest]);
    if (made.status !== 0) throw new Error(String(made.stderr));
  }
}

// No rendering and no worker: every job ends well after so long.
export const canned = (ms) => [
  { match: { model: "zimage" }, fault: "canned", file: "still.png", ms },
  { fault: "canned", file: "clip.mp4", ms },
];

export function writeScript(folder, rules, seed = 7) {
  const path = join(folder, `script-${Math.random().toString(36).slice(2)}.json`);
  writeFileSync(path, JSON.stringify({ seed, rules }));
  return path;
}

// The accepted submissions, each with what became of it. A last line without its end is left out.
export function readLedger(home) {
  const path = join(home, "ledger.jsonl");
  const rows = new Map();
  if (!existsSync(path)) return [];
  for (const line of readFileSync(path, "utf8").split("\n").slice(0, -1)) {
    const { event, remoteId, ...rest } = JSON.parse(line);
    if (event === "accepted") rows.set(remoteId, { remoteId, ...rest });
    else rows.get(remoteId).became = rest.became;
  }
  return [...rows.values()];
}

// The gateway's job and attempt that a row belongs to, by where the sandbox calls back.
export function attemptOf(row) {
  const found = row.tag.match(/\/callbacks\/\w+\/(gen_\w+)\.(\d+)\./);
  return found && { job: found[1], attempt: Number(found[2]) };
}

export const models = [
  ["kling2.5/turbo-pro/text-to-video", { duration: 5 }],
  ["veo3/fast/text-to-video", { duration: 4 }],
  ["zimage", {}],
];
