/* A compact JWS (RFC 7515), read strictly. Nothing of its header chooses a key but kid, and alg only among those allowed. */

import { decodeBase64Url, decodedBase64Max } from "meshwasm/sdk/std/base64";
import { JsonDocument, JsonLimits } from "meshwasm/sdk/std/json-value";
import { Algorithm } from "./config";

/** Names as in RFC 7518 and RFC 8037, in the order of Algorithm. */
const NAMES: string[] = [
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
];

/** The algorithm of this name; Unset for any other. */
export function algorithmNamed(name: string): Algorithm {
  return <Algorithm>NAMES.indexOf(name);
}

export class Jws {
  /** Why the last one was refused; never a piece of it. */
  static reason: string = "";

  private constructor(
    readonly alg: Algorithm,
    /** Null: the header has none. */
    readonly kid: string | null,
    /** "" when the header has none. */
    readonly typ: string,
    /** What is signed: header and payload as they were sent. */
    readonly signed: Uint8Array,
    readonly signature: Uint8Array,
    readonly payload: Uint8Array,
  ) {}

  /** Null with the reason in `reason`. */
  static parse(token: Uint8Array): Jws | null {
    const first = token.indexOf(0x2e);
    const second = first < 0 ? -1 : token.indexOf(0x2e, first + 1);
    if (second < 0) return refuse("a token has three parts");
    if (token.indexOf(0x2e, second + 1) >= 0) return refuse("a token has three parts");
    const head = part(token, 0, first);
    if (head === null || !head.length) return refuse("the header is not base64url");
    const payload = part(token, first + 1, second);
    if (payload === null) return refuse("the payload is not base64url");
    const signature = part(token, second + 1, token.length);
    if (signature === null) return refuse("the signature is not base64url");
    if (!signature.length) return refuse("there is no signature");
    const limits = new JsonLimits();
    limits.depth = 8;
    const header = JsonDocument.fromBytes(head, limits).root;
    if (!header.isObject) return refuse("the header is no JSON object");
    const alg = header.get("alg");
    if (!alg.isString) return refuse("the header has no alg");
    const algorithm = algorithmNamed(alg.text());
    if (algorithm == Algorithm.Unset) return refuse("the algorithm is not known");
    // RFC 7515, section 4.1.11: what is critical must be understood, and nothing here is.
    if (header.has("crit")) return refuse("the header has crit");
    const b64 = header.get("b64");
    if (!b64.isMissing && !b64.bool()) return refuse("the payload is not encoded");
    const kid = header.get("kid");
    if (!kid.isMissing && !kid.isString) return refuse("kid is no string");
    const typ = header.get("typ");
    if (!typ.isMissing && !typ.isString) return refuse("typ is no string");
    return new Jws(
      algorithm,
      kid.isMissing ? null : kid.text(),
      typ.text(),
      token.subarray(0, second),
      signature,
      payload,
    );
  }
}

function part(token: Uint8Array, from: i32, to: i32): Uint8Array | null {
  const bytes = new Uint8Array(<i32>decodedBase64Max(to - from));
  const length = decodeBase64Url(token.dataStart + from, to - from, bytes.dataStart);
  return length < 0 ? null : bytes.subarray(0, <i32>length);
}

function refuse(reason: string): Jws | null {
  Jws.reason = reason;
  return null;
}
