import { Document } from "yaml";
import { oneLine } from "./input.js";

/** The text of a document. Strings such as `on` or `1_000` are quoted: Kubernetes and Envoy read YAML 1.1. */
export function render(doc: Document): string {
  return doc.toString({ lineWidth: 0 });
}

/** Options for documents that a YAML 1.1 reader must understand. */
export const COMPATIBLE = { compat: "yaml-1.1", aliasDuplicateObjects: false } as const;

/** One document with comment lines above it. */
export function document(value: unknown, comments: readonly string[] = []): string {
  const doc = new Document(value, COMPATIBLE);
  if (comments.length) doc.commentBefore = comments.map(oneLine).join("\n");
  return render(doc);
}

export function documents(parts: readonly string[]): string {
  return parts.join("---\n");
}
