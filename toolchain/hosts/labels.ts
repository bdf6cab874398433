/* The names that the SDK gives to metrics with labels (sdk/metrics.ts), and how Envoy makes labels of them again. */

import type { EnvoyObject } from "./types.js";

/** As much of a label's value as the SDK takes, in UTF-16 units. */
const MAX_VALUE = 128;

/**
 * Name of the metric that `new Labelled(name, […]).of(…)` counts in, with the labels in their order:
 * `(await proxy.metrics()).counter(labelled("requests", { result: "ok" }))`
 */
export function labelled(name: string, labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([label, value]) => {
    const cut = value.slice(0, MAX_VALUE).replace(/[^A-Za-z0-9_\-./+~%*@!?&$()]/g, "_");
    return `${label.replace(/\W/g, "_")}=.=${cut};.;`;
  });
  return `${name.replace(/[^\w.]/g, "_")}${parts.length ? "." : ""}${parts.join("")}`;
}

/**
 * Entries of the bootstrap's `stats_config.stats_tags` that make Prometheus labels of these. Istio writes the same for
 * those in `extraStatTags`.
 */
export function statsTags(...labels: readonly string[]): EnvoyObject[] {
  return labels.map((label) => ({ tag_name: label, regex: `(${label}=\\.=(.*?);\\.;)` }));
}
