import { isDigest, formatReference, registryOrigin } from "../oci/index.js";
import { MeshError } from "./errors.js";
import { impliedBy } from "./implied.js";
import { isBelow, jsonConfig, type FailStrategy, type MeshInput } from "./input.js";
import { dnsLabel } from "./names.js";

export const POLICY: Readonly<Record<FailStrategy, string>> = {
  FAIL_CLOSE: "FAIL_CLOSED",
  FAIL_OPEN: "FAIL_OPEN",
  FAIL_RELOAD: "FAIL_RELOAD",
};

/** Where Envoy gets the module from. */
export type Code = Readonly<Record<string, unknown>>;

export function wasmType(input: MeshInput): string {
  const kind = input.type === "tcp" ? "network" : "http";
  return `type.googleapis.com/envoy.extensions.filters.${kind}.wasm.v3.Wasm`;
}

/** The Envoy message `Wasm`, without its type. */
export function wasmConfig(input: MeshInput, code: Code): Record<string, unknown> {
  const config = jsonConfig(input.config);
  const { env = {} } = input.settings ?? {};
  const { hostEnv } = impliedBy(input);
  const restriction = capabilityRestriction(input);
  const inVm = !isBelow(input.targetVersion, 1, 40);
  return {
    name: dnsLabel(input.name),
    root_id: input.rootId ?? dnsLabel(input.name),
    failure_policy: POLICY[input.failStrategy ?? "FAIL_RELOAD"],
    ...(input.allowStopIteration ? { allow_on_headers_stop_iteration: true } : {}),
    ...(config === undefined
      ? {}
      : {
          configuration: {
            "@type": "type.googleapis.com/google.protobuf.StringValue",
            value: JSON.stringify(config),
          },
        }),
    ...(restriction && !inVm ? { capability_restriction_config: restriction } : {}),
    vm_config: {
      // Envoy 1.40 tells VMs of remote code apart by this alone: without it a second module runs the first one's code.
      vm_id: `${dnsLabel(input.name)}-${(input.moduleDigest ?? input.digest).slice("sha256:".length, "sha256:".length + 12)}`,
      runtime: "envoy.wasm.runtime.v8",
      ...(Object.keys(env).length || hostEnv.length
        ? {
            environment_variables: {
              ...(hostEnv.length ? { host_env_keys: hostEnv } : {}),
              ...(Object.keys(env).length ? { key_values: env } : {}),
            },
          }
        : {}),
      ...(restriction && inVm ? { capability_restriction_config: restriction } : {}),
      code,
    },
  };
}

function capabilityRestriction(input: MeshInput): Record<string, unknown> | null {
  const capabilities = input.capabilities ?? [];
  if (capabilities.length === 0) return null;
  return { allowed_capabilities: Object.fromEntries(capabilities.map((name) => [name, {}])) };
}

/** The digest of the raw module layer, which Envoy can fetch by itself. */
export function moduleDigest(input: MeshInput): string {
  const digest = input.moduleDigest;
  if (digest === undefined || !isDigest(digest) || !digest.startsWith("sha256:")) {
    throw new MeshError(
      `${formatReference(input.reference)} has no application/wasm layer that Envoy could fetch; publish it with \`meshwasm publish\``,
    );
  }
  return digest;
}

/** The blob's URL, for proxies that know no images. */
export function blobUrl(input: MeshInput): string {
  const { host, repository } = input.reference;
  return `${registryOrigin(host, input.plainHttp)}/v2/${repository}/blobs/${moduleDigest(input)}`;
}

export function remoteCode(input: MeshInput, cluster: string): Code {
  return {
    remote: {
      http_uri: { uri: blobUrl(input), cluster, timeout: "30s" },
      sha256: moduleDigest(input).slice("sha256:".length),
      retry_policy: { num_retries: 3 },
    },
  };
}

/** The registry's cluster: its name and address. */
export function registryPlace(input: MeshInput): { name: string; host: string; port: number; tls: boolean } {
  const url = new URL(registryOrigin(input.reference.host, input.plainHttp));
  const tls = url.protocol === "https:";
  return {
    name: `${dnsLabel(input.name).slice(0, 54)}-registry`,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (tls ? 443 : 80) : Number(url.port),
    tls,
  };
}

/** What only some targets can switch on. */
export function refuseHold(input: MeshInput, target: string): void {
  if (input.allowStopIteration) {
    throw new MeshError(
      `${input.name} holds headers until it has read the body, which ${target} cannot switch on (allow_on_headers_stop_iteration); use the target envoyfilter on Istio, else envoy or kuma`,
    );
  }
}

/** What such targets cannot say, a line each. */
export function notCarried(
  input: MeshInput,
  target: string,
  what: { capabilities?: true; order?: true; env?: true; secret?: true; match?: true; selector?: true },
): string[] {
  const { env = {} } = input.settings ?? {};
  return [
    ...(what.capabilities && input.capabilities?.length
      ? [` Not carried: ${target} cannot restrict what the module may call (capability_restriction_config).`]
      : []),
    ...(what.order && (input.phase || input.priority !== undefined)
      ? [` Not carried: ${target} has no phases or priorities; the place in the list is the order of the filters.`]
      : []),
    ...(what.match && input.settings?.match?.length
      ? [` Not carried: ${target} has no match by traffic and port; the filter sees all that its listener gets.`]
      : []),
    ...(what.selector && (input.settings?.selector || input.settings?.targetRefs)
      ? [` Not carried: selector and targetRefs; ${target} runs the filter where this is put.`]
      : []),
    ...(what.secret && input.settings?.pullSecret
      ? [` Not carried: the pull secret ${input.settings.pullSecret}; Envoy fetches the blob without a login.`]
      : []),
    ...(what.env && Object.keys(env).length
      ? [` Not carried: ${target} passes no values to the module's environment: ${Object.keys(env).join(", ")}.`]
      : []),
  ];
}
