import assert from "node:assert/strict";
import type { Fuzzed } from "../fuzz.js";
import { reference } from "../json-reference.js";

const corpus = [
  '{"iss":"https://id.example.test","aud":["a","b"],"exp":1786212345,"nbf":-1.5e3,"ok":true,"no":false,"nil":null}',
  '[[],{},[{}],[[[[1]]]],"",0,-0.0,1E+2,{"":{"":[]}}]',
  '{"a":"\\u00e9\\n\\ud83d\\ude00é日\u{1f600}\\"\\\\\\/\\b\\f\\r\\t","b\\u0041":18446744073709551615}',
  ' { "k" : [ 1 , 2.25 , "x" ] ,\r\n\t"l" : { "m" : null } } ',
  `{${Array.from({ length: 70 }, (_, i) => `"k${i}":${i}`).join(",")}}`,
  '{"a":1,"\\u0061":2}',
  "[".repeat(64) + "]".repeat(64),
  '"plain string of some length, without anything that is special in it"',
  "-12345678901234567890.5e-10",
];
const dictionary = [
  ...['"', '\\"', "\\u", "\\ud83d", "\\ude00", "\\ud83d\\ude00", "\\u0000", "\\n", "\\x", "{", "}", "[", "]", ",", ":"],
  ...["true", "false", "null", "1e400", "-0", '"k":', '"k1":', "{}", "[]", '""', "[[[[[[[[", "\ufeff", "1.0", "\x7f"],
];

export const FUZZED: Fuzzed[] = [
  {
    name: "json",
    driver: "json",
    export: "verdict",
    corpus,
    dictionary,
    longest: 768,
    check(input, result, program) {
      const { normal, hasDuplicate, depth, isTooLarge } = reference(input);
      if (depth > 64 || normal === null) return assert.equal(result, 0);
      assert.equal(result, hasDuplicate ? 2 : 1);
      if (!hasDuplicate) assert.equal(program.text("parsed", input), normal);
      if (!isTooLarge) assert.equal(program.text("pulled", input), normal);
    },
    oracle: "Node's JSON.parse, with keys and surrogates counted",
  },
  {
    name: "json reader, calls in any order",
    driver: "json",
    export: "misused",
    corpus: corpus.map((text) => `x${text}`),
    dictionary,
    check: (_input, result) => assert.equal(result, 0),
  },
  {
    name: "json pointer",
    driver: "json",
    export: "pointerVerdict",
    corpus: ["", "/a~1b/0/~0", "/a~1b/0//0/0", "/é", "///", "/a~1b/-", "/a~1b/00"],
    dictionary: ["/", "~", "~0", "~1", "~2", "0", "1", "a~1b", "é"],
    longest: 64,
    check(input, result) {
      const pointer = input.toString();
      const isPointer = /^(?:\/(?:[^~/]|~[01])*)*$/u.test(pointer);
      const found = isPointer && named(pointer) !== undefined;
      assert.equal(result, Number(isPointer) | (Number(found) << 1));
    },
    oracle: "a model",
  },
];

/** What a pointer names in the driver's document. */
function named(pointer: string): unknown {
  let value: unknown = { "a/b": [{ "~": "x", "": [[1]] }], é: 0, "": { "": { "": {} } } };
  for (const token of pointer.split("/").slice(1)) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(value)) value = /^(?:0|[1-9]\d*)$/.test(key) ? value[Number(key)] : undefined;
    else if (typeof value === "object" && value) value = Object.hasOwn(value, key) ? value[key as never] : undefined;
    else return undefined;
  }
  return value;
}
