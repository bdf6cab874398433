import { InvalidArgumentError, Option, type Command } from "commander";
import {
  buildIfStale,
  formatDiagnostics,
  inputsOf,
  readProject,
  type ModuleManifest,
  type Project,
} from "../../toolchain/build/index.js";
import {
  findEnvoy,
  parseCluster,
  parseUpstream,
  runEnvoy,
  type EnvoyLogLine,
  type Neighbour,
  type RunningEnvoy,
} from "../../toolchain/hosts/envoy/index.js";
import { protocolOf } from "../../toolchain/hosts/create.js";
import { Traps } from "../../toolchain/hosts/traps.js";
import type { LogLevel } from "../../toolchain/hosts/types.js";
import { readConfigFile } from "../config-file.js";
import { checkConfig } from "../config-verdict.js";
import { isLibraryName, libraryFiles, prepareLibrary } from "../image/library.js";
import { CliError, note, print, step } from "../output.js";
import { Builder } from "../run/builder.js";
import { Page } from "../run/page.js";
import { formatTraffic, trafficOf } from "../run/traffic.js";
import { watch } from "../run/watch.js";
import { inWholeSteps, untilStopped } from "../until-stopped.js";
import { port } from "./registry.js";

interface Options {
  config?: string;
  port?: number;
  upstream?: string;
  cluster?: Record<string, string>;
  before?: Record<string, string>;
  watch?: boolean;
  page?: number;
  envoyVersion?: string;
  envoyPath?: string;
  logLevel: LogLevel;
}

export function addRun(program: Command): void {
  program
    .command("run")
    .description("start a real Envoy with the filter in front of an upstream, until Ctrl-C")
    .argument("[dir]", "the project's folder, or a name of the library", ".")
    .option("--config <file>", "plugin configuration, JSON or YAML")
    .option("--port <port>", "port of the proxy; default a free one", port)
    .option(
      "--upstream <url>",
      "http(s)://host:port, for a TCP filter tcp://host:port; default an upstream that echoes",
    )
    .option("--cluster <name=url>", "where a cluster is that the filter calls; may be repeated", clusterAt)
    .option("--before <filter=file>", "a filter in front of it, with its configuration; may be repeated", filterBefore)
    .option("--watch", "rebuild and reload when a file changes; log each request before and behind the filter; a page")
    .option("--page <port>", "with --watch: port of the page; default a free one", port)
    .option("--envoy-version <version>", "Envoy to use")
    .option("--envoy-path <file>", "Envoy binary to use")
    .addOption(
      new Option("--log-level <level>", "smallest level of the filter's logs")
        .choices(["trace", "debug", "info", "warn", "error", "critical"])
        .default("info"),
    )
    .action(run);
}

/** A project, built; or a filter of the library. */
async function subject(dir: string): Promise<{ name: string; wasm: string; manifest: ModuleManifest }> {
  if (isLibraryName(dir)) {
    const { manifest } = await prepareLibrary(dir);
    return { name: dir, wasm: libraryFiles(dir).module, manifest };
  }
  const { name } = readProject(dir);
  return { name, ...(await step(`Building ${dir}`, () => inWholeSteps(() => buildIfStale(dir)))) };
}

function clusterAt(text: string, before: Record<string, string> = {}): Record<string, string> {
  const equals = text.lastIndexOf("=");
  if (equals < 1) throw new InvalidArgumentError("give name=http://host:port");
  const [name, url] = [text.slice(0, equals), text.slice(equals + 1)];
  parseCluster(name, url);
  return { ...before, [name]: url };
}

function filterBefore(text: string, before: Record<string, string> = {}): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1 || equals === text.length - 1)
    throw new InvalidArgumentError("give a project or name of the library=file");
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}

/** What stands in front of the filter. */
async function neighbours(options: Options): Promise<Neighbour[]> {
  const list: Neighbour[] = [];
  for (const [dir, file] of Object.entries(options.before ?? {})) {
    const config = readConfigFile(file);
    const { name, wasm, manifest } = await subject(dir);
    if (protocolOf(wasm) === "tcp") throw new CliError(`--before ${dir}: it is a TCP filter`, 2);
    await checkConfig(wasm, config, file);
    list.push({ module: wasm, name, config, allowOnHeadersStopIteration: manifest.bodyMode === "hold" });
  }
  return list;
}

async function run(dir: string, options: Options): Promise<void> {
  if (options.page !== undefined && !options.watch) throw new CliError("--page goes with --watch", 2);
  if (options.upstream !== undefined) checkUpstream(options.upstream);
  const config = options.config === undefined ? undefined : readConfigFile(options.config);
  const { name, wasm, manifest } = await subject(dir);
  if (options.watch && isLibraryName(dir)) throw new CliError("--watch is for a project's folder", 2);
  if (config) await checkConfig(wasm, config, options.config!);
  const before = await neighbours(options);
  const envoy = await findEnvoy({
    ...(options.envoyVersion ? { version: options.envoyVersion } : {}),
    ...(options.envoyPath ? { path: options.envoyPath } : {}),
    onProgress: note,
  });
  const state = { name, proxy: "", digest: manifest.digest, reloads: 0, problem: null };
  const page = options.watch ? await Page.start(options.page ?? 0, state) : null;
  const log = new Log(wasm, page);
  const protocol = protocolOf(wasm);
  let running: RunningEnvoy;
  try {
    running = await step(`Starting Envoy ${envoy.version}`, () =>
      // A signal between the start of Envoy and that of its guard would leave Envoy behind.
      inWholeSteps(() =>
        runEnvoy({
          module: wasm,
          name,
          protocol,
          allowOnHeadersStopIteration: manifest.bodyMode === "hold",
          ...(config ? { config } : {}),
          ...(options.port === undefined ? {} : { listenPort: options.port }),
          ...(options.upstream ? { upstreamUrl: options.upstream } : {}),
          ...(options.cluster ? { clusters: options.cluster } : {}),
          before,
          envoy: envoy.path,
          logLevel: options.logLevel,
          onLog: (line) => log.show(line),
          ...(page === null || protocol === "tcp"
            ? {}
            : {
                onRequest: (traced) => {
                  const traffic = trafficOf(traced);
                  formatTraffic(traffic).forEach(note);
                  page.request(traffic);
                },
              }),
        }),
      ),
    );
  } catch (error) {
    await page?.close();
    throw error;
  }
  const address = `${protocol === "tcp" ? "tcp" : "http"}://${running.address}`;
  print(address);
  note(`admin http://${running.adminAddress}; Ctrl-C ends it`);
  const stop = new AbortController();
  let watching: Promise<void> | null = null;
  if (page !== null) {
    page.update({ proxy: address });
    // Before it is said: a change right after that is seen.
    watching = new Reloader(readProject(dir), options.config, running, page, log).run(stop.signal);
    note(`page ${page.url}; watching ${dir}`);
  }
  const end = await untilStopped(running.exited);
  stop.abort();
  await watching;
  await page?.close();
  if (typeof end === "string") await running.stop();
  else throw new CliError(`Envoy has ended by itself (${JSON.stringify(end)}); its log is above`);
}

/** Envoy's log on the terminal and the page, with the source lines of traps. */
class Log {
  #traps: Traps;

  constructor(
    private readonly module: string,
    private readonly page: Page | null,
  ) {
    this.#traps = new Traps([module]);
  }

  /** The module has been built anew. */
  reloaded(): void {
    this.#traps = new Traps([this.module]);
  }

  show({ level, message }: EnvoyLogLine): void {
    const text = this.#traps.explain(message);
    note(`[${level}] ${text}`);
    this.page?.log(level, text);
  }
}

/** Rebuilds the project and gives Envoy what is new, while it runs. What is wrong is said, and the old stays in force. */
class Reloader {
  readonly #builder = new Builder();

  constructor(
    private readonly project: Project,
    private readonly configFile: string | undefined,
    private readonly running: RunningEnvoy,
    private readonly page: Page,
    private readonly log: Log,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    const { dir, schemaFile } = this.project;
    // With a schema the build writes that one.
    const generated = schemaFile ? "assembly/config.ts" : null;
    const files = (): string[] => inputsOf(dir).filter((file) => generated === null || !file.endsWith(generated));
    const groups = [{ files, onChange: () => this.#rebuild() }];
    const { configFile } = this;
    if (configFile !== undefined)
      groups.push({ files: () => [configFile], onChange: () => this.#reconfigure(configFile) });
    const closed = new Promise<void>((resolve) =>
      signal.addEventListener("abort", () => resolve(this.#builder.close()), { once: true }),
    );
    // A build that was ended gives no answer.
    await Promise.race([watch(groups, signal), closed]);
    await closed;
  }

  async #rebuild(): Promise<void> {
    const started = performance.now();
    const answer = await this.#builder.build(this.project.dir);
    if ("message" in answer) {
      const { message, diagnostics } = answer;
      return this.#failed([...(diagnostics.length ? [formatDiagnostics(diagnostics)] : []), message].join("\n"));
    }
    if (answer.warnings.length > 0) note(formatDiagnostics(answer.warnings));
    this.log.reloaded();
    await this.#give(
      { module: answer.wasm, allowOnHeadersStopIteration: answer.manifest.bodyMode === "hold" },
      started,
      { digest: answer.manifest.digest },
    );
  }

  async #reconfigure(file: string): Promise<void> {
    const started = performance.now();
    try {
      await this.#give({ config: readConfigFile(file) }, started, {});
    } catch (error) {
      this.#failed((error as Error).message);
    }
  }

  async #give(
    change: Parameters<RunningEnvoy["update"]>[0],
    started: number,
    state: { digest?: string },
  ): Promise<void> {
    try {
      await this.running.update(change);
    } catch (error) {
      return this.#failed((error as Error).message);
    }
    note(`reloaded in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    this.page.update({ ...state, reloads: this.page.state.reloads + 1, problem: null });
  }

  #failed(problem: string): void {
    note(`meshwasm: ${problem}\nthe filter runs on as it was`);
    this.page.update({ problem });
  }
}

/** Before anything is built or started. */
function checkUpstream(url: string): void {
  try {
    parseUpstream(url);
  } catch (error) {
    throw new CliError((error as Error).message, 2);
  }
}
