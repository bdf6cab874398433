import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { OciError } from "../errors.js";
import { decryptCosignKey, isCosignKey } from "./cosign-key.js";

/** Reads a key from a file or, as `env://NAME`, from an environment variable. */
async function readKey(place: string, env: NodeJS.ProcessEnv): Promise<string> {
  if (place.startsWith("env://")) {
    const name = place.slice("env://".length);
    const text = env[name];
    if (!text)
      throw new OciError(`the environment variable ${name} that ${place} names is not set; put the PEM into it`);
    return text;
  }
  try {
    return await readFile(place, "utf8");
  } catch (cause) {
    throw new OciError(
      `${place} cannot be read (${(cause as NodeJS.ErrnoException).code}); give a PEM file or env://NAME`,
      {
        cause,
      },
    );
  }
}

/** An ECDSA P-256 key for signing, from PKCS#8 PEM or cosign's encrypted form (its password in COSIGN_PASSWORD). */
export async function loadPrivateKey(place: string, env: NodeJS.ProcessEnv = process.env): Promise<KeyObject> {
  const pem = await readKey(place, env);
  const wrong = (why: string): OciError =>
    new OciError(
      `${place} is no private key that can sign: ${why}; give an ECDSA P-256 key as PKCS#8 PEM or from cosign generate-key-pair`,
    );
  let key: KeyObject;
  if (isCosignKey(pem)) {
    const der = await decryptCosignKey(pem, env["COSIGN_PASSWORD"] ?? "", place);
    try {
      key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    } catch {
      throw wrong("what is encrypted in it is not PKCS#8");
    }
  } else {
    try {
      const passphrase = env["COSIGN_PASSWORD"];
      key = createPrivateKey({ key: pem, format: "pem", ...(passphrase ? { passphrase } : {}) });
    } catch {
      const locked = pem.includes("-----BEGIN ENCRYPTED PRIVATE KEY-----");
      throw wrong(locked ? "its password must be in COSIGN_PASSWORD" : "it is not PEM");
    }
  }
  if (!isP256(key)) throw wrong(`it is of type ${describe(key)}`);
  return key;
}

/** An ECDSA P-256 key for verifying, as PEM; a private key's public half will do. */
export async function loadPublicKey(place: string, env: NodeJS.ProcessEnv = process.env): Promise<KeyObject> {
  const pem = await readKey(place, env);
  let key: KeyObject;
  try {
    key = isCosignKey(pem) ? createPublicKey(await loadPrivateKey(place, env)) : createPublicKey(pem);
  } catch (cause) {
    if (cause instanceof OciError) throw cause;
    throw new OciError(`${place} holds no public key; give the PEM of an ECDSA P-256 key, such as cosign.pub`);
  }
  if (!isP256(key)) throw new OciError(`${place} is a key of type ${describe(key)}; give an ECDSA P-256 key`);
  return key;
}

function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === "prime256v1";
}

function describe(key: KeyObject): string {
  return [key.asymmetricKeyType, key.asymmetricKeyDetails?.namedCurve].filter(Boolean).join(" ");
}

/** What names a key in a bundle: cosign's hint, the Base64 of the SHA-256 of its public half. */
export function keyHint(key: KeyObject): string {
  const half = key.type === "private" ? createPublicKey(key) : key;
  return createHash("sha256")
    .update(half.export({ format: "der", type: "spki" }))
    .digest("base64");
}
