import assert from "node:assert/strict";
import type { Fuzzed } from "../fuzz.js";
import { cookiePairs } from "../oracles/cookies.js";

export const FUZZED: Fuzzed[] = [
  {
    name: "cookies",
    driver: "cookie",
    export: "verdict",
    corpus: [
      "SID=31d4d96e407aad42; lang=en-US; SID=other",
      'a="b c";b=c=d;; =x;y ;\tz\t= 1 ; __Host-id="q"',
      "session=eyJhbGciOiJIUzI1NiJ9.e30.XmNK3GpH3Ys_7wsYBfq4C3M6goz71I7dTgUkuIa5lyQ; x=",
    ],
    dictionary: [";", "; ", "=", '"', " ", "\t", "a", "__Secure-", "\\", "%3b"],
    check(input, result, program) {
      assert.notEqual(result, 0xffff);
      const model = cookiePairs(input.toString("latin1"));
      assert.equal(program.text("pairs", input), model);
      assert.equal(result, model ? model.split(";").length : 0);
    },
    oracle: "String.split",
  },
];
