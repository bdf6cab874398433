import assert from "node:assert/strict";
import type { Fuzzed } from "../fuzz.js";
import { encodedBy, ENCODERS } from "../oracles/template.js";

export const FUZZED: Fuzzed[] = [
  {
    name: "template encoders",
    driver: "template",
    export: "verdict",
    corpus: [
      "plain-text_1.~",
      "a b&c=d/é%2f?#[]@!$'()*+,;:",
      '<script>alert("x\\n")</script>',
      "line\r\nset-cookie: a=b\t\0\x7f",
      "\u{1f600}日本語\u2028",
    ],
    check(input, result, program) {
      const encoded = ENCODERS.map((encoder, i) => {
        const bytes = program.bytes("encoded", input, i);
        assert.deepEqual(bytes, encodedBy(encoder, input), encoder);
        return bytes.length;
      });
      assert.equal(result, Math.max(...encoded));
    },
    oracle: "encodeURIComponent, JSON and others",
  },
  {
    name: "templates",
    driver: "template",
    export: "anyTemplate",
    corpus: [
      "https://example.com/${a|url}?x=${header:x|default=none|url}",
      "$$ ${b} ${none|default=a|json}$",
      '{"a":"${a|json}"}',
    ],
    dictionary: ["${", "}", "|", "$$", "default=", "url", "a", "header:x"],
    check(_, result) {
      assert.ok(result < 2, `verdict ${result}`);
    },
  },
];
