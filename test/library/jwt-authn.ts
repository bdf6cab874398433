/* jwt-auth beside Envoy's own jwt_authn: one Envoy, pairs of listeners with the same keys, the same tokens to both. */

import { createHmac, createPublicKey, sign as signBytes } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { claims, ISSUER, jwks, keyOf, type Key } from "../../filters/jwt-auth/test/support.js";
import { build } from "../../toolchain/build/index.js";
import { config as envoyConfig, EnvoyProcess, findEnvoy, workDirectory } from "../../toolchain/hosts/envoy/index.js";
import { randomFrom } from "../bench/stats.js";

const ROOT = join(import.meta.dirname, "../..");
const NATIVE = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";
const PUBLIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
const SECRET = ["HS256", "HS384", "HS512"];
const AUDIENCES = ["orders", "billing"];

/** Why ours refuses what Envoy's takes. Kinds that are not here may not differ. */
export const STRICTER: Readonly<Record<string, string>> = {
  "crit in the header": "RFC 7515, section 4.1.11: what is critical and not understood refuses the token",
  "b64: false in the header": "RFC 7797: the payload is not what is decoded",
  "a claim twice": "RFC 7519, section 4: names must be unique; two readers could see two values",
  "a header parameter twice": "RFC 7515, section 4: names must be unique",
  "iat in the future": "a token from the future is none",
  "exp that is no number": "RFC 7519, section 4.1.4: it is a number",
  "nbf or iat that is no number": "RFC 7519, section 4.1.5 and 4.1.6: it is a number",
  "exp in the year 10000": "no date that a time can be; a lifetime without end",
  "an audience that is no text": "RFC 7519, section 4.1.3: audiences are texts",
  "kid that is no string": "RFC 7515, section 4.1.4: it is a string",
  "signature cut, longer or zero": "RFC 7518, section 3.4: an ECDSA signature has one length",
  "more parts": "RFC 7515, section 7.1: there are three; Envoy passes over a dot behind the third",
  "trailing bits": "RFC 4648, section 3.5: what stands for the same bytes is another token",
  "mutated bytes": "the same, where the last character of a part was hit",
  "malformed UTF-8 in the payload": "RFC 7519, section 3: the claims are UTF-8",
};

export interface Row {
  tokens: number;
  bothAllow: number;
  bothDeny: number;
  onlyNative: number;
}

export interface Outcome {
  readonly tokens: number;
  readonly rows: ReadonlyMap<string, Row>;
  /** Tokens that only ours takes, and differences of other kinds than STRICTER's. */
  readonly wrong: readonly string[];
  /** Headers that both gave the upstream and that were not the same. */
  readonly headers: readonly string[];
}

interface Made {
  readonly kind: string;
  readonly token: string;
}

const HASH: Readonly<Record<string, string>> = { "256": "sha256", "384": "sha384", "512": "sha512" };
const b64 = (value: string | Buffer): string => Buffer.from(value as string).toString("base64url");

/** Signs as `alg` says, whatever the header is. */
function signed(key: Key, head: string | Buffer, payload: string | Buffer, alg = key.alg): string {
  const text = `${b64(head)}.${b64(payload)}`;
  return `${text}.${signatureOf(key, text, alg).toString("base64url")}`;
}

function signatureOf(key: Key, text: string, alg = key.alg): Buffer {
  const hash = HASH[alg.slice(2)] ?? null;
  if (key.sign instanceof Uint8Array) return createHmac(hash!, key.sign).update(text).digest();
  const bytes = Buffer.from(text);
  if (alg === "EdDSA") return signBytes(null, bytes, key.sign);
  if (alg.startsWith("ES")) return signBytes(hash, bytes, { key: key.sign, dsaEncoding: "ieee-p1363" });
  // 6: RSA_PKCS1_PSS_PADDING, its salt as long as the hash.
  return signBytes(
    hash,
    bytes,
    alg.startsWith("PS") ? { key: key.sign, padding: 6, saltLength: -1 } : { key: key.sign },
  );
}

class Tokens {
  constructor(
    private readonly next: () => number,
    private readonly keys: readonly Key[],
    private readonly strangers: readonly Key[],
  ) {}

  private below(n: number): number {
    return Math.floor(this.next() * n);
  }
  private pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  make(): Made {
    const key = this.pick(this.keys);
    const head = (more: object = {}): string => JSON.stringify({ alg: key.alg, kid: key.kid, typ: "JWT", ...more });
    const body = (changes: Record<string, unknown> = {}): string => JSON.stringify(claims(changes));
    const good = (): string => signed(key, head(), body());
    const time = Math.floor(Date.now() / 1000);
    const stranger = this.strangers.find(({ alg }) => alg === key.alg)!;
    const kinds: readonly [string, () => string][] = [
      ["valid", good],
      [
        "valid",
        () =>
          signed(
            key,
            head(),
            body({ aud: this.pick([["x", "billing"], ["orders"], "billing"]), extra: { a: [1, null] } }),
          ),
      ],
      ["valid without kid", () => signed(key, JSON.stringify({ alg: key.alg }), body())],
      ["valid within the skew", () => signed(key, head(), body({ exp: time - 20, nbf: time + 20 }))],
      ["expired", () => signed(key, head(), body({ exp: time - 1000 - this.below(1e6) }))],
      ["not yet valid", () => signed(key, head(), body({ nbf: time + 1000 + this.below(1e6) }))],
      ["iat in the future", () => signed(key, head(), body({ iat: time + 1000 + this.below(1e6) }))],
      [
        "wrong issuer",
        () =>
          signed(
            key,
            head(),
            body({ iss: this.pick([`${ISSUER}/`, "https://evil.example", "", undefined, 1, null, [ISSUER]]) }),
          ),
      ],
      [
        "wrong audience",
        () => signed(key, head(), body({ aud: this.pick(["order", "ORDERS", [], ["x"], undefined, ""]) })),
      ],
      [
        "an audience that is no text",
        () => signed(key, head(), body({ aud: this.pick([1, null, { orders: true }, ["orders", 1], [["orders"]]]) })),
      ],
      ["key of somebody else", () => signed(stranger, head(), body())],
      ["unknown kid", () => signed(key, head({ kid: `k${this.below(1e9)}` }), body())],
      [
        "kid of another key",
        () => signed(key, head({ kid: this.pick(this.keys.filter((other) => other !== key)).kid }), body()),
      ],
      ["kid that is no string", () => signed(key, head({ kid: this.pick([1, null, [], {}, true]) }), body())],
      [
        "another algorithm in the header",
        () =>
          signed(
            key,
            head({
              alg: this.pick([...PUBLIC, ...SECRET, "ES256K", "rs256", "RS1", ""].filter((alg) => alg !== key.alg)),
            }),
            body(),
          ),
      ],
      [
        "alg none",
        () =>
          `${b64(head({ alg: this.pick(["none", "None", "NONE", "nOnE"]) }))}.${b64(body())}.${this.pick(["", good().split(".")[2]!])}`,
      ],
      ["HMAC by the public key", () => this.confused(key, body())],
      ["crit in the header", () => signed(key, head({ crit: this.pick([["exp"], ["x"], []]) }), body())],
      ["b64: false in the header", () => signed(key, head({ b64: false }), body())],
      [
        "a key in the header",
        () =>
          signed(
            stranger,
            head({ jwk: stranger.jwk, jku: "https://evil.example/jwks", x5u: "https://evil.example" }),
            body(),
          ),
      ],
      ["a claim twice", () => signed(key, head(), body().replace("{", '{"iss":"https://evil.example",'))],
      ["a header parameter twice", () => signed(key, head().replace("{", '{"kid":"x",'), body())],
      [
        "exp that is no number",
        () => signed(key, head(), body({ exp: this.pick(["1e12", String(time + 600), true, {}, [time + 600]]) })),
      ],
      ["exp that is negative or zero", () => signed(key, head(), body({ exp: this.pick([-1, -1e12]) }))],
      [
        "exp in the year 10000",
        () => signed(key, head(), body({ exp: this.pick([253402300800, 1e15, 9007199254740991]) })),
      ],
      [
        "nbf or iat that is no number",
        () => signed(key, head(), body({ [this.pick(["nbf", "iat"])]: this.pick(["0", "x", {}, [], true]) })),
      ],
      [
        "times with fractions",
        () => signed(key, head(), body({ exp: time + 600.5, iat: time - 10.25, nbf: time - 10.75 })),
      ],
      ["truncated", () => good().slice(0, this.below(good().length - 1))],
      ["cut in front", () => good().slice(1 + this.below(20))],
      ["more parts", () => good() + this.pick([".", ".x", `.${good()}`])],
      ["standard base64", () => this.standard(good())],
      [
        "padding",
        () =>
          good()
            .split(".")
            .map((part) => part + "=".repeat((4 - (part.length % 4)) % 4))
            .join("."),
      ],
      ["trailing bits", () => this.trailing(good())],
      ["signature in DER", () => this.der(key, head(), body())],
      ["signature cut, longer or zero", () => this.resized(good())],
      ["payload of another token", () => this.swapped(good(), signed(key, head(), body({ sub: "root" })))],
      [
        "payload that is no object",
        () => signed(key, head(), this.pick(["[]", '"x"', "1", "null", "", "{", `${body()}}`])),
      ],
      [
        "malformed UTF-8 in the payload",
        () =>
          signed(
            key,
            head(),
            Buffer.concat([
              Buffer.from(`${body().slice(0, -1)},"x":"`),
              Buffer.from([0xff, 0xfe, 0xc0]),
              Buffer.from('"}'),
            ]),
          ),
      ],
      ["mutated bytes", () => this.mutated(good())],
      ["mutated bytes", () => this.mutated(good())],
    ];
    const [kind, make] = this.pick(kinds);
    return { kind, token: make() };
  }

  private confused(key: Key, payload: string): string {
    if (key.sign instanceof Uint8Array)
      return signed(this.strangers[0]!, JSON.stringify({ alg: "HS256", kid: key.kid }), payload);
    const pem = createPublicKey(key.sign as never).export({ format: "pem", type: "spki" });
    const text = `${b64(JSON.stringify({ alg: "HS256", kid: key.kid }))}.${b64(payload)}`;
    return `${text}.${createHmac("sha256", pem).update(text).digest("base64url")}`;
  }

  /** With + or /, where there is one. */
  private standard(token: string): string {
    const changed = token.replaceAll("-", "+").replaceAll("_", "/");
    return changed === token ? `${token}/` : changed;
  }

  private trailing(token: string): string {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const parts = token.split(".");
    const at = this.below(3);
    const part = parts[at]!;
    if (part.length % 4 === 0) return `${token}A`;
    const last = alphabet.indexOf(part.at(-1)!);
    parts[at] = part.slice(0, -1) + alphabet[last | 1]!;
    return parts[at] === part ? `${token}A` : parts.join(".");
  }

  private der(key: Key, head: string, payload: string): string {
    const text = `${b64(head)}.${b64(payload)}`;
    if (!key.alg.startsWith("ES"))
      return `${text}.${b64(Buffer.concat([Buffer.from([0x30]), signatureOf(key, text)]))}`;
    return `${text}.${signBytes(HASH[key.alg.slice(2)]!, Buffer.from(text), key.sign as never).toString("base64url")}`;
  }

  private resized(token: string): string {
    const [head, payload, sig] = token.split(".") as [string, string, string];
    const bytes = Buffer.from(sig, "base64url");
    const other = this.pick([
      bytes.subarray(1),
      bytes.subarray(0, -1),
      Buffer.concat([bytes, Buffer.alloc(1)]),
      Buffer.concat([Buffer.alloc(1), bytes]),
      Buffer.alloc(bytes.length),
    ]);
    return `${head}.${payload}.${other.toString("base64url")}`;
  }

  private swapped(one: string, other: string): string {
    const [a, b] = [one.split("."), other.split(".")];
    return `${a[0]}.${b[1]}.${a[2]}`;
  }

  private mutated(token: string): string {
    const at = this.below(token.length);
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=~";
    let other = this.pick([...alphabet]);
    if (other === token[at]) other = other === "A" ? "B" : "A";
    return token.slice(0, at) + other + token.slice(at + 1);
  }
}

/** `spoil` changes ours, so that a test can see a difference. */
export async function compareTokens(
  seed: number,
  count: number,
  say: (line: string) => void,
  spoil: (config: object) => object = (config) => config,
): Promise<Outcome> {
  const { wasm } = await build(join(ROOT, "filters/jwt-auth"));
  const keys = async (algs: readonly string[], mark: string) =>
    Promise.all(algs.map((alg) => keyOf(alg, `${alg}-${mark}`)));
  const sets = [
    { algs: PUBLIC, keys: await keys(PUBLIC, "a"), strangers: await keys(PUBLIC, "b") },
    { algs: SECRET, keys: await keys(SECRET, "a"), strangers: await keys(SECRET, "b") },
  ];
  const upstream = http.createServer((req, res) => {
    const seen = ["x-user", "authorization"].map((name) => req.headers[name] ?? null);
    res.end(JSON.stringify(seen));
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const listener = (name: string, filter: envoyConfig.JsonObject): envoyConfig.JsonObject => ({
    ...envoyConfig.listener({ filters: [filter] }),
    name,
  });
  const native = (set: readonly Key[]): envoyConfig.JsonObject => ({
    name: "jwt_authn",
    typed_config: {
      "@type": NATIVE,
      providers: {
        main: {
          issuer: ISSUER,
          audiences: AUDIENCES,
          local_jwks: { inline_string: jwks(...set) },
          claim_to_headers: [{ header_name: "x-user", claim_name: "sub" }],
        },
      },
      rules: [{ match: { prefix: "/" }, requires: { provider_name: "main" } }],
    },
  });
  const ours = (set: readonly Key[], algorithms: readonly string[]): envoyConfig.JsonObject =>
    envoyConfig.staticFilter({
      name: "jwt-auth",
      code: { file: wasm },
      config: new TextEncoder().encode(
        JSON.stringify(
          spoil({
            providers: [
              {
                name: "main",
                issuer: ISSUER,
                audiences: AUDIENCES,
                algorithms,
                jwks: { inline: jwks(...set) },
                requireExp: false,
                claimHeaders: [{ claim: "sub", header: "x-user" }],
              },
            ],
          }),
        ),
      ),
      failurePolicy: "FAIL_CLOSED",
    });
  const envoy = await findEnvoy({ onProgress: say });
  const proxy = await EnvoyProcess.start({
    envoy: envoy.path,
    directory: workDirectory(),
    bootstrap: envoyConfig.bootstrap({
      listeners: sets.flatMap((set, i) => [
        listener(`native-${i}`, native(set.keys)),
        listener(`ours-${i}`, ours(set.keys, set.algs)),
      ]),
      clusters: [
        envoyConfig.cluster({
          name: envoyConfig.UPSTREAM_CLUSTER,
          host: "127.0.0.1",
          port: (upstream.address() as AddressInfo).port,
        }),
      ],
    }),
  });
  const rows = new Map<string, Row>();
  const wrong: string[] = [];
  const headers: string[] = [];
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  try {
    const next = randomFrom(seed);
    for (const [i, set] of sets.entries()) {
      const tokens = new Tokens(next, set.keys, set.strangers);
      const addresses = await Promise.all([`native-${i}`, `ours-${i}`].map((name) => proxy.listenerAddress(name)));
      const most = i === 0 ? Math.ceil(count * 0.8) : count - Math.ceil(count * 0.8);
      for (let n = 0; n < most; n++) {
        const { kind, token } = tokens.make();
        const [theirs, mine] = await Promise.all(addresses.map((address) => ask(agent, address, token)));
        const row = rows.get(kind) ?? { tokens: 0, bothAllow: 0, bothDeny: 0, onlyNative: 0 };
        rows.set(kind, row);
        row.tokens++;
        const allowed = [theirs!.status === 200, mine!.status === 200];
        if (allowed[0] && allowed[1]) row.bothAllow++;
        else if (!allowed[0] && !allowed[1]) row.bothDeny++;
        else if (allowed[0] && kind in STRICTER) row.onlyNative++;
        else wrong.push(`${kind}: Envoy ${theirs!.status}, ours ${mine!.status}: ${token}`);
        if (allowed[0] && allowed[1] && theirs!.body !== mine!.body)
          headers.push(`${kind}: ${theirs!.body} and ${mine!.body}`);
        if (n % 1000 === 999) say(`${n + 1} of ${most} tokens, ${wrong.length} wrong`);
      }
    }
  } finally {
    agent.destroy();
    await proxy.stop();
    upstream.closeAllConnections();
    upstream.close();
  }
  return { tokens: count, rows, wrong, headers };
}

function ask(agent: http.Agent, address: string, token: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { host: "example.test", "x-user": "root", authorization: `Bearer ${token}` };
    const { hostname, port } = new URL(`http://${address}`);
    const request = http.get({ host: hostname, port, agent, headers }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on("error", reject);
  });
}
