/* Labels stand in the names of Wasm metrics; Envoy makes labels of them when its bootstrap has a tag for each. */

import { jsonConfig, type MeshInput } from "./input.js";

const LABEL = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const MAX_NODES = 100_000;

/**
 * Labels of the filter's metrics: those that filter.yaml names, always or for a value in the configuration, and the keys of
 * each `labels` in it.
 */
export function metricLabels(input: MeshInput): string[] {
  const known = input.settings?.metricLabels;
  if (!known?.length) return [];
  const config = jsonConfig(input.config);
  const values = typeof config === "object" && config !== null ? (config as Record<string, unknown>) : {};
  const found = new Set<string>();
  for (const entry of known) {
    if (typeof entry === "string") found.add(entry);
    else {
      const { labels, ...when } = entry;
      const holds = Object.entries(when).every(
        ([key, value]) => values[key] === value || (Array.isArray(values[key]) && values[key].includes(value)),
      );
      if (holds) for (const label of labels) found.add(label);
    }
  }
  let nodes = 0;
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null || ++nodes > MAX_NODES) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key === "labels" && typeof inner === "object" && inner !== null && !Array.isArray(inner))
        for (const name of Object.keys(inner)) if (LABEL.test(name)) found.add(name);
      walk(inner);
    }
  };
  walk(config);
  return [...found];
}

/** `stats_tags` of the bootstrap for the filter's labels. */
export function statsTags(input: MeshInput): { tag_name: string; regex: string }[] {
  return metricLabels(input).map((label) => ({ tag_name: label, regex: `(${label}=\\.=(.*?);\\.;)` }));
}

/** For Istio and what is made of it: the mesh configuration names them. */
export function istioStatsLines(input: MeshInput): string[] {
  const labels = metricLabels(input);
  return labels.length
    ? [
        ` stats_tags: meshConfig.defaultConfig.extraStatTags: [${labels.join(", ")}] makes labels of the metrics' names.`,
      ]
    : [];
}

/** For meshes whose bootstrap stands elsewhere: `where` it belongs. */
export function statsLines(input: MeshInput, where: string): string[] {
  const tags = statsTags(input);
  if (!tags.length) return [];
  return [
    ` Not carried: stats_tags, which make labels of the metrics' names; ${where}:`,
    `   stats_config: ${JSON.stringify({ stats_tags: tags })}`,
  ];
}
