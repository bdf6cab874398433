import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import type { Fuzzed } from "../fuzz.js";

const lossy = new TextDecoder("utf-8", { ignoreBOM: true });

export const FUZZED: Fuzzed[] = [
  {
    name: "utf8",
    driver: "utf8",
    export: "verdict",
    corpus: ["", "plain ASCII of more than sixteen bytes", "aé日\u{1f600}", "\ufeff\ufffd\uffff", "é".repeat(40)],
    dictionary: [
      ...["\u007f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}"],
      ...[
        [0xc1, 0xbf],
        [0xe0, 0x9f, 0xbf],
        [0xed, 0xa0, 0x80],
        [0xf0, 0x8f, 0xbf, 0xbf],
        [0xf4, 0x90, 0x80, 0x80],
      ].map((bytes) => Uint8Array.from(bytes)),
    ],
    check(input, result, program) {
      assert.equal(result, isUtf8(input) ? 1 : 0);
      assert.equal(program.units("decode", input), lossy.decode(input));
    },
    oracle: "Node's TextDecoder and isUtf8",
  },
];
