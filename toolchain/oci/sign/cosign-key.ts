import { scrypt } from "node:crypto";
import { promisify } from "node:util";
import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { OciError } from "../errors.js";
import { isRecord } from "../read.js";

const LABELS = ["ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"];

export function isCosignKey(pem: string): boolean {
  return LABELS.some((label) => pem.includes(`-----BEGIN ${label}-----`));
}

/** The PKCS#8 DER in a key that `cosign generate-key-pair` wrote: scrypt and NaCl's secretbox around it. */
export async function decryptCosignKey(pem: string, password: string, what: string): Promise<Buffer> {
  const broken = (why: string): OciError =>
    new OciError(`${what} is not a key that cosign wrote: ${why}; make one with cosign generate-key-pair`);
  const body = /-----BEGIN [A-Z ]+-----([A-Za-z0-9+/=\s]+)-----END/.exec(pem)?.[1];
  if (body === undefined) throw broken("the PEM block is cut");
  let box: unknown;
  try {
    box = JSON.parse(Buffer.from(body, "base64").toString("utf8"));
  } catch {
    throw broken("its content is not JSON");
  }
  const kdf = isRecord(box) && isRecord(box["kdf"]) ? box["kdf"] : {};
  const cipher = isRecord(box) && isRecord(box["cipher"]) ? box["cipher"] : {};
  const params = isRecord(kdf["params"]) ? kdf["params"] : {};
  if (kdf["name"] !== "scrypt" || cipher["name"] !== "nacl/secretbox") {
    throw broken(`only scrypt and nacl/secretbox are known`);
  }
  const { N, r, p } = params;
  // The parameters are the file's: what would take gigabytes or minutes is refused.
  const sane =
    [N, r, p].every((n) => Number.isSafeInteger(n) && (n as number) > 0) &&
    (N as number) * (r as number) <= 1 << 21 &&
    (p as number) <= 16;
  if (!sane) throw broken("its scrypt parameters are out of range");
  const bytes = (value: unknown): Buffer => Buffer.from(typeof value === "string" ? value : "", "base64");
  const nonce = bytes(cipher["nonce"]);
  if (nonce.length !== 24) throw broken("its nonce is not 24 bytes long");
  const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);
  const options = { N, r, p, maxmem: 512 * 1024 * 1024 };
  const key = await derive(password, bytes(kdf["salt"]), 32, options);
  try {
    return Buffer.from(xsalsa20poly1305(key, nonce).decrypt(bytes((box as Record<string, unknown>)["ciphertext"])));
  } catch {
    throw new OciError(`${what} does not open with the password in COSIGN_PASSWORD; set the right one`);
  }
}
