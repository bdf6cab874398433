import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes, scryptSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { keyHint, loadPrivateKey, loadPublicKey } from "./keys.js";

const folder = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
after(() => rmSync(folder, { recursive: true }));

const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const der = pair.privateKey.export({ format: "der", type: "pkcs8" });

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** The box that cosign writes, with whatever a test wants to be wrong in it. */
function cosignKey(
  changes: { kdf?: object; params?: object; cipher?: object; secret?: Buffer } = {},
  label = "ENCRYPTED SIGSTORE PRIVATE KEY",
): string {
  const salt = randomBytes(32);
  const nonce = randomBytes(24);
  const cost = { N: 1 << 15, r: 8, p: 1 };
  const key = scryptSync("right", salt, 32, { ...cost, maxmem: 1 << 27 });
  const box = {
    kdf: { name: "scrypt", params: { ...cost, ...changes.params }, salt: salt.toString("base64"), ...changes.kdf },
    cipher: { name: "nacl/secretbox", nonce: nonce.toString("base64"), ...changes.cipher },
    ciphertext: Buffer.from(xsalsa20poly1305(key, nonce).encrypt(changes.secret ?? der)).toString("base64"),
  };
  return pem(label, Buffer.from(JSON.stringify(box)));
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g)!;
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

const right = { COSIGN_PASSWORD: "right" };

test("keys that sign: PKCS#8, PKCS#8 under a password, cosign's two labels, an environment variable", async () => {
  const plain = pair.privateKey.export({ format: "pem", type: "pkcs8" }) as string;
  const locked = pair.privateKey.export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "right" });
  const hint = keyHint(pair.publicKey);
  for (const [name, text] of [
    ["plain", plain],
    ["locked", locked as string],
    ["sigstore", cosignKey()],
    ["cosign", cosignKey({}, "ENCRYPTED COSIGN PRIVATE KEY")],
  ] as const) {
    const path = file(name, text);
    assert.equal(keyHint(await loadPrivateKey(path, right)), hint, name);
    assert.equal(keyHint(await loadPrivateKey("env://KEY", { ...right, KEY: text })), hint, name);
  }
  assert.equal(
    keyHint(await loadPublicKey(file("public", pair.publicKey.export({ format: "pem", type: "spki" }) as string))),
    hint,
  );
  assert.equal(keyHint(await loadPublicKey(join(folder, "plain"))), hint);
});

test("a wrong password is named, for every form of key", async () => {
  const locked = pair.privateKey.export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "right" });
  for (const env of [{}, { COSIGN_PASSWORD: "wrong" }, { COSIGN_PASSWORD: "" }]) {
    await assert.rejects(loadPrivateKey(file("a", cosignKey()), env), /COSIGN_PASSWORD/);
    await assert.rejects(loadPrivateKey(file("b", locked as string), env), /COSIGN_PASSWORD/);
  }
});

test("keys that cannot sign are refused with the reason", async () => {
  const ed25519 = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }) as string;
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
  const cases: [string, string, RegExp][] = [
    ["ed25519", ed25519, /type ed25519/],
    ["p384", p384.export({ format: "pem", type: "pkcs8" }) as string, /type ec secp384r1/],
    ["text", "hello", /not PEM/],
    ["empty", "", /not PEM/],
    ["public", pair.publicKey.export({ format: "pem", type: "spki" }) as string, /no private key/],
    ["cut", cosignKey().slice(0, 200), /the PEM block is cut/],
    ["no JSON", pem("ENCRYPTED SIGSTORE PRIVATE KEY", Buffer.from("{")), /content is not JSON/],
    ["null", pem("ENCRYPTED SIGSTORE PRIVATE KEY", Buffer.from("null")), /only scrypt/],
    ["kdf", cosignKey({ kdf: { name: "argon2" } }), /only scrypt/],
    ["cipher", cosignKey({ cipher: { name: "aes" } }), /only scrypt/],
    ["nonce", cosignKey({ cipher: { nonce: "AAAA" } }), /nonce/],
    ["gigabytes", cosignKey({ params: { N: 2 ** 30 } }), /out of range/],
    ["minutes", cosignKey({ params: { p: 1000 } }), /out of range/],
    ["negative", cosignKey({ params: { r: -1 } }), /out of range/],
    ["fraction", cosignKey({ params: { N: 1.5 } }), /out of range/],
    ["no power of two", cosignKey({ params: { N: 1000 } }), /out of range|scrypt/i],
    ["no PKCS#8", cosignKey({ secret: Buffer.from("hello") }), /not PKCS#8/],
  ];
  for (const [name, text, reason] of cases) await assert.rejects(loadPrivateKey(file(name, text), right), reason, name);
  await assert.rejects(loadPrivateKey(join(folder, "absent"), right), /cannot be read \(ENOENT\)/);
  await assert.rejects(loadPrivateKey("env://ABSENT", right), /variable ABSENT/);
  await assert.rejects(loadPublicKey(file("text", "hello")), /holds no public key/);
});
