/* What a key is made of, whatever form it came in: SubjectPublicKeyInfo (spki.ts) or JWK (jwk.ts). RsaKey.of and
 * Ed25519Key.of take it from here, the host's verify_signature takes what spki.ts writes. */

import { Curve, curveSize } from "./curve";
import { refuse } from "./refusal";
import { Slice } from "./slice";

export const enum KeyType {
  Rsa = 1,
  Ec = 2,
  /** Ed25519. */
  Okp = 3,
  /** A secret, for HMAC. */
  Oct = 4,
}

/** Most bytes of a modulus (8192 bits), an exponent, and a secret. */
const MODULUS_MAX: i32 = 1024;
const EXPONENT_MAX: i32 = 1024;
const SECRET_MAX: i32 = 65536;

export class KeyMaterial {
  private constructor(
    readonly type: KeyType,
    readonly curve: Curve,
    /** RSA: the modulus; EC and Ed25519: x; a secret: its bytes. Big-endian. */
    readonly first: Slice,
    /** RSA: the exponent; EC: y; otherwise empty. */
    readonly second: Slice,
  ) {}

  /** A key of RSA: two numbers above 0, without zeros in front. What makes a good one, RsaKey.of checks. */
  static rsa(n: Slice, e: Slice): KeyMaterial | null {
    if (!isNumber(n, MODULUS_MAX)) return none("the modulus is empty, begins with zero or is too long");
    if (!isNumber(e, EXPONENT_MAX)) return none("the exponent is empty, begins with zero or is too long");
    return new KeyMaterial(KeyType.Rsa, Curve.None, n, e);
  }

  /** A key of P-256, P-384 or P-521. That the point is on the curve, only who verifies with it checks. */
  static ec(curve: Curve, x: Slice, y: Slice): KeyMaterial | null {
    const size = curveSize(curve);
    if (!size || curve == Curve.Ed25519) return none("the curve is unknown");
    if (x.length != size || y.length != size) return none("a coordinate is of another length than the curve's");
    return new KeyMaterial(KeyType.Ec, curve, x, y);
  }

  /** A key of Ed25519. */
  static ed25519(x: Slice): KeyMaterial | null {
    if (x.length != curveSize(Curve.Ed25519)) return none("an Ed25519 key has 32 bytes");
    return new KeyMaterial(KeyType.Okp, Curve.Ed25519, x, x.first(0));
  }

  /** A secret of one byte or more. How many it needs hangs on the algorithm. */
  static oct(k: Slice): KeyMaterial | null {
    if (!k.length || k.length > SECRET_MAX) return none("the secret is empty or too long");
    return new KeyMaterial(KeyType.Oct, Curve.None, k, k.first(0));
  }
}

function isNumber(bytes: Slice, most: i32): bool {
  return bytes.length > 0 && bytes.length <= most && load<u8>(bytes.ptr) != 0;
}

function none(reason: string): KeyMaterial | null {
  refuse(reason);
  return null;
}
