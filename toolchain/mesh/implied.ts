import { MeshError } from "./errors.js";
import { jsonConfig, type MeshInput } from "./input.js";

/** Where a cluster that the configuration names is. */
export interface Upstream {
  /** Name by which the filter calls it. */
  readonly cluster: string;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** gRPC: HTTP/2, by prior knowledge or ALPN. */
  readonly grpc: boolean;
}

export interface Implied {
  readonly upstreams: readonly Upstream[];
  /** Clusters that the mesh has already. */
  readonly existing: readonly string[];
  /** Environment variables that the configuration reads secrets from. */
  readonly hostEnv: readonly string[];
}

const MAX_NODES = 100_000;

/**
 * What a configuration needs beside the filter: `{"cluster": name}` and `{"url": …}` need a cluster, `{"env": NAME}` and
 * the schema's secret-env an environment variable. A cluster whose place nothing tells is refused: what is printed must run.
 */
export function impliedBy(input: MeshInput): Implied {
  const clusters = new Set<string>();
  const urls = new Set<string>();
  const env = new Set<string>([...(input.settings?.hostEnv ?? []), ...(input.secretEnv ?? [])]);
  let nodes = 0;
  const walk = (value: unknown): void => {
    if (value === null || typeof value !== "object" || ++nodes > MAX_NODES) return;
    if (Array.isArray(value)) return value.forEach(walk);
    const map = value as Record<string, unknown>;
    if (typeof map["cluster"] === "string" && map["cluster"] !== "") clusters.add(map["cluster"]);
    else if (typeof map["url"] === "string" && /^https?:\/\//.test(map["url"])) urls.add(map["url"]);
    if (typeof map["env"] === "string" && Object.keys(map).length === 1) env.add(map["env"]);
    Object.values(map).forEach(walk);
  };
  walk(jsonConfig(input.config));

  const places = input.settings?.clusters ?? {};
  const upstreams = new Map<string, Upstream>();
  const existing: string[] = [];
  for (const cluster of clusters) {
    const place = Object.hasOwn(places, cluster) ? places[cluster]! : null;
    if (place === "existing" || /\.svc\.cluster\.local$/.test(cluster)) existing.push(cluster);
    else upstreams.set(cluster, place === null ? fromName(cluster) : fromUrl(place, cluster));
  }
  for (const url of urls) {
    const upstream = fromUrl(url);
    upstreams.set(upstream.cluster, upstream);
  }
  return { upstreams: [...upstreams.values()], existing, hostEnv: [...env] };
}

/** Istio's own names tell the place: `outbound|443||host`. */
function fromName(cluster: string): Upstream {
  const match = /^outbound\|(\d{1,5})\|\|([A-Za-z0-9.-]+)$/.exec(cluster);
  if (!match) {
    throw new MeshError(
      `the configuration names the cluster "${cluster}" and nothing says where it is; add --cluster ${cluster}=https://host:port (grpc:// or grpcs:// for a gRPC service), or --cluster ${cluster}=existing when the mesh has it`,
    );
  }
  // Only of the web's own ports is it known whether they speak TLS.
  if (match[1] !== "443" && match[1] !== "80") {
    throw new MeshError(
      `nothing says whether "${cluster}" speaks TLS; add --cluster '${cluster}=https://${match[2]}:${match[1]}' or http://, grpcs://, grpc://`,
    );
  }
  return { cluster, host: match[2]!, port: Number(match[1]), tls: match[1] === "443", grpc: false };
}

function fromUrl(text: string, name?: string): Upstream {
  const scheme = /^(http|grpc)(s?):\/\//.exec(text);
  // A URL of a scheme that is not the web's has an opaque host: read as HTTP's.
  const address = text.replace(/^grpc/, "http");
  if (!scheme || !URL.canParse(address)) {
    throw new MeshError(`"${text}" is not a URL of a cluster; write it like https://host:port or grpcs://host:port`);
  }
  const url = new URL(address);
  const tls = scheme[2] === "s";
  const port = url.port === "" ? (tls ? 443 : 80) : Number(url.port);
  return {
    cluster: name ?? `outbound|${port}||${url.hostname}`,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    tls,
    grpc: scheme[1] === "grpc",
  };
}

/** Lines about clusters that must be there already. */
export function existingLines(implied: Implied): string[] {
  return implied.existing.map((cluster) => ` The proxy must have the cluster ${cluster}; it is not printed here.`);
}

/** The name by which Istio knows the upstream's cluster; another one in the configuration would find nothing. */
export function istioName({ host, port }: Upstream): string {
  return `outbound|${port}||${host}`;
}
