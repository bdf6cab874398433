import { createHash } from "node:crypto";

/** Label that a workload carries to belong to a stage of a rollout before the last. */
export const STAGE_LABEL = "meshwasm-stage";

/** A label of at most 63 that begins so and differs for different texts, however long and alike they are. */
export function uniqueLabel(prefix: string, text: string): string {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8);
  return `${dnsLabel(`${prefix}-${text}`).slice(0, 54).replace(/-+$/, "")}-${hash}`;
}

/** `text` as a DNS-1123 label, as Kubernetes wants names: lower case, digits and inner "-", at most 63. */
export function dnsLabel(text: string, fallback = "filter"): string {
  const label = text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 63)
    .replace(/^-+|-+$/g, "");
  return label === "" ? fallback : label;
}
