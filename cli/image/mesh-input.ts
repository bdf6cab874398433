/* From an image and the command line to what a manifest is made of; `manifest` and `rollout` share it. */

import { resolve } from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import { check, inspect, secretVariables, type ModuleManifest } from "../../toolchain/build/index.js";
import {
  readSettings,
  type FailStrategy,
  type Match,
  type MeshInput,
  type MeshSettings,
  type Phase,
  type Target,
  type TargetRef,
} from "../../toolchain/mesh/index.js";
import { parseReference, withDefaultTag } from "../../toolchain/oci/index.js";
import { openConfigFile } from "../config-file.js";
import { checkConfig, refusalsOfSchema, refusalText } from "../config-verdict.js";
import { CliError } from "../output.js";
import { PLAIN_HTTP, type RegistryOptions } from "./client.js";
import { load, type Loaded } from "./load.js";
import { isLibraryName, prepareLibrary } from "./library.js";
import { prepare } from "./prepare.js";
import { readForeign } from "./subject.js";

type Pairs = Readonly<Record<string, string>>;

export interface MeshOptions extends RegistryOptions {
  readonly config?: string;
  readonly namespace?: string;
  readonly targetVersion?: string;
  readonly selector?: Pairs;
  readonly targetRef?: readonly TargetRef[];
  readonly match?: readonly Match[];
  readonly phase?: string;
  readonly priority?: number;
  readonly failStrategy?: FailStrategy;
  readonly pullSecret?: string;
  readonly env?: Pairs;
  readonly hostEnv?: readonly string[];
  readonly cluster?: Pairs;
  readonly image?: string;
}

/** Adds what all commands that write manifests take. */
export function meshOptions(command: Command): Command {
  return command
    .option("--config <file>", "plugin configuration, JSON or YAML; the filter itself is asked whether it takes it")
    .option(
      "--target-version <version>",
      "of Istio or Envoy Gateway, else of the Envoy; default the newest known",
      version,
    )
    .option("--namespace <name>", "Kubernetes namespace of the objects")
    .option("--selector <key=value>", "label of the workloads; may be repeated", pair)
    .option("--target-ref <kind/name>", "Gateway/web, Service/api …; may be repeated", targetRef)
    .option("--match <mode[:port,…]>", "CLIENT, SERVER or CLIENT_AND_SERVER; may be repeated", match)
    .addOption(new Option("--phase <phase>", "order among filters").choices(["AUTHN", "AUTHZ", "STATS"]))
    .option("--priority <n>", "order within the phase, higher runs first", whole)
    .addOption(new Option("--fail-strategy <strategy>").choices(["FAIL_RELOAD", "FAIL_CLOSE", "FAIL_OPEN"]))
    .option("--pull-secret <name>", "Kubernetes Secret with the registry's login")
    .option("--env <name=value>", "environment variable of the module; may be repeated", pair)
    .option("--host-env <name>", "environment variable that it gets from the proxy; may be repeated", collect)
    .option("--cluster <name=url>", 'where a cluster of the configuration is, or "existing"; may be repeated', pair)
    .option("--image <ref>", "for a project's folder: where it is or will be published")
    .option(...PLAIN_HTTP);
}

/** Reads the filter and asks it about the configuration. */
export async function meshInput(target: Target, from: string, options: MeshOptions): Promise<MeshInput> {
  const config = options.config === undefined ? null : openConfigFile(options.config);
  const loaded = await load(from, options);
  const findings = check(loaded.wasm);
  if (findings[0]) throw new CliError(`${from} holds no filter that Envoy can run: ${findings[0].message}`);
  const { schema } = readForeign(loaded.schema);
  const secretEnv = schema && config ? secretVariables(schema, config.bytes) : [];
  if (config) {
    // Values of secrets are not known here.
    const env = Object.fromEntries(secretEnv.map((name) => [name, "secret"]));
    await checkConfig(loaded.wasm, config.bytes, options.config!, env);
    // A module of another SDK may take anything.
    const [refusal] = schema ? refusalsOfSchema(schema, config) : [];
    if (refusal) throw new CliError(refusalText(options.config!, refusal), 3);
    exactNumbers(config.bytes, options.config!);
  }
  const built = loaded.buildManifest === null ? null : parseBuildManifest(loaded.buildManifest, from);
  const settings = settingsOf(built?.mesh, from, options);
  const place = loaded.image
    ? {
        reference: loaded.image.reference,
        digest: loaded.image.pulled.digest,
        ...(loaded.image.pulled.moduleDigest ? { moduleDigest: loaded.image.pulled.moduleDigest } : {}),
      }
    : await placeOfProject(loaded, target, settings, options);
  const { hostCalls, callbacks } = inspect(loaded.wasm);
  const phase = options.phase ?? built?.phase;
  const priority = options.priority ?? built?.priority;
  return {
    target,
    ...place,
    name: built?.name ?? place.reference.repository.split("/").at(-1)!,
    type: built?.type ?? "http",
    ...(config ? { config: JSON.parse(Buffer.from(config.bytes).toString("utf8")) as unknown, secretEnv } : {}),
    ...(phase ? { phase: phase as Phase } : {}),
    ...(priority === null || priority === undefined ? {} : { priority }),
    failStrategy: options.failStrategy ?? failStrategy(built?.failStrategy),
    allowStopIteration: built?.bodyMode === "hold",
    capabilities: [...new Set([...hostCalls, ...callbacks])].sort(),
    settings,
    ...(options.targetVersion ? { targetVersion: options.targetVersion } : {}),
    ...(options.namespace ? { namespace: options.namespace } : {}),
    ...(options.plainHttp ? { plainHttp: true } : {}),
  };
}

/** Meshes keep the numbers of a configuration as doubles: what they would round is refused here. */
function exactNumbers(json: Uint8Array, file: string): void {
  const text = Buffer.from(json).toString("utf8");
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g)) {
    if (/^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)))
      throw new CliError(`${file}: a mesh would round ${token}; numbers go to 2^53 - 1, write it as a string`, 3);
  }
}

/** A build is reproducible, so its digest in the registry is known before it is there. */
async function placeOfProject(loaded: Loaded, target: Target, settings: MeshSettings, options: MeshOptions) {
  const image = options.image ?? settings.image;
  const isFile = loaded.buildManifest === null;
  if (isFile || (image === undefined && target !== "envoy")) {
    throw new CliError(
      isFile
        ? `${loaded.name} is a file; publish it, then give its reference`
        : `${loaded.name} is not an image, and nothing says where its image is; add --image host/repo:tag, or mesh.image to filter.yaml`,
    );
  }
  const { image: built } = isLibraryName(loaded.name)
    ? await prepareLibrary(loaded.name)
    : await prepare(loaded.name, "", "", {});
  const digests = { digest: built.digest, moduleDigest: built.moduleDigest };
  if (image === undefined) {
    return { reference: parseReference("localhost/local"), ...digests, localFile: resolve(loaded.file!) };
  }
  return { reference: withDefaultTag(parseReference(image)), ...digests };
}

function settingsOf(fromImage: unknown, name: string, options: MeshOptions): MeshSettings {
  const base = fromImage === undefined ? {} : readSettings(fromImage, `${name}: mesh in its manifest`);
  const { selector, targetRef: targetRefs, match, pullSecret, env, hostEnv, cluster } = options;
  // A flag for the one takes the other's place, too.
  const { selector: _s, targetRefs: _t, ...rest } = base;
  return readSettings(
    {
      ...(selector || targetRefs ? rest : base),
      ...(selector ? { selector } : {}),
      ...(targetRefs ? { targetRefs } : {}),
      ...(match ? { match } : {}),
      ...(pullSecret ? { pullSecret } : {}),
      ...(env ? { env: { ...base.env, ...env } } : {}),
      ...(hostEnv ? { hostEnv } : {}),
      ...(cluster ? { clusters: { ...base.clusters, ...cluster } } : {}),
    },
    "the options",
  );
}

/** Istio's name of Envoy's policy. */
function failStrategy(policy: string | undefined): FailStrategy {
  return policy === "FAIL_OPEN" ? "FAIL_OPEN" : policy === "FAIL_CLOSED" ? "FAIL_CLOSE" : "FAIL_RELOAD";
}

type Known = Pick<ModuleManifest, "name" | "type" | "phase" | "priority" | "failStrategy" | "bodyMode" | "mesh">;

/** The manifest in the image is anybody's: only what is used is read. */
function parseBuildManifest(text: string, ref: string): Known {
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
      ...(json["mesh"] === undefined ? {} : { mesh: json["mesh"] as Record<string, unknown> }),
    };
  } catch {
    throw new CliError(
      `${ref}: the image's manifest.json is malformed; publish the filter again with meshwasm publish`,
    );
  }
}

function pair(text: string, before: Record<string, string> = {}): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("give name=value");
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}

function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

function whole(text: string): number {
  if (!/^-?\d{1,10}$/.test(text)) throw new InvalidArgumentError("give a whole number");
  return Number(text);
}

/** Groups of the kinds that are not Kubernetes' own. */
const GROUPS: Readonly<Record<string, string>> = {
  Gateway: "gateway.networking.k8s.io",
  GatewayClass: "gateway.networking.k8s.io",
  HTTPRoute: "gateway.networking.k8s.io",
  GRPCRoute: "gateway.networking.k8s.io",
  ServiceEntry: "networking.istio.io",
  Service: "",
};

function targetRef(text: string, before: readonly TargetRef[] = []): TargetRef[] {
  const [kind, name, more] = text.split("/");
  const group = Object.hasOwn(GROUPS, kind!) ? GROUPS[kind!] : undefined;
  if (group === undefined || !name || more !== undefined) {
    throw new InvalidArgumentError(`give kind/name; kinds are ${Object.keys(GROUPS).join(", ")}`);
  }
  return [...before, { group, kind: kind!, name }];
}

function version(text: string): string {
  if (!/^v?\d{1,4}\.\d{1,4}(\.\d{1,4})?(-[\w.-]+)?$/.test(text))
    throw new InvalidArgumentError("give a version like 1.30 or 1.30.2");
  return text;
}

function match(text: string, before: readonly Match[] = []): Match[] {
  const [mode, ports] = text.split(":");
  const isMode = mode === "" || ["CLIENT", "SERVER", "CLIENT_AND_SERVER"].includes(mode!);
  if (!isMode || (ports !== undefined && !/^\d{1,5}(,\d{1,5})*$/.test(ports)))
    throw new InvalidArgumentError("give CLIENT, SERVER or CLIENT_AND_SERVER, then :port,port if you like");
  return [
    ...before,
    {
      ...(mode ? { mode: mode as NonNullable<Match["mode"]> } : {}),
      ...(ports ? { ports: ports.split(",").map(Number) } : {}),
    },
  ];
}
