import { createPublicKey } from "node:crypto";
import { MeshError } from "./errors.js";
import { dnsLabel } from "./names.js";
import { document } from "./yaml.js";

/** Resources that name Wasm images, and where. */
const RESOURCES = [
  { group: "extensions.istio.io", version: "v1alpha1", resource: "wasmplugins", path: "object.spec.url" },
  { group: "extensions.istio.io", version: "v1alpha1", resource: "trafficextensions", path: "object.spec.wasm.url" },
  { group: "gateway.envoyproxy.io", version: "v1alpha1", resource: "envoyextensionpolicies", path: "object.spec.wasm" },
] as const;

/** Kyverno's admission policies that let filters of `repository` in only when `publicKey` signed them; one per kind. */
export function kyvernoPolicies(repository: string, publicKey: string): string {
  try {
    createPublicKey(publicKey);
  } catch {
    throw new MeshError("the policy needs the public key as PEM; give --verify-key cosign.pub");
  }
  return RESOURCES.map(({ group, version, resource, path }) =>
    document(
      {
        apiVersion: "policies.kyverno.io/v1",
        kind: "ImageValidatingPolicy",
        metadata: { name: dnsLabel(`signed-${resource}-${repository}`) },
        spec: {
          validationActions: ["Deny"],
          failurePolicy: "Fail",
          matchConstraints: {
            resourceRules: [
              { apiGroups: [group], apiVersions: [version], resources: [resource], operations: ["CREATE", "UPDATE"] },
            ],
          },
          matchImageReferences: [{ glob: `${repository}*` }],
          images: [
            {
              name: "filters",
              expression:
                resource === "envoyextensionpolicies"
                  ? `has(${path}) ? ${path}.filter(w, has(w.code.image)).map(w, w.code.image.url.replace("oci://", "")) : []`
                  : `[${path}.replace("oci://", "")]`,
            },
          ],
          attestors: [
            {
              name: "meshwasm",
              cosign: {
                key: { data: publicKey.trim() },
                ctlog: { insecureIgnoreTlog: true, insecureIgnoreSCT: true },
              },
            },
          ],
          validations: [
            {
              expression: "images.filters.map(image, verifyImageSignatures(image, [attestors.meshwasm])).all(n, n > 0)",
              message: `Wasm filters of ${repository} must be signed by the key of this policy`,
            },
          ],
        },
      },
      [" Admits a filter only with our signature. The image must be one that Kyverno can reach and read."],
    ),
  ).join("---\n");
}
