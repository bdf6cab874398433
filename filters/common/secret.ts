/* Secrets of a configuration: compared in constant time, never logged. */

import { sameInConstantTime } from "meshwasm/sdk/std/constanttime";
import { fromHex } from "meshwasm/sdk/std/hex";
import { sha256 } from "meshwasm/sdk/std/sha256";
import { toUtf8 } from "meshwasm/sdk/std/utf8";
import { Secret, SecretKind } from "./config";

export class SecretValue {
  /** Why the last one was refused, with what stands behind the path that was given to `compile`. */
  static refusal: string = "";

  private constructor(
    /** The secret; null when only its hash is known. */
    readonly bytes: Uint8Array | null,
    private hash: Uint8Array,
  ) {}

  /** Reads it; null with path and reason in `refusal`, also when the variable is not there. */
  static compile(secret: Secret, path: string): SecretValue | null {
    switch (secret.kind) {
      case SecretKind.Sha256: {
        const hash = fromHex(secret.sha256!.sha256);
        return hash !== null && hash.length == 32
          ? new SecretValue(null, hash)
          : refuse(path + ".sha256: must be 64 hexadecimal digits");
      }
      case SecretKind.Env: {
        const from = secret.env!.env;
        const value = from.bytes;
        if (value === null || !value.length)
          return refuse(path + ".env: the proxy has no environment variable " + from.name);
        return new SecretValue(value, hashOf(value.dataStart, value.length));
      }
      default: {
        const value = toUtf8(secret.literal);
        return new SecretValue(value, hashOf(value.dataStart, value.length));
      }
    }
  }

  /** Whether these bytes are the secret. How long it takes tells nothing of where they differ, nor of the secret's length. */
  equals(ptr: usize, length: usize): bool {
    const hash = hashOf(ptr, length);
    return sameInConstantTime(hash.dataStart, this.hash.dataStart, 32);
  }
}

function hashOf(ptr: usize, length: usize): Uint8Array {
  const hash = new Uint8Array(32);
  sha256(ptr, length, hash.dataStart);
  return hash;
}

function refuse(reason: string): SecretValue | null {
  SecretValue.refusal = reason;
  return null;
}
