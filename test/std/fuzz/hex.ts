import assert from "node:assert/strict";
import type { Fuzzed } from "../fuzz.js";

export const FUZZED: Fuzzed[] = [
  {
    name: "hex",
    driver: "hex",
    export: "decodedLength",
    corpus: ["", "00", "0123456789abcdefABCDEF", "ff".repeat(100), "deadbeef"],
    dictionary: ["a", "F", "g", "G", "`", "@"],
    check(input, result, program) {
      const text = input.toString("latin1");
      const good = /^[0-9a-f]*/i.exec(text)![0].length;
      const right = good === text.length && good % 2 === 0;
      assert.equal(result, right ? good / 2 : -1 - good);
      assert.deepEqual(program.bytesOrNull("decode", input), right ? Buffer.from(text, "hex") : null);
    },
    oracle: "Node's Buffer and a regular expression",
  },
];
