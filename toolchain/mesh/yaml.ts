import type { Document } from "yaml";

/** The text of a document. Strings such as `on` or `1_000` are quoted: Kubernetes and Envoy read YAML 1.1. */
export function render(doc: Document): string {
  return doc.toString({ lineWidth: 0 });
}

/** Options for documents that a YAML 1.1 reader must understand. */
export const COMPATIBLE = { compat: "yaml-1.1", aliasDuplicateObjects: false } as const;
