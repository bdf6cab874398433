import assert from "node:assert/strict";
import type { Fuzzed } from "../fuzz.js";

function of(name: "base64" | "base64url", exported: string, url: number): Fuzzed {
  const text = (bytes: number[]): string => Buffer.from(bytes).toString(name);
  return {
    name,
    driver: "base64",
    export: exported,
    corpus: ["", text([1]), text([1, 2]), text([0xfb, 0xff, 0xfe]), text([...Array(120).keys()]), "====", "AAA"],
    dictionary: ["A", "Q", "=", "==", "-", "_", "/", "+", "QQ==", "AAAA"],
    check(input, result, program) {
      const given = input.toString("latin1");
      const bytes = Buffer.from(given, name);
      const right = bytes.toString(name) === given;
      assert.equal(result >= 0, right);
      assert.deepEqual(program.bytesOrNull("decode", input, url), right ? bytes : null);
      // What comes before the error is no error.
      if (!right) assert.ok(-1 - result <= given.length);
    },
    oracle: "Node's Buffer, there and back",
  };
}

export const FUZZED: Fuzzed[] = [of("base64", "standard", 0), of("base64url", "urlSafe", 1)];
