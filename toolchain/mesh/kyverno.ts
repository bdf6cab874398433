import { createPublicKey, type KeyObject } from "node:crypto";
import { MeshError } from "./errors.js";
import type { Target } from "./input.js";
import { uniqueLabel } from "./names.js";
import { document } from "./yaml.js";

/** Resources that name Wasm images, and where. */
const RESOURCES = [
  { group: "extensions.istio.io", version: "v1alpha1", resource: "wasmplugins", path: "object.spec.url" },
  { group: "extensions.istio.io", version: "v1alpha1", resource: "trafficextensions", path: "object.spec.wasm.url" },
  { group: "gateway.envoyproxy.io", version: "v1alpha1", resource: "envoyextensionpolicies", path: "object.spec.wasm" },
] as const;

/** Kinds that carry an image where these policies do not look. */
const UNCOVERED: Readonly<Partial<Record<Target, string>>> = {
  envoyfilter: "an EnvoyFilter",
  higress: "Higress' WasmPlugin",
  envoy: "plain Envoy",
  kuma: "a MeshProxyPatch",
  consul: "service-defaults",
};

/** The public half as PEM: the text that was given may be a private key. Only P-256 keys have signed. */
function publicHalf(pem: string): string {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw new MeshError("the policy needs the public key as PEM; give --verify-key cosign.pub");
  }
  if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    throw new MeshError(
      `the policy's key is of type ${key.asymmetricKeyType}; filters are signed by ECDSA P-256 keys, give the public half of yours`,
    );
  }
  return key.export({ format: "pem", type: "spki" }).toString().trim();
}

/**
 * Kyverno's admission policies that let filters of `repository` in only when the key has signed them; one per kind. Says
 * so when the kind that was printed for `target` is none of them.
 */
export function kyvernoPolicies(repository: string, key: string, target: Target): string {
  const publicKey = publicHalf(key);
  const uncovered = UNCOVERED[target];
  return RESOURCES.map(({ group, version, resource, path }) =>
    document(
      {
        apiVersion: "policies.kyverno.io/v1",
        kind: "ImageValidatingPolicy",
        metadata: { name: uniqueLabel(`signed-${resource}`, repository) },
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
                key: { data: publicKey },
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
      [
        " Admits a filter of this repository only with our signature; another repository, a mirror's too, needs a policy of its own.",
        " The image must be one that Kyverno can reach and read.",
        ...(uncovered === undefined ? [] : [` Not covered: ${uncovered}, which no such policy can look into.`]),
      ],
    ),
  ).join("---\n");
}
