/* format: secret-env: a secret that is not in the configuration, but in an environment variable of the VM. */

import { env } from "../env";
import { JsonReader } from "../std/json";

/** The name of an environment variable that holds a secret. */
export class SecretEnv {
  constructor(readonly name: string = "") {}

  /** The secret; null when the VM has no such variable. What a filter then does must be to deny. */
  get value(): string | null {
    return this.name.length ? env.get(this.name) : null;
  }

  /** As bytes, which may be any. */
  get bytes(): Uint8Array | null {
    return this.name.length ? env.getBytes(this.name) : null;
  }
}

/** A string with the name of an environment variable: letters, digits and _, no digit first. */
export function readSecretEnv(json: JsonReader): SecretEnv {
  const name = readVariable(json);
  return new SecretEnv(name);
}

/** The name alone. */
export function readVariable(json: JsonReader): string {
  const name = json.readString();
  if (!json.ok) return name;
  let good = name.length > 0;
  for (let i = 0; good && i < name.length; i++) {
    const c = name.charCodeAt(i);
    good = <u32>(c | 0x20) - 0x61 < 26 || c == 0x5f || (i > 0 && <u32>c - 0x30 < 10);
  }
  if (!good) json.fail("is no name of an environment variable");
  return name;
}
