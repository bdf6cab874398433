import assert from "node:assert/strict";
import { loosely, modelOf, type Kind } from "../oracles/structured.js";
import type { Fuzzed } from "../fuzz.js";

const KINDS: Kind[] = ["item", "list", "dictionary"];

export const FUZZED: Fuzzed[] = [
  {
    name: "structured fields",
    driver: "structured",
    export: "verdict",
    corpus: [
      'a;q=0.5;b, "b \\" c";x=?0, (1 -2.125 tok:/en);lvl=1',
      'a=1, b, c=(x y);z, d="s";a=1;b=2;a=3, a=(1 2 3);q=@1659578233',
      ":aGVsbG8gd29ybGQ=:, :YQ:, ::",
      '@-1659578233;a=%"f%c3%bc%c3%bc"',
      '%"Display %25 %f0%9f%98%80"',
      "?1;foo;*bar=?0",
      "123456789012345, -999999999999999, 123456789012.125",
      "u=2, i, a-b_c.d*e=();x",
      "sugar, tea, rum",
    ],
    dictionary: [
      '"',
      "(",
      ")",
      ";",
      ", ",
      "=",
      "?1",
      ":",
      '%"',
      "@",
      "*a",
      '\\"',
      "%c3%a9",
      ":AAA=:",
      "1.5",
      "-",
      "a=",
      " ",
    ],
    check(input, result, program) {
      assert.ok(result < 8, `verdict ${result}`);
      KINDS.forEach((kind, i) => {
        program.number("setKind", i);
        const dumped = program.bytesOrNull("dump", input);
        assert.deepEqual(dumped && loosely(JSON.parse(dumped.toString())), modelOf(kind, input), kind);
      });
    },
    oracle: "structured-headers",
  },
];
