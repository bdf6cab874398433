import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { LogLevel } from "../types.js";
import { LISTENER_NAME, type JsonObject } from "./bootstrap.js";
import { EnvoyError, oneLine } from "./errors.js";
import { failureReason, LOG_FORMAT, parseLogLine, type EnvoyLogLine, type PluginIdentity } from "./log.js";

/** More is forgotten, oldest first: `meshwasm run` may run for days. */
const LOG_KEPT = 100_000;

/**
 * Ends Envoy and removes its directory when this Node process is gone, however it went: the guard's stdin is a pipe
 * from us, and the kernel closes it even after SIGKILL. A line on it means that all is done already.
 */
const GUARD = `trap '' HUP INT TERM
if read -r _; then exit 0; fi
n=0
while [ ! -s "$1/pid" ] && [ "$n" -lt 10 ]; do sleep 0.1; n=$((n+1)); done
pid=$(cat "$1/pid" 2>/dev/null)
if [ -n "$pid" ]; then
  kill -TERM "$pid" 2>/dev/null
  n=0
  while kill -0 "$pid" 2>/dev/null && [ "$n" -lt 30 ]; do sleep 0.1; n=$((n+1)); done
  kill -KILL "$pid" 2>/dev/null
fi
rm -rf -- "$1"`;
/** Leaves Envoy's pid where the guard finds it, even when we die before we could say it. */
const LAUNCH = `echo "$$" > "$0" && exec "$@"`;

export interface StartOptions {
  /** The Envoy binary. */
  readonly envoy: string;
  readonly bootstrap: JsonObject;
  /** A fresh directory (see `workDirectory`); the process owns it from now on and removes it. */
  readonly directory: string;
  /** Level of Envoy's `wasm` logger, which is also the level that the filter is told. Default "info". */
  readonly wasmLevel?: LogLevel;
  /** Level of all other loggers. Default "warn". */
  readonly level?: LogLevel;
  /** For the reason when a filter is refused. */
  readonly plugins?: readonly PluginIdentity[];
  /** Worker threads. Default 1. */
  readonly concurrency?: number;
  /** Default 30 seconds. */
  readonly timeoutMs?: number;
  readonly onLog?: (line: EnvoyLogLine) => void;
  /** Takes lines out of the log: those for which it gives true are neither kept nor given to onLog. */
  readonly divert?: (line: EnvoyLogLine) => boolean;
  /** Loggers that write at level info, besides "wasm". */
  readonly loggers?: readonly string[];
  /** How long an access log waits at most before it is written. Default: Envoy's 10 seconds. */
  readonly flushMs?: number;
  /** Keep this Node process alive while Envoy runs. Default false: a forgotten close() hangs no test run. */
  readonly keepAlive?: boolean;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A fresh private directory for one Envoy. */
export function workDirectory(): string {
  return mkdtempSync(join(tmpdir(), "meshwasm-envoy-"));
}

/** The arguments that every Envoy of ours gets. */
export function envoyArguments(
  config: string,
  level: LogLevel,
  wasmLevel: LogLevel,
  { concurrency = 1, loggers = [], flushMs }: Pick<StartOptions, "concurrency" | "loggers" | "flushMs"> = {},
): string[] {
  const components = [`wasm:${wasmLevel}`, ...loggers.map((name) => `${name}:info`)];
  return [
    ...["-c", config, "--disable-hot-restart", "--concurrency", String(concurrency), "--log-format", LOG_FORMAT],
    ...["--log-level", level, "--component-log-level", components.join(",")],
    ...(flushMs === undefined ? [] : ["--file-flush-interval-msec", String(flushMs)]),
  ];
}

/** Ends Envoy and removes its directory when this process is gone. */
function startGuard(directory: string): ChildProcess {
  const guard = spawn("/bin/sh", ["-c", GUARD, "meshwasm-guard", directory], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    cwd: "/",
  });
  guard.on("error", () => {});
  guard.stdin?.on("error", () => {});
  return guard;
}

/** A running Envoy. */
export class EnvoyProcess {
  readonly log: EnvoyLogLine[] = [];
  /** Resolved when the process has ended. */
  readonly exited: Promise<Exit>;
  #exit: Exit | null = null;
  #admin = "";
  #stopping: Promise<void> | null = null;
  readonly #guard: ChildProcess;

  /** Starts Envoy and waits until it is ready; rejects with the reason when it is not. */
  static async start(options: StartOptions): Promise<EnvoyProcess> {
    let running: EnvoyProcess;
    try {
      const config = join(options.directory, "bootstrap.json");
      writeFileSync(config, JSON.stringify(options.bootstrap));
      const args = envoyArguments(config, options.level ?? "warn", options.wasmLevel ?? "info", options);
      const admin = join(options.directory, "admin");
      // Before Envoy: there is no moment at which Envoy runs and nobody would end it.
      const guard = startGuard(options.directory);
      const envoy = [options.envoy, ...args, "--admin-address-path", admin];
      const child = spawn("/bin/sh", ["-c", LAUNCH, join(options.directory, "pid"), ...envoy], {
        stdio: ["ignore", "pipe", "pipe"],
        cwd: options.directory,
        // Own group: Ctrl-C goes to us alone, and we (or the guard) end Envoy.
        detached: true,
      });
      if (child.pid === undefined) {
        guard.stdin?.end("done\n");
        const error = await new Promise<Error>((resolve) => child.once("error", resolve));
        throw new EnvoyError(
          `Envoy cannot be started (${oneLine(error.message)}); check the file given by ENVOY_PATH.`,
        );
      }
      running = new EnvoyProcess(child, guard, options);
    } catch (error) {
      rmSync(options.directory, { recursive: true, force: true });
      throw error;
    }
    try {
      await running.#ready(options);
      return running;
    } catch (error) {
      await running.stop();
      throw error;
    }
  }

  private constructor(
    private readonly child: ChildProcess,
    guard: ChildProcess,
    private readonly options: StartOptions,
  ) {
    this.#guard = guard;
    for (const stream of [child.stdout, child.stderr]) this.#follow(stream as NodeJS.ReadableStream);
    this.exited = new Promise((resolve) => {
      // "close" comes after the last byte of both pipes.
      child.once("close", (code, signal) => {
        this.#exit = { code, signal };
        this.#guard.stdin?.end("done\n");
        rmSync(options.directory, { recursive: true, force: true });
        resolve(this.#exit);
      });
    });
    const streams = [child, child.stdout, child.stderr, this.#guard, this.#guard.stdin];
    const unref = (streams as unknown as { unref?: () => void }[]).slice(options.keepAlive ? 3 : 0);
    for (const stream of unref) stream.unref?.();
  }

  get pid(): number {
    return this.child.pid!;
  }

  get running(): boolean {
    return this.#exit === null;
  }

  get binary(): string {
    return this.options.envoy;
  }

  get wasmLevel(): LogLevel {
    return this.options.wasmLevel ?? "info";
  }

  get directory(): string {
    return this.options.directory;
  }

  /** "127.0.0.1:port" of the admin interface. */
  get adminAddress(): string {
    return this.#admin;
  }

  /** GET on the admin interface; changes want POST. */
  async get(path: string, method: "GET" | "POST" = "GET"): Promise<{ status: number; body: string }> {
    const [host, port] = this.#admin.split(":");
    const options = { host, port: Number(port), path, method, agent: false, timeout: 5000 };
    return new Promise((resolve, reject) => {
      const request = http.request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") });
        });
      });
      request.on("timeout", () =>
        request.destroy(new EnvoyError(`Envoy's admin interface did not answer ${path} within 5 s.`)),
      );
      request.on("error", reject);
      request.end();
    });
  }

  /** "127.0.0.1:port" that a listener really has. */
  async listenerAddress(name: string = LISTENER_NAME): Promise<string> {
    const { body } = await this.get("/listeners?format=json");
    const { listener_statuses = [] } = JSON.parse(body) as {
      listener_statuses?: {
        name: string;
        local_address: { socket_address: { address: string; port_value: number } };
      }[];
    };
    const found = listener_statuses.find((status) => status.name === name)?.local_address.socket_address;
    if (!found) throw new EnvoyError(`Envoy has no listener named ${name}.`);
    return `${found.address}:${found.port_value}`;
  }

  /** SIGTERM, after 3 seconds SIGKILL (a filter in an endless loop holds SIGTERM off); then the directory is gone too. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      if (this.#exit === null) {
        this.child.ref();
        this.child.kill("SIGTERM");
        const timer = setTimeout(() => this.child.kill("SIGKILL"), 3000);
        await this.exited;
        clearTimeout(timer);
      }
    })();
    return this.#stopping;
  }

  #follow(stream: NodeJS.ReadableStream): void {
    let rest = "";
    stream.setEncoding("utf8");
    const add = (text: string): void => {
      if (text === "") return;
      const line = parseLogLine(text);
      if (this.options.divert?.(line)) return;
      this.log.push(line);
      if (this.log.length > LOG_KEPT) this.log.splice(0, LOG_KEPT / 10);
      this.options.onLog?.(line);
    };
    stream.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(add);
    });
    stream.on("end", () => {
      add(rest);
      rest = "";
    });
    stream.on("error", () => {});
  }

  async #ready(options: StartOptions): Promise<void> {
    const deadline = Date.now() + (options.timeoutMs ?? 30_000);
    const file = join(options.directory, "admin");
    for (;;) {
      if (this.#exit !== null) throw this.#startError(this.#exit);
      if (Date.now() > deadline) {
        const reason = this.#reason();
        throw new EnvoyError(
          `Envoy was not ready within ${(options.timeoutMs ?? 30_000) / 1000} s${reason ? ` (${reason})` : ""}; look for an endless loop in the filter's start or configuration.`,
        );
      }
      if (this.#admin === "") {
        try {
          this.#admin = readFileSync(file, "utf8").trim();
        } catch {
          // Not written yet.
        }
      }
      if (this.#admin !== "") {
        try {
          if ((await this.get("/ready")).status === 200) return;
        } catch {
          // Not listening yet, or gone: the loop looks again.
        }
      }
      await sleep(10);
    }
  }

  #reason(): string | null {
    return failureReason(this.log, ...(this.options.plugins ?? []));
  }

  #startError(exit: Exit): EnvoyError {
    const reason = this.#reason();
    if (exit.signal !== null && exit.signal !== "SIGTERM") {
      return new EnvoyError(
        `Envoy crashed (${exit.signal}) while it started${reason ? `: ${reason}` : ""}; run \`meshwasm check\` on the module.`,
      );
    }
    return new EnvoyError(reason ?? `Envoy ended with exit code ${exit.code} before it was ready and gave no reason.`);
  }
}
