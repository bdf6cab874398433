/* Keys and signatures of testdata/keys.json, as bytes: inputs that are the same in every run. */

import { readFileSync } from "node:fs";

type Curve = "P-256" | "P-384" | "P-521";

const read = JSON.parse(readFileSync(new URL("testdata/keys.json", import.meta.url), "utf8")) as {
  rsa: { n: string; pkcs1: string; pss: string };
  ed25519: { x: string; signature: string };
  spki: Record<Curve | "RSA" | "Ed25519", string>;
  ecdsa: Record<Curve, string>;
};

const bytes = (text: string): Buffer => Buffer.from(text, "base64url");

/** What was signed. */
export const TEXT = Buffer.from("text");
export const RSA = { n: bytes(read.rsa.n), pkcs1: bytes(read.rsa.pkcs1), pss: bytes(read.rsa.pss) };
export const ED25519 = { x: bytes(read.ed25519.x), signature: bytes(read.ed25519.signature) };
export const SPKI = Object.values(read.spki).map(bytes);
export const ECDSA = Object.values(read.ecdsa).map(bytes);
