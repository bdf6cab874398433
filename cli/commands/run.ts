import { Option, type Command } from "commander";
import { buildIfStale, readProject } from "../../toolchain/build/index.js";
import { findEnvoy, parseUpstream, runEnvoy, type EnvoyLogLine } from "../../toolchain/hosts/envoy/index.js";
import type { LogLevel } from "../../toolchain/hosts/types.js";
import { readConfigFile } from "../config-file.js";
import { checkConfig } from "../config-verdict.js";
import { CliError, note, print, step } from "../output.js";
import { inWholeSteps, untilStopped } from "../until-stopped.js";
import { port } from "./registry.js";

interface Options {
  config?: string;
  port?: number;
  upstream?: string;
  envoyVersion?: string;
  envoyPath?: string;
  logLevel: LogLevel;
}

export function addRun(program: Command): void {
  program
    .command("run")
    .description("start a real Envoy with the filter in front of an upstream, until Ctrl-C")
    .argument("[dir]", "the project's folder", ".")
    .option("--config <file>", "plugin configuration, JSON or YAML")
    .option("--port <port>", "port of the proxy; default a free one", port)
    .option("--upstream <url>", "http(s)://host:port; default an upstream that echoes the request")
    .option("--envoy-version <version>", "Envoy to use")
    .option("--envoy-path <file>", "Envoy binary to use")
    .addOption(
      new Option("--log-level <level>", "smallest level of the filter's logs")
        .choices(["trace", "debug", "info", "warn", "error", "critical"])
        .default("info"),
    )
    .action(async (dir: string, options: Options) => {
      if (options.upstream !== undefined) checkUpstream(options.upstream);
      const config = options.config === undefined ? undefined : readConfigFile(options.config);
      const project = readProject(dir);
      const { wasm, manifest } = await step(`Building ${dir}`, () => inWholeSteps(() => buildIfStale(dir)));
      if (config) await checkConfig(wasm, config, options.config!);
      const envoy = await findEnvoy({
        ...(options.envoyVersion ? { version: options.envoyVersion } : {}),
        ...(options.envoyPath ? { path: options.envoyPath } : {}),
        onProgress: note,
      });
      const running = await step(`Starting Envoy ${envoy.version}`, () =>
        // A signal between the start of Envoy and that of its guard would leave Envoy behind.
        inWholeSteps(() =>
          runEnvoy({
            module: wasm,
            name: project.name,
            allowOnHeadersStopIteration: manifest.bodyMode === "hold",
            ...(config ? { config } : {}),
            ...(options.port === undefined ? {} : { listenPort: options.port }),
            ...(options.upstream ? { upstreamUrl: options.upstream } : {}),
            envoy: envoy.path,
            logLevel: options.logLevel,
            onLog: show,
          }),
        ),
      );
      print(`http://${running.address}`);
      note(`admin http://${running.adminAddress}; Ctrl-C ends it`);
      const end = await untilStopped(running.exited);
      if (typeof end === "string") await running.stop();
      else throw new CliError(`Envoy has ended by itself (${JSON.stringify(end)}); its log is above`);
    });
}

function show(line: EnvoyLogLine): void {
  note(`[${line.level}] ${line.message}`);
}

/** Before anything is built or started. */
function checkUpstream(url: string): void {
  try {
    parseUpstream(url);
  } catch (error) {
    throw new CliError((error as Error).message, 2);
  }
}
