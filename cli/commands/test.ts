import { Option, type Command } from "commander";
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { constants } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { buildIfStale, packageRoot, readProject } from "../../toolchain/build/index.js";
import { readCases } from "../../toolchain/hosts/cases/read.js";
import { DEFAULT_VERSION, findEnvoy } from "../../toolchain/hosts/envoy/index.js";
import { CliError, note, step } from "../output.js";
import { inWholeSteps, untilStopped } from "../until-stopped.js";

/** What the tests get to end by themselves after Ctrl-C. */
const GRACE_MS = 2000;

const fromSource = import.meta.url.endsWith(".ts");
/** Makes tests of the case files; its place in the package when that is built, else its source. */
const CASE_RUNNER = join(packageRoot, fromSource ? "toolchain/hosts/cases/main.ts" : "dist/cases.js");
/** Shows the last exchange of a failing test. */
const REPORT = pathToFileURL(join(packageRoot, fromSource ? "toolchain/hosts/report.ts" : "dist/report.js")).href;

interface Options {
  host?: "emulator" | "envoy";
  envoyVersion?: string;
  envoyPath?: string;
}

export function addTest(program: Command): void {
  program
    .command("test")
    .description("run the project's tests on the emulator or on a real Envoy")
    .argument("[dir]", "the project's folder", ".")
    .addOption(new Option("--host <host>", "default MESHWASM_HOST, else emulator").choices(["emulator", "envoy"]))
    .option("--envoy-version <versions>", "one or more, separated by commas; implies --host envoy")
    .option("--envoy-path <file>", "Envoy binary; implies --host envoy")
    .action(async (dir: string, options: Options) => {
      if (options.host === "emulator" && (options.envoyVersion || options.envoyPath)) {
        throw new CliError("--host emulator does not go with --envoy-version or --envoy-path; leave one out", 2);
      }
      const project = readProject(dir);
      const tests = testFiles(join(project.dir, "test"), /\.test\.(ts|mts|js|mjs)$/);
      const cases = testFiles(join(project.dir, "test"), /\.case\.ya?ml$/);
      if (tests.length + cases.length === 0) {
        throw new CliError(`${dir} has no tests; write test/<name>.test.ts or test/<name>.case.yaml`);
      }
      // A mistake in one is told before anything runs.
      for (const file of cases) readCases(file);
      const files = cases.length > 0 ? [...tests, CASE_RUNNER] : tests;
      await step(`Building ${dir}`, () => inWholeSteps(() => buildIfStale(dir)));
      const onEnvoy = Boolean(options.envoyVersion || options.envoyPath);
      const host = options.host ?? (onEnvoy ? "envoy" : undefined) ?? process.env["MESHWASM_HOST"] ?? "emulator";
      const path = options.envoyPath ? { ENVOY_PATH: resolve(options.envoyPath) } : {};
      let failed = false;
      for (const version of options.envoyVersion?.split(",") ?? [undefined]) {
        if (host === "envoy") {
          // Found, or installed, before the tests: their own time limits do not fit a download.
          const wanted = version ?? (process.env["MESHWASM_ENVOY_VERSION"] || undefined);
          const envoy = await findEnvoy({
            ...(wanted ? { version: wanted } : {}),
            ...(options.envoyPath ? { path: options.envoyPath } : {}),
            onProgress: note,
          });
          note(`host: Envoy ${envoy.version ?? DEFAULT_VERSION}`);
        } else note(`host: ${host}`);
        const env = {
          ...process.env,
          ...path,
          MESHWASM_CASES: JSON.stringify(cases),
          MESHWASM_HOST: host,
          ...(version ? { MESHWASM_ENVOY_VERSION: version } : {}),
        };
        const code = await runTests(files, project.dir, env);
        if (typeof code === "string") {
          process.exitCode = 128 + constants.signals[code];
          return;
        }
        if (code !== 0) failed = true;
      }
      if (failed) process.exitCode = 1;
    });
}

function testFiles(dir: string, wanted: RegExp): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((name) => wanted.test(name) && !name.includes("node_modules"))
    .sort()
    .map((name) => join(dir, name));
}

/** Node's own test runner; its exit code, or the signal that we were told to end by. */
async function runTests(
  files: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<number | NodeJS.Signals> {
  const loader = import.meta.resolve("tsx");
  // A test runner started from within a test would hand its results to the outer one and report nothing.
  const { NODE_TEST_CONTEXT: _, ...rest } = env;
  let settle!: { done: (code: number) => void; fail: (error: Error) => void };
  const exited = new Promise<number>((done, fail) => (settle = { done, fail }));
  // Listens before there is a child: a signal that comes while it is forked would end us alone and leave it running.
  const ended = untilStopped(exited);
  const child = spawn(process.execPath, ["--import", loader, "--import", REPORT, "--test", ...files], {
    cwd,
    env: rest,
    stdio: ["ignore", "inherit", "inherit"],
    // Own group: the runner does not end a test file's process that is busy, so we end them all.
    detached: true,
  });
  child.once("error", settle.fail);
  child.once("exit", (code) => settle.done(code ?? 1));
  const end = await ended;
  if (typeof end === "number") return end;
  signalGroup(child.pid!, end);
  for (const late = Date.now() + GRACE_MS; Date.now() < late; await sleep(20)) {
    if (!signalGroup(child.pid!, 0)) return end;
  }
  signalGroup(child.pid!, "SIGKILL");
  await exited;
  return end;
}

/** False when all of the group has ended. */
function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-leader, signal);
  } catch {
    return false;
  }
}
