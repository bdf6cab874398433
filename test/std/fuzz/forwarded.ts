import assert from "node:assert/strict";
import type { Fuzzed } from "../fuzz.js";
import { forwardedElements, forwardedNode, xffModel } from "../oracles/forwarded.js";

export const FUZZED: Fuzzed[] = [
  {
    name: "Forwarded and X-Forwarded-For",
    driver: "forwarded",
    export: "verdict",
    corpus: [
      'for=192.0.2.60;proto=http;by=203.0.113.43, For="[2001:db8:cafe::17]:4711"',
      'for=_gazonk; host="example.com:8080" ;x="a\\"b\\\\",,for=unknown;for2=',
      'for="192.0.2.43:47011";by="_hidden:_port";secret="a, b"',
      "192.0.2.60, 2001:db8::1,10.0.0.1",
      "[::1]:443",
      "1.2.3.4:80",
      "::ffff:1.2.3.4",
      "_SEVKISEK:_x",
    ],
    dictionary: [
      ",",
      ";",
      "=",
      '"',
      "\\",
      "for=",
      "[",
      "]",
      "::",
      ":",
      "_",
      "unknown",
      "1.2.3.4",
      "256",
      "fe80::1%eth0",
      " ",
    ],
    check(input, result, program) {
      const text = input.toString("latin1");
      const model = forwardedElements(text);
      assert.equal(program.bytesOrNull("elements", input)?.toString() ?? null, model);
      assert.equal(result, model === null ? 0xffff : model ? model.split(",").length : 0);
      assert.equal(program.bytesOrNull("node", input)?.toString() ?? null, forwardedNode(text));
      for (const skip of [0, 1, 2]) {
        assert.equal(program.bytesOrNull("xff", input, skip)?.toString() ?? null, xffModel(text, skip));
      }
    },
    oracle: "regular expressions, node:net",
  },
];
