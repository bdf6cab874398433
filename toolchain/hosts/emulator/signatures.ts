import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";

/** What Envoy's foreign functions verify_signature and sign do, with BoringSSL's keys and words. */

const HASHES = ["sha1", "sha224", "sha256", "sha384", "sha512"];
/** BoringSSL has no others. */
const CURVES = ["secp224r1", "prime256v1", "secp384r1", "secp521r1"];

/** A key as DER or as PEM. */
export interface KeyText {
  readonly data: Buffer;
  readonly pem: boolean;
}

function hashOf(name: string): string | null {
  const lower = name.toLowerCase();
  return HASHES.includes(lower) ? lower : null;
}

/** Whether BoringSSL digests and signs with such a key in one go. */
function usable(key: KeyObject): boolean {
  if (key.asymmetricKeyType === "rsa") return true;
  return key.asymmetricKeyType === "ec" && CURVES.includes(key.asymmetricKeyDetails?.namedCurve ?? "");
}

/** null: no key, or one that BoringSSL does not take. */
function publicKey({ data, pem }: KeyText): KeyObject | null {
  try {
    // Node would take other kinds of PEM as well, and make a public key of a private one.
    if (pem && !/-----BEGIN PUBLIC KEY-----/.test(data.toString("latin1"))) return null;
    const key = createPublicKey(pem ? { key: data } : { key: data, format: "der", type: "spki" });
    return usable(key) ? key : null;
  } catch {
    return null;
  }
}

function privateKey({ data, pem }: KeyText): KeyObject | null {
  try {
    const key = createPrivateKey(pem ? { key: data } : { key: data, format: "der", type: "pkcs8" });
    const { asymmetricKeyType: type } = key;
    // Ed25519 is a key that BoringSSL has, though no hash goes with it.
    return usable(key) || type === "ed25519" ? key : null;
  } catch {
    return null;
  }
}

/** null: the signature is right; else Envoy's words. */
export function verifySignature(hash: string, key: KeyText, signature: Buffer, text: Buffer): string | null {
  const digest = hashOf(hash);
  if (digest === null) return `${hash} is not supported.`;
  const known = publicKey(key);
  if (known === null) return "Failed to initialize digest verify.";
  try {
    if (verify(digest, text, known, signature)) return null;
  } catch {
    // A signature that is none.
  }
  return "Failed to verify digest. Error code: 0";
}

/** The signature, or Envoy's words. */
export function signText(hash: string, key: KeyText, text: Buffer): Buffer | string {
  const digest = hashOf(hash);
  if (digest === null) return `${hash} is not supported.`;
  const known = privateKey(key);
  if (known === null) return "Invalid key type: private key required for signing operation.";
  if (!usable(known)) return "Invalid private key: key data is corrupted or malformed.";
  return sign(digest, text, known);
}
