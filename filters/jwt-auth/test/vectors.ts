/* Published vectors at the level of JWS and JWK: Wycheproof, and the JOSE cookbook (RFC 7520, 7797, 8037). */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { JWK } from "jose";
import { createProxy, type HostName } from "meshwasm/testing";

const FOLDER = new URL("../../../../shared/vectors/", import.meta.url);
const probe = fileURLToPath(new URL("jws", import.meta.url));

/** Why there are none, or false. */
export function withoutVectors(): string | false {
  return existsSync(FOLDER) ? false : "not compared with vectors: there is no ../shared/vectors";
}

export interface Vector {
  readonly id: string;
  readonly keys: readonly JWK[];
  readonly jws: string;
  readonly valid: boolean;
}

interface Group {
  readonly comment: string;
  readonly private: JWK & { keys?: JWK[] };
  readonly public?: JWK & { keys?: JWK[] };
  readonly tests: readonly { tcId: number; comment: string; jws: string; result: "valid" | "invalid" }[];
}

/** Vectors whose verdict contradicts others of the same file, or what the filter must do. */
export const CONTRADICTIONS: Readonly<Record<string, string>> = {
  "json_web_signature_test 346":
    "PS384 by a key for PS256: elsewhere in the file a wrong primitive, RFC 7517, section 4.4",
  "json_web_signature_test 350": "the same with key_ops",
  "json_web_signature_test 367": "has no padding: it is the same token as one that is valid",
  "json_web_signature_test 370": "has no padding: it is the same token as one that is valid",
  "json_web_signature_test 372": "a ? in the header is to be passed over: RFC 7515, section 2 wants base64url alone",
  "json_web_signature_test 373": "a ? in the payload is to be passed over: RFC 7515, section 2 wants base64url alone",
};

/** Every vector of json_web_signature_test or json_web_key_test. */
export function wycheproof(name: string): Vector[] {
  const text = readFileSync(new URL(`wycheproof/${name}.json`, FOLDER), "utf8");
  return (JSON.parse(text) as { testGroups: Group[] }).testGroups.flatMap((group) => {
    const set = group.public ?? group.private;
    const keys = set.keys ?? [set];
    return group.tests.map(({ tcId, comment, jws, result }) => ({
      id: `${name} ${tcId} (${group.comment}: ${comment})`,
      keys,
      jws,
      valid: result === "valid",
    }));
  });
}

interface Example {
  readonly title: string;
  readonly input: { readonly key?: JWK; readonly keys?: JWK[] };
  readonly output: { readonly compact?: string };
}

/** The compact examples of the cookbook. One whose payload is not encoded, or elsewhere, is none that we take. */
export function cookbook(): Vector[] {
  return ["jws", "curve25519", "rfc7797"].flatMap((folder) =>
    readdirSync(new URL(`jose-cookbook/${folder}`, FOLDER)).flatMap((file) => {
      const { title, input, output } = JSON.parse(
        readFileSync(new URL(`jose-cookbook/${folder}/${file}`, FOLDER), "utf8"),
      ) as Example;
      if (output.compact === undefined) return [];
      const detached = output.compact.includes("..");
      const key = input.key ?? input.keys![0]!;
      return [{ id: title, keys: [key], jws: output.compact, valid: !detached && folder !== "rfc7797" }];
    }),
  );
}

/** Vectors with another verdict than theirs: "FILE NUMBER (what it is): the verdict". */
export async function differences(vectors: readonly Vector[], host?: HostName): Promise<string[]> {
  const found: string[] = [];
  const sets = new Map<string, Vector[]>();
  for (const vector of vectors) {
    const key = JSON.stringify({ keys: vector.keys });
    sets.set(key, [...(sets.get(key) ?? []), vector]);
  }
  await using proxy = await createProxy({ filter: probe, config: { jwks: '{"keys":[]}' }, ...(host ? { host } : {}) });
  for (const [set, list] of sets) {
    await proxy.reconfigure({ jwks: set });
    for (const { id, jws, valid } of list) {
      // A header's value has no control characters, and no blanks at its ends.
      if (/[^\x20-\x7e]/.test(jws) || jws !== jws.trim()) {
        if (valid) found.push(`${id}: cannot be sent`);
        continue;
      }
      const verdict = (await proxy.request({ headers: { "x-jws": jws } })).headers.get("x-verdict");
      if ((verdict === "valid") !== valid) found.push(`${id}: ${verdict}`);
    }
  }
  return found;
}
