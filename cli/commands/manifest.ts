import { Option, type Command } from "commander";
import type { ModuleManifest } from "../../toolchain/build/index.js";
import { meshManifest, type FailStrategy, type Phase } from "../../toolchain/mesh/index.js";
import { formatReference, parseReference, pull, RegistryClient, withDefaultTag } from "../../toolchain/oci/index.js";
import { readConfigFile } from "../config-file.js";
import { checkConfig } from "../config-verdict.js";
import { CliError, print, step } from "../output.js";

interface Options {
  for: "istio" | "envoy";
  config?: string;
  namespace?: string;
  plainHttp?: boolean;
}

export function addManifest(program: Command): void {
  program
    .command("manifest")
    .description("print what a mesh needs to run a published filter, pinned to its digest")
    .argument("<ref>", "host:port/repo/name:tag")
    .addOption(new Option("--for <target>", "control plane").choices(["istio", "envoy"]).makeOptionMandatory())
    .option("--config <file>", "plugin configuration, JSON or YAML; the filter itself is asked whether it takes it")
    .option("--namespace <name>", "Kubernetes namespace of the object")
    .option("--plain-http", "no TLS; automatic for loopback only")
    .action(async (text: string, options: Options) => {
      const config = options.config === undefined ? null : readConfigFile(options.config);
      const ref = withDefaultTag(parseReference(text));
      const client = new RegistryClient({ plainHttp: options.plainHttp ?? false });
      const image = await step(`Reading ${formatReference(ref)}`, () => pull(client, ref));
      if (config) await checkConfig(image.wasm, config, options.config!);
      const built = image.buildManifest ? parseBuildManifest(image.buildManifest, text) : null;
      const name = built?.name ?? ref.repository.split("/").at(-1)!;
      print(
        meshManifest({
          target: options.for,
          reference: ref,
          digest: image.digest,
          ...(image.moduleDigest ? { moduleDigest: image.moduleDigest } : {}),
          name,
          type: built?.type ?? "http",
          ...(config ? { config: JSON.parse(Buffer.from(config).toString("utf8")) as unknown } : {}),
          ...(built?.phase ? { phase: built.phase as Phase } : {}),
          ...(built?.priority ? { priority: built.priority } : {}),
          failStrategy: failStrategy(built?.failStrategy),
          allowStopIteration: built?.bodyMode === "hold",
          ...(options.namespace ? { namespace: options.namespace } : {}),
          ...(options.plainHttp ? { plainHttp: true } : {}),
        }),
      );
    });
}

/** Istio's name of Envoy's policy. */
function failStrategy(policy: string | undefined): FailStrategy {
  return policy === "FAIL_OPEN" ? "FAIL_OPEN" : policy === "FAIL_CLOSED" ? "FAIL_CLOSE" : "FAIL_RELOAD";
}

/** The manifest in the image is anybody's: only what is used is read. */
function parseBuildManifest(
  text: string,
  ref: string,
): Pick<ModuleManifest, "name" | "type" | "phase" | "priority" | "failStrategy" | "bodyMode"> {
  try {
    const json = JSON.parse(text) as Record<string, unknown>;
    if (typeof json["name"] !== "string") throw new TypeError("no name");
    return {
      name: json["name"],
      type: json["type"] === "tcp" ? "tcp" : "http",
      phase: typeof json["phase"] === "string" ? json["phase"] : null,
      priority: typeof json["priority"] === "number" ? json["priority"] : null,
      failStrategy: String(json["failStrategy"] ?? "FAIL_RELOAD"),
      bodyMode: json["bodyMode"] === "hold" ? "hold" : "none",
    };
  } catch {
    throw new CliError(
      `${ref}: the image's manifest.json is malformed; publish the filter again with meshwasm publish`,
    );
  }
}
