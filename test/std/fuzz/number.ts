import assert from "node:assert/strict";
import type { Fuzzed } from "../fuzz.js";

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

export const FUZZED: Fuzzed[] = [
  {
    name: "number",
    driver: "number",
    export: "verdict",
    corpus: [
      ...[
        "0",
        "-1",
        "3.14159",
        "1e10",
        "-2.5E-3",
        "9007199254740993",
        "18446744073709551615",
        "1.7976931348623157e308",
      ],
      ...[
        "2.2250738585072014e-308",
        "5e-324",
        "2.4703282292062327208299613843648438e-324",
        "9007199254740992.99999999999",
      ],
      ...["179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096e206"],
      ...["4503599627370496.5", "1090544144181609278303144771584", "123456789012345678901234567890e-20"],
    ],
    dictionary: ["e", "E-", "e+", ".", "0.", "e308", "e-324", "e-308", "5e-324", "00000", "99999999999", "4999999"],
    longest: 256,
    check(input, result, program) {
      const text = input.toString("latin1");
      const isNumber = NUMBER.test(text);
      assert.equal(result, isNumber ? 1 : 0);
      if (isNumber) assert.ok(Object.is(program.float("readF64", input), Number(text)));
    },
    oracle: "Node's Number",
  },
];
