/* The same project gives the same digest wherever, by whomever and with whatever Node it is published. */

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { cacheDirectory } from "../../toolchain/hosts/envoy/index.js";
import {
  cleanEnvironment,
  cli,
  copyProject,
  filesIn,
  freshFolder,
  makeProject,
  startRegistry,
  type Running,
} from "./support.js";

export interface Variation {
  readonly name: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly umask?: string;
  readonly node?: string;
  readonly uid?: number;
}

/** Node of another major, from npm's package `node`; kept in the cache. */
function nodeOf(major: number): string {
  const folder = join(cacheDirectory(), "node", String(major));
  const binary = join(folder, "node_modules/node/bin/node");
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), "{}");
    execFileSync("npm", ["install", "--no-audit", "--no-fund", `node@${major}`], { cwd: folder, stdio: "ignore" });
  }
  return binary;
}

const folder = freshFolder();
const original = join(folder.path, "original");
let registry: Running;
let host = "";

before(async () => {
  await makeProject(original);
  ({ host, running: registry } = await startRegistry(join(folder.path, "registry")));
});
after(async () => {
  await registry?.stop();
  folder.remove();
});

let count = 0;
async function digestOf({ name, env, umask, node, uid }: Variation): Promise<string> {
  const dir = copyProject(original, join(folder.path, `copy of ${count++}`));
  if (uid !== undefined) {
    execFileSync("chmod", ["o+x", folder.path]);
    for (const path of ["", "assembly", "test", ...filesIn(dir)]) chownSync(join(dir, path), uid, uid);
  }
  const args = [cli, "publish", dir, `${host}/r:${count}`, "--json"];
  const command = `umask ${umask ?? "022"}; exec "$@"`;
  const child = spawn("sh", ["-c", command, "sh", node ?? process.execPath, ...args], {
    cwd: dir,
    env: cleanEnvironment({ HOME: dir, ...env }),
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let [out, error] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (out += data.toString()));
  child.stderr.on("data", (data: Buffer) => (error += data.toString()));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 0, `${name}: ${error}`);
  return (JSON.parse(out) as { digest: string }).digest;
}

let wanted = "";
test("in a folder", async () => {
  wanted = await digestOf({ name: "plain" });
});

const isRoot = process.getuid?.() === 0;
const variations: readonly (Variation & { readonly skip?: string | false })[] = [
  { name: "in another folder" },
  { name: "in another time zone and locale", env: { TZ: "Pacific/Kiritimati", LC_ALL: "tr_TR.UTF-8" } },
  { name: "with another umask", umask: "077" },
  { name: "by another user", uid: 65534, skip: !isRoot && "only root can become another user" },
];
for (const variation of variations) {
  test(variation.name, { skip: variation.skip ?? false }, async () => {
    assert.equal(await digestOf(variation), wanted);
  });
}
for (const major of [22, 24]) {
  test(`with Node ${major}`, async () => {
    const node = nodeOf(major);
    assert.match(execFileSync(node, ["--version"]).toString(), new RegExp(`^v${major}\\.`));
    assert.equal(await digestOf({ name: `Node ${major}`, node }), wanted);
  });
}
