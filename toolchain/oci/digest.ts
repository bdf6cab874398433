import { createHash } from "node:crypto";

/** `sha256:<hex>` of `bytes`. */
export function sha256Digest(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

const HEX_LENGTH: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

/** A digest whose algorithm we can check. */
export function isDigest(text: string): boolean {
  const match = /^(sha256|sha512):([0-9a-f]+)$/.exec(text);
  return match !== null && match[2]!.length === HEX_LENGTH[match[1]!];
}

/** The algorithm and hex part of a digest that passed `isDigest`. */
export function splitDigest(digest: string): { algorithm: "sha256" | "sha512"; hex: string } {
  const colon = digest.indexOf(":");
  return { algorithm: digest.slice(0, colon) as "sha256" | "sha512", hex: digest.slice(colon + 1) };
}

/** True when `bytes` have `digest` (which passed `isDigest`). */
export function matchesDigest(bytes: Uint8Array, digest: string): boolean {
  const { algorithm, hex } = splitDigest(digest);
  return createHash(algorithm).update(bytes).digest("hex") === hex;
}

/** JSON with sorted keys and no white space, so that equal values have equal bytes. */
export function canonicalJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(sorted(value)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, sorted(v)]),
  );
}
