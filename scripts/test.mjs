// Runs every test of the repository, or the files and folders that are named. Envoy is installed first: a test that finds
// none fails, it is never skipped.
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const run = (...args) => {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
};

run("scripts/build.mjs", "--if-stale");
run("dist/cli.js", "envoy", "install");

// The tests of filters and examples are run by test/e2e/projects.test.ts, on each host.
const folders = ["toolchain", "registry", "cli", "test"];
const named = process.argv.slice(2);
const files = (named.length ? named : folders)
  .flatMap((path) =>
    statSync(path).isDirectory() ? readdirSync(path, { recursive: true }).map((file) => `${path}/${file}`) : [path],
  )
  .filter((file) => file.endsWith(".test.ts") && !file.includes("node_modules") && !file.includes("/templates/"))
  .sort();
// Fast rooms first; two at a time, since most of them compile or start an Envoy.
run("--import", "tsx", "--test", "--test-concurrency=2", "--test-reporter=spec", ...files);
