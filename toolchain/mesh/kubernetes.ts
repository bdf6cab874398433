import { isIP } from "node:net";
import { MeshError } from "./errors.js";
import { istioName, type Implied } from "./implied.js";
import type { MeshInput } from "./input.js";
import { dnsLabel, uniqueLabel } from "./names.js";
import type { TargetRef } from "./settings.js";

export function metadata(input: MeshInput, suffix = ""): Record<string, unknown> {
  return {
    name: suffix ? `${dnsLabel(input.name).slice(0, 62 - suffix.length)}-${suffix}` : dnsLabel(input.name),
    ...(input.namespace === undefined ? {} : { namespace: dnsLabel(input.namespace) }),
  };
}

export function withoutGroup(refs: readonly TargetRef[]): Record<string, unknown>[] {
  return refs.map(({ group, kind, name }) => ({ group, kind, name }));
}

/** ServiceEntry and DestinationRule for each host outside the mesh that the configuration calls. */
export function istioUpstreams(input: MeshInput, implied: Implied): Record<string, unknown>[] {
  return implied.upstreams.flatMap((upstream) => {
    if (upstream.cluster !== istioName(upstream)) {
      throw new MeshError(
        `the configuration names the cluster "${upstream.cluster}", which Istio will call ${istioName(upstream)}; write that name into the configuration`,
      );
    }
    const { host, port, tls, grpc } = upstream;
    if (isIP(host)) {
      throw new MeshError(`Istio knows upstreams by DNS names, and ${host} is an address; give it a name in DNS`);
    }
    // In the clear the port's protocol is what makes the proxy speak HTTP/2.
    const protocol = grpc ? "GRPC" : tls ? "HTTPS" : "HTTP";
    const suffix = uniqueLabel(`${dnsLabel(host).slice(0, 24)}-${port}`, host);
    const entry = {
      apiVersion: "networking.istio.io/v1",
      kind: "ServiceEntry",
      metadata: metadata(input, suffix),
      spec: {
        hosts: [host],
        location: "MESH_EXTERNAL",
        resolution: "DNS",
        ports: [{ number: port, name: protocol.toLowerCase(), protocol }],
      },
    };
    if (!tls) return [entry];
    const rule = {
      apiVersion: "networking.istio.io/v1",
      kind: "DestinationRule",
      metadata: metadata(input, suffix),
      // The filter sends plain requests; the proxy adds TLS and checks the certificate.
      spec: {
        host,
        trafficPolicy: {
          portLevelSettings: [{ port: { number: port }, tls: { mode: "SIMPLE", sni: host, subjectAltNames: [host] } }],
        },
      },
    };
    return [entry, rule];
  });
}
