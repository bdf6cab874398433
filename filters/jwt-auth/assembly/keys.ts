/* Keys, and the signatures that they verify. The type of the key decides the family of the algorithm, never the token. */

import { foreign } from "meshwasm/sdk";
import { SecretValue } from "meshwasm/filters/common";
import { Curve } from "meshwasm/sdk/std/curve";
import { Digest } from "meshwasm/sdk/std/digest";
import { ecdsaToDer } from "meshwasm/sdk/std/ecdsa-signature";
import { Ed25519Key } from "meshwasm/sdk/std/ed25519";
import { Hmac } from "meshwasm/sdk/std/hmac";
import { JsonDocument } from "meshwasm/sdk/std/json-value";
import { Jwk } from "meshwasm/sdk/std/jwk";
import { KeyMaterial, KeyType } from "meshwasm/sdk/std/key-material";
import { refusalReason } from "meshwasm/sdk/std/refusal";
import { RsaKey } from "meshwasm/sdk/std/rsa";
import { Sha256 } from "meshwasm/sdk/std/sha256";
import { Sha384, Sha512 } from "meshwasm/sdk/std/sha512";
import { writeSpki } from "meshwasm/sdk/std/spki";
import { Algorithm } from "./config";
import { algorithmNamed, Jws } from "./jws";

/** Keys of a set. */
const MOST_KEYS: i32 = 100;
/** Keys that are tried for a token without kid. */
const MOST_TRIED: i32 = 10;

/** What Envoy's verify_signature does here: RSA with PKCS #1, and ECDSA. */
export class Host {
  verifies: bool = false;
}

export class Key {
  private constructor(
    readonly kid: string | null,
    /** Unset: any of its type. */
    private alg: Algorithm,
    private type: KeyType,
    private curve: Curve,
    private secret: Uint8Array | null,
    private rsa: RsaKey | null,
    private ed: Ed25519Key | null,
    /** DER, for the host. */
    private spki: Uint8Array | null,
  ) {}

  get isSymmetric(): bool {
    return this.type == KeyType.Oct;
  }

  static secretOf(bytes: Uint8Array): Key {
    return new Key(null, Algorithm.Unset, KeyType.Oct, Curve.None, bytes, null, null, null);
  }

  /** Null, with a refusalReason, when it verifies nothing. */
  static of(jwk: Jwk): Key | null {
    const material = jwk.material;
    const named = jwk.alg;
    // Some issuers name ES512 by its curve.
    const alg = named === null ? Algorithm.Unset : algorithmNamed(named == "ES521" ? "ES512" : named);
    // A key for an algorithm that is none of ours fits none.
    const fits = named === null || alg != Algorithm.Unset;
    const none = fits ? alg : <Algorithm>(<i32>Count.None);
    const kid = jwk.kid;
    switch (material.type) {
      case KeyType.Oct: {
        const bytes = new Uint8Array(material.first.length);
        memory.copy(bytes.dataStart, material.first.ptr, bytes.length);
        return new Key(kid, none, material.type, Curve.None, bytes, null, null, null);
      }
      case KeyType.Rsa: {
        const rsa = RsaKey.of(material.first.ptr, material.first.length, material.second.ptr, material.second.length);
        return rsa ? new Key(kid, none, material.type, Curve.None, null, rsa, null, writeSpki(material)) : null;
      }
      case KeyType.Okp: {
        const ed = Ed25519Key.of(material.first.ptr, material.first.length);
        return ed ? new Key(kid, none, material.type, material.curve, null, null, ed, null) : null;
      }
      default:
        return new Key(kid, none, material.type, material.curve, null, null, null, writeSpki(material));
    }
  }

  /** Whether it may be used for the algorithm. */
  fits(alg: Algorithm): bool {
    if (this.alg != Algorithm.Unset && this.alg != alg) return false;
    if (alg <= Algorithm.HS512) return this.type == KeyType.Oct;
    if (alg <= Algorithm.PS512) return this.type == KeyType.Rsa;
    if (alg == Algorithm.EdDSA) return this.type == KeyType.Okp;
    if (this.type != KeyType.Ec) return false;
    if (alg == Algorithm.ES256) return this.curve == Curve.P256;
    return this.curve == (alg == Algorithm.ES384 ? Curve.P384 : Curve.P521);
  }

  verifies(jws: Jws, host: Host): bool {
    const alg = jws.alg;
    if (!this.fits(alg)) return false;
    const text = jws.signed;
    const signature = jws.signature;
    const secret = this.secret;
    if (secret !== null) {
      const digest = digestOf(alg);
      // RFC 7518, section 3.2: a shorter key is easier to guess than the code.
      if (secret.length < digest.size) return false;
      const hmac = new Hmac(digest, secret.dataStart, secret.length);
      return hmac.update(text.dataStart, text.length).verify(signature.dataStart, signature.length);
    }
    const ed = this.ed;
    if (ed) return ed.verify(text.dataStart, text.length, signature.dataStart, signature.length);
    const rsa = this.rsa;
    const spki = this.spki;
    if (rsa) {
      if (signature.length != rsa.size) return false;
      if (alg >= Algorithm.PS256)
        return rsa.verifyPss(digestOf(alg), text.dataStart, text.length, signature.dataStart, signature.length);
      if (host.verifies && spki !== null) return foreign.verifySignature(hashOf(alg), spki, signature, text);
      return rsa.verifyPkcs1(digestOf(alg), text.dataStart, text.length, signature.dataStart, signature.length);
    }
    if (spki === null || !host.verifies) return false;
    const der = ecdsaToDer(this.curve, signature.dataStart, signature.length);
    return der !== null && foreign.verifySignature(hashOf(alg), spki, der, text);
  }

  /** Whether only the host can verify with it. */
  get needsHost(): bool {
    return this.type == KeyType.Ec;
  }
}

/** No algorithm has this number. */
const enum Count {
  None = 99,
}

function hashOf(alg: Algorithm): string {
  const size = <i32>alg % 3;
  return size == 0 ? "sha256" : size == 1 ? "sha384" : "sha512";
}

function digestOf(alg: Algorithm): Digest {
  const size = <i32>alg % 3;
  if (size == 0) return new Sha256();
  return size == 1 ? new Sha384() : new Sha512();
}

/** How a token and a key set met. */
export const enum Match {
  Verified,
  /** No key has the token's kid. */
  UnknownKid,
  /** No key of the set may be used for it, or the signature is wrong. */
  Wrong,
}

export class KeySet {
  /** Why the last one was refused. */
  static reason: string = "";
  readonly keys: Key[] = [];
  /** Keys that were left out. */
  skipped: i32 = 0;

  static ofSecret(secret: SecretValue): KeySet | null {
    const bytes = secret.bytes;
    if (bytes === null) return refuse("the secret itself is needed, not its hash");
    const set = new KeySet();
    set.keys.push(Key.secretOf(bytes));
    return set;
  }

  /**
   * Reads a JWK Set. `strict`: one key that verifies nothing refuses all; else it is left out, as an issuer may have keys
   * for others. A type of key that we do not know is left out in any case (RFC 7517, section 5).
   */
  static parse(json: Uint8Array, strict: bool, host: Host): KeySet | null {
    const document = JsonDocument.fromBytes(json);
    if (!document.ok) return refuse("is not JSON: " + document.error);
    const keys = document.root.get("keys");
    if (!keys.isArray) return refuse("is no JSON Web Key Set: it has no keys");
    if (keys.length > MOST_KEYS) return refuse("has more than 100 keys");
    const set = new KeySet();
    let symmetric = 0;
    for (let i = 0; i < keys.length; i++) {
      const json = keys.at(i);
      const kid = json.get("kid");
      for (let j = 0; kid.isString && j < i; j++) {
        // Of two keys of one name nobody can say which is meant, whatever they are for.
        if (keys.at(j).get("kid").equals(kid.text())) return refuse("has two keys of one kid");
      }
      const type = json.get("kty");
      const known = type.equals("RSA") || type.equals("EC") || type.equals("OKP") || type.equals("oct");
      const jwk = known ? Jwk.of(json) : null;
      const use = jwk ? jwk.use : null;
      const operations = jwk ? jwk.keyOps : null;
      const forOthers = (use !== null && use != "sig") || (operations !== null && !operations.includes("verify"));
      const key = jwk && !forOthers ? Key.of(jwk) : null;
      if (jwk && jwk.isPrivate && strict) return refuse(`keys[${i}] is a private key, which must not be here`);
      if (!key) {
        if (strict && known && !forOthers) return refuse(`keys[${i}]: ` + refusalReason);
        set.skipped++;
        continue;
      }
      if (key.needsHost && !host.verifies) {
        if (strict) return refuse(`keys[${i}]: this Envoy has no verify_signature, which ECDSA needs`);
        set.skipped++;
        continue;
      }
      if (key.isSymmetric) symmetric++;
      set.keys.push(key);
    }
    if (!set.keys.length) return refuse("has no key that verifies anything");
    // A public key must never be taken for a secret, nor the other way round.
    if (symmetric && symmetric != set.keys.length) return refuse("has secrets beside public keys");
    return set;
  }

  match(jws: Jws, host: Host): Match {
    const kid = jws.kid;
    let tried = 0;
    let named = false;
    for (let i = 0; i < this.keys.length && tried < MOST_TRIED; i++) {
      const key = this.keys[i];
      if (kid !== null && key.kid !== null) {
        if (key.kid != kid) continue;
        named = true;
      }
      if (!key.fits(jws.alg)) continue;
      tried++;
      if (key.verifies(jws, host)) return Match.Verified;
    }
    return kid !== null && !named && !tried ? Match.UnknownKid : Match.Wrong;
  }
}

function refuse(reason: string): KeySet | null {
  KeySet.reason = reason;
  return null;
}
