/* JSON Web Keys (RFC 7517, 7518 section 6, 8037): RSA, EC, OKP with Ed25519, oct. Members that are not known are passed over,
 * as the RFC wants; one that is known and not right makes the key none. */

import { decodeBase64Url, decodedBase64Max, toBase64Url } from "./base64";
import { curveName, curveNamed } from "./curve";
import { JsonValue } from "./json-value";
import { JsonWriter } from "./json-writer";
import { KeyMaterial, KeyType } from "./key-material";
import { refuse } from "./refusal";
import { newBuffer, Slice } from "./slice";

/** Most characters of a member with bytes of the key. */
const TEXT_MAX: u32 = 131072;
/** Most values of key_ops. */
const OPERATIONS_MAX: i32 = 32;

export class Jwk {
  private constructor(
    readonly material: KeyMaterial,
    /** Members that say what the key is for; null when they are not there. */
    readonly kid: string | null,
    readonly alg: string | null,
    readonly use: string | null,
    readonly keyOps: string[] | null,
    /** Whether the private half is there as well, which nobody who only verifies should have. */
    readonly isPrivate: bool,
  ) {}

  /** The key of a JSON object; null, with a refusalReason, when it is none that we know. */
  static of(json: JsonValue): Jwk | null {
    if (!json.isObject) return none("a key is no object");
    for (let i = 0; i < 4; i++) {
      const member = json.get(textMember(i));
      if (!member.isMissing && !member.isString) return none(textMember(i) + " is no string");
    }
    const material = materialOf(json);
    if (!material) return null;
    let keyOps: string[] | null = null;
    const operations = json.get("key_ops");
    if (!operations.isMissing) {
      if (!operations.isArray || operations.length > OPERATIONS_MAX) return none("key_ops is no array or too long");
      keyOps = new Array<string>();
      for (let i = 0; i < operations.length; i++) {
        if (!operations.at(i).isString) return none("key_ops has a value that is no string");
        const operation = operations.at(i).text();
        if (keyOps.includes(operation)) return none("key_ops has a value twice");
        keyOps.push(operation);
      }
    }
    return new Jwk(
      material,
      optional(json, "kid"),
      optional(json, "alg"),
      optional(json, "use"),
      keyOps,
      material.type != KeyType.Oct && json.has("d"),
    );
  }
}

/** The public key, or the secret, as JSON, with a kid if there is one. */
export function writeJwk(key: KeyMaterial, kid: string | null = null): string {
  const writer = new JsonWriter().beginObject();
  const isRsa = key.type == KeyType.Rsa;
  const type = isRsa ? "RSA" : key.type == KeyType.Ec ? "EC" : key.type == KeyType.Okp ? "OKP" : "oct";
  writer.writeKey("kty").writeString(type);
  if (kid !== null) writer.writeKey("kid").writeString(kid);
  if (key.type == KeyType.Ec || key.type == KeyType.Okp) writer.writeKey("crv").writeString(curveName(key.curve));
  const first = isRsa ? "n" : key.type == KeyType.Oct ? "k" : "x";
  writer.writeKey(first).writeString(toBase64Url(key.first.toBytes()));
  if (key.second.length) writer.writeKey(isRsa ? "e" : "y").writeString(toBase64Url(key.second.toBytes()));
  return writer.endObject().toText();
}

function textMember(i: i32): string {
  return i == 0 ? "kty" : i == 1 ? "kid" : i == 2 ? "alg" : "use";
}

function optional(json: JsonValue, name: string): string | null {
  const member = json.get(name);
  return member.isString ? member.text() : null;
}

function materialOf(json: JsonValue): KeyMaterial | null {
  const type = json.get("kty");
  if (type.equals("RSA")) {
    const n = bytesOf(json, "n");
    const e = n ? bytesOf(json, "e") : null;
    return n && e ? KeyMaterial.rsa(n, e) : null;
  }
  if (type.equals("oct")) {
    const k = bytesOf(json, "k");
    return k ? KeyMaterial.oct(k) : null;
  }
  const isEc = type.equals("EC");
  if (!isEc && !type.equals("OKP")) return nothing(type.isMissing ? "kty is missing" : "kty is unknown");
  const name = json.get("crv");
  if (!name.isString) return nothing("crv is missing or no string");
  const x = bytesOf(json, "x");
  if (!x) return null;
  const curve = curveNamed(name.textPtr, name.textLength);
  if (isEc) {
    const y = bytesOf(json, "y");
    return y ? KeyMaterial.ec(curve, x, y) : null;
  }
  return name.equals("Ed25519") ? KeyMaterial.ed25519(x) : nothing("crv is unknown");
}

/** The bytes of a member in base64url. */
function bytesOf(json: JsonValue, name: string): Slice | null {
  const member = json.get(name);
  if (!member.isString || member.textLength > TEXT_MAX) {
    refuse(name + " is missing, no string or too long");
    return null;
  }
  const buffer = newBuffer(decodedBase64Max(member.textLength));
  const length = decodeBase64Url(member.textPtr, member.textLength, changetype<usize>(buffer));
  if (length < 0) {
    refuse(name + " is not base64url");
    return null;
  }
  return new Slice(buffer, 0, <i32>length);
}

function nothing(reason: string): KeyMaterial | null {
  refuse(reason);
  return null;
}

function none(reason: string): Jwk | null {
  refuse(reason);
  return null;
}
