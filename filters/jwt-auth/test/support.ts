import { createHmac, generateKeyPairSync, sign as signBytes, type KeyObject } from "node:crypto";
import { fileURLToPath } from "node:url";
import { exportJWK, SignJWT, type JWK, type JWTPayload } from "jose";
import { createProxy, type Proxy, type ProxyOptions, type ProxyResponse, type RequestInput } from "meshwasm/testing";

export const filter = fileURLToPath(new URL("..", import.meta.url));
export const ISSUER = "https://issuer.example";
export const DOWNSTREAM = ["http1", "http2"] as const;
export const now = (): number => Math.floor(Date.now() / 1000);

const EC: Readonly<Record<string, string>> = { ES256: "P-256", ES384: "P-384", ES512: "P-521" };
export const ALGORITHMS = [
  "HS256",
  "HS384",
  "HS512",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;

/** A key of an issuer. */
export interface Key {
  readonly alg: string;
  readonly kid: string;
  readonly sign: KeyObject | Uint8Array;
  readonly jwk: JWK;
}

const made = new Map<string, Promise<Key>>();

/** The same key for the same name: RSA keys take long to make. */
export function keyOf(alg: string, kid = alg): Promise<Key> {
  const name = `${alg} ${kid}`;
  let key = made.get(name);
  if (!key) made.set(name, (key = makeKey(alg, kid)));
  return key;
}

async function makeKey(alg: string, kid: string): Promise<Key> {
  if (alg.startsWith("HS")) {
    const secret = createHmac("sha512", kid).update("secret").digest();
    return { alg, kid, sign: secret, jwk: { kty: "oct", k: secret.toString("base64url"), kid, alg } };
  }
  const pair =
    alg === "EdDSA"
      ? generateKeyPairSync("ed25519")
      : alg.startsWith("ES")
        ? generateKeyPairSync("ec", { namedCurve: EC[alg]! })
        : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { alg, kid, sign: pair.privateKey, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg, use: "sig" } };
}

export const jwks = (...keys: readonly Key[]): string => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });

/** Claims that are good, with some changed; undefined takes one out. */
export function claims(changes: Record<string, unknown> = {}): JWTPayload {
  const all: Record<string, unknown> = {
    iss: ISSUER,
    sub: "alice",
    aud: "orders",
    iat: now() - 10,
    exp: now() + 600,
    ...changes,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** A token by jose. */
export function token(
  key: Key,
  changes: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  return new SignJWT(claims(changes)).setProtectedHeader({ alg: key.alg, kid: key.kid, ...header }).sign(key.sign);
}

const part = (value: unknown): string =>
  (typeof value === "string" ? Buffer.from(value) : Buffer.from(JSON.stringify(value))).toString("base64url");

/** A token whose header and payload are any text, well signed (RS256, HS256, ES256). */
export function rawToken(key: Key, header: unknown, payload: unknown): string {
  const text = `${part(header)}.${part(payload)}`;
  return `${text}.${signature(key, text).toString("base64url")}`;
}

export function signature(key: Key, text: string): Buffer {
  if (key.sign instanceof Uint8Array) return createHmac("sha256", key.sign).update(text).digest();
  const options = key.alg.startsWith("ES") ? { key: key.sign, dsaEncoding: "ieee-p1363" as const } : key.sign;
  return signBytes("sha256", Buffer.from(text), options);
}

/** A configuration with one provider. */
export function config(keys: readonly Key[], provider: object = {}, more: object = {}): object {
  return { providers: [{ name: "main", issuer: ISSUER, jwks: { inline: jwks(...keys) }, ...provider }], ...more };
}

export const start = (options: ProxyOptions): Promise<Proxy> => createProxy({ filter, ...options });

/** A request with a token as RFC 6750 has it. */
export function send(proxy: Proxy, bearer: string | null, input: RequestInput = {}): Promise<ProxyResponse> {
  const headers = [
    ...(Array.isArray(input.headers) ? (input.headers as [string, string][]) : Object.entries(input.headers ?? {})),
  ];
  if (bearer !== null) headers.push(["authorization", `Bearer ${bearer}`]);
  return proxy.request({ ...input, headers: headers as [string, string][] });
}

/** Status of each token, in order. */
export async function statuses(proxy: Proxy, tokens: readonly (string | null)[]): Promise<number[]> {
  const found: number[] = [];
  for (const each of tokens) found.push((await send(proxy, each)).status);
  return found;
}
