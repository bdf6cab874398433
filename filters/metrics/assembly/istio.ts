/* Workloads as Istio's proxies know them: their own from the node's metadata, the peer's from the filter state that Istio's
 * metadata exchange leaves. Outside of Istio all of it is unknown. */

import { property } from "meshwasm/sdk";
import { Extra } from "./fields";

const UNKNOWN = "unknown";

/** `outbound`: the proxy is the source. */
export function istioText(field: i32, outbound: bool): string {
  if (field >= Extra.DestinationService) return serviceText(field);
  const isSource = field < Extra.DestinationWorkload;
  const what = field - (isSource ? Extra.SourceWorkload : Extra.DestinationWorkload);
  return isSource == outbound ? own(what) : peer(what, outbound ? "upstream_peer" : "downstream_peer");
}

function own(what: i32): string {
  switch (what) {
    case 0:
      return node("WORKLOAD_NAME");
    case 1:
      return node("NAMESPACE");
    case 2:
      return label("app", UNKNOWN);
    case 3:
      return label("version", UNKNOWN);
    case 4:
      return label("service.istio.io/canonical-name", node("WORKLOAD_NAME"));
    default:
      return label("service.istio.io/canonical-revision", "latest");
  }
}

/** Keys of Istio's WorkloadMetadataObject. */
const PEER: string[] = ["workload", "namespace", "app", "version", "service", "revision"];

function peer(what: i32, state: string): string {
  return or(property.getString("filter_state", state, PEER[what]), UNKNOWN);
}

function node(key: string): string {
  return or(property.getString("xds", "node", "metadata", key), UNKNOWN);
}

function label(key: string, fallback: string): string {
  return or(property.getString("xds", "node", "metadata", "LABELS", key), fallback);
}

/** From the cluster's name, `outbound|9080|v1|reviews.shop.svc.cluster.local`. A header of the client is not asked. */
function serviceText(field: i32): string {
  const cluster = property.xds.clusterName();
  const parts: string[] = cluster === null ? [] : cluster.split("|");
  const host = parts.length == 4 ? parts[3] : "";
  if (!host.length) return UNKNOWN;
  if (field == Extra.DestinationService) return host;
  const names = host.split(".");
  const isService = names.length > 2 && names[2] == "svc";
  if (field == Extra.DestinationServiceName) return isService ? names[0] : host;
  return isService ? names[1] : UNKNOWN;
}

function or(text: string | null, fallback: string): string {
  return text === null || !text.length ? fallback : text;
}
