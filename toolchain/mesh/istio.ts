import { Document, isMap, type YAMLMap } from "yaml";
import { formatReference } from "../oci/index.js";
import { MeshError } from "./errors.js";
import { jsonConfig, oneLine, type MeshInput } from "./input.js";
import { dnsLabel } from "./names.js";
import { COMPATIBLE, render } from "./yaml.js";

/** An Istio WasmPlugin. Both the URL and `sha256` carry the digest of the image manifest, never of the file. */
export function istioManifest(input: MeshInput): string {
  if (input.allowStopIteration) {
    throw new MeshError(
      `${input.name} holds headers until it has read the body, which Istio's WasmPlugin cannot switch on (allow_on_headers_stop_iteration); use the target envoy`,
    );
  }
  const config = jsonConfig(input.config);
  if (config !== undefined && (config === null || typeof config !== "object" || Array.isArray(config))) {
    throw new MeshError("Istio's pluginConfig must be a JSON object; give the configuration as one");
  }
  const { host, repository, tag } = input.reference;
  const failStrategy = input.failStrategy ?? "FAIL_RELOAD";
  const doc = new Document(
    {
      apiVersion: "extensions.istio.io/v1alpha1",
      kind: "WasmPlugin",
      metadata: {
        name: dnsLabel(input.name),
        ...(input.namespace === undefined ? {} : { namespace: dnsLabel(input.namespace) }),
      },
      spec: {
        url: `oci://${host}/${repository}@${input.digest}`,
        sha256: input.digest.slice("sha256:".length),
        ...(input.type === "tcp" ? { type: "NETWORK" } : {}),
        pluginName: input.rootId ?? dnsLabel(input.name),
        ...(input.phase === undefined ? {} : { phase: input.phase }),
        ...(input.priority === undefined ? {} : { priority: input.priority }),
        failStrategy,
        ...(config === undefined ? {} : { pluginConfig: config }),
      },
    },
    COMPATIBLE,
  );

  const spec = doc.get("spec");
  if (!isMap(spec)) throw new Error("spec is a map by construction");
  const where = [
    " Without a selector the plugin runs in every workload of the namespace (of the mesh, in the root namespace).",
    " selector:",
    "   matchLabels:",
    "     app: my-app",
  ];
  spec.commentBefore = where.join("\n");
  comment(spec, "url", `published as ${formatReference({ host, repository, ...(tag === undefined ? {} : { tag }) })}`);
  comment(spec, "failStrategy", failNote(failStrategy));
  if (input.capabilities?.length) {
    doc.commentBefore =
      " WasmPlugin cannot restrict what the module may call; the target envoy can (capability_restriction_config).";
  }
  return render(doc);
}

function failNote(strategy: string): string {
  if (strategy === "FAIL_OPEN") return "when the module traps or cannot be fetched, requests pass without it";
  const trap =
    strategy === "FAIL_RELOAD" ? "a trap fails its request, then the module is reloaded" : "a trap fails all requests";
  return `${trap}; while the image cannot be fetched, a new proxy answers 403`;
}

function comment(map: YAMLMap, key: string, text: string): void {
  const value = map.get(key, true);
  if (value) (value as { comment?: string }).comment = ` ${oneLine(text)}`;
}
