/* Run by `meshwasm test` under node --test: the cases of the files that MESHWASM_CASES names. */

import { relative } from "node:path";
import { describe, test } from "node:test";
import { caseTests } from "./run.js";

for (const file of JSON.parse(process.env["MESHWASM_CASES"] ?? "[]") as string[]) {
  describe(relative(process.cwd(), file), () => caseTests(test, file));
}
