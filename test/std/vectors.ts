/* Published test vectors, which lie beside the repository: ../shared/vectors. */

import { existsSync, readFileSync } from "node:fs";

const FOLDER = new URL("../../../shared/vectors/", import.meta.url);

/** Why there are none, or false. */
export function withoutVectors(): string | false {
  return existsSync(FOLDER) ? false : "not compared with Wycheproof: there is no ../shared/vectors";
}

export interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly msg: string;
  readonly result: "valid" | "invalid" | "acceptable";
}

/** The groups of a file of Wycheproof. */
export function wycheproof<Group, Test>(name: string): (Group & { readonly tests: readonly (Vector & Test)[] })[] {
  const { testGroups } = JSON.parse(readFileSync(new URL(`wycheproof/${name}.json`, FOLDER), "utf8")) as {
    testGroups: (Group & { tests: (Vector & Test)[] })[];
  };
  return testGroups;
}

export const unhex = (text: string): Buffer => Buffer.from(text, "hex");
