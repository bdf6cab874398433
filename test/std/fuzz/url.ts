import assert from "node:assert/strict";
import type { Fuzzed } from "../fuzz.js";
import { normalizedPath } from "../oracles/path.js";

const lossy = new TextDecoder("utf-8", { ignoreBOM: true });

/** Decoded, each with its length in front: see the driver. */
function texts(bytes: Buffer): string[] {
  const items: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32LE(at);
    items.push(lossy.decode(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return items;
}

export const FUZZED: Fuzzed[] = [
  {
    name: "url path",
    driver: "url",
    export: "everything",
    corpus: [
      ...["/", "/a/b/../c?d=/../e", "//a//b//", "/a/%2e%2E/.;x/..;y=z/b", "/%2f%5C..\\%41%7e", "/%%341%4%31", "/%00"],
      ...["/a/./b/%2e/c", `/${"x/".repeat(60)}${"../".repeat(61)}`, "/{a}|^`<b>", "/a;b/c", "/é/日"],
    ],
    dictionary: [
      "/..",
      "/.",
      "%2e",
      "%2E",
      "%2f",
      "%5c",
      "\\",
      ";",
      "..;",
      "%",
      "%%",
      "%41",
      "%25",
      "%00",
      "?",
      "a",
      "4",
    ],
    check(input, refused, program) {
      const target = input.toString("latin1");
      for (const how of [0, 1, 2, 3, 4, 7, 8, 11]) {
        const expected = normalizedPath(target, how);
        assert.equal((refused >> how) & 1, expected === null ? 1 : 0, `variant ${how}`);
        assert.equal(
          program.bytesOrNull("normalize", input, how)?.toString("latin1") ?? null,
          expected,
          `variant ${how}`,
        );
      }
    },
    oracle: "a model that url-envoy.test.ts holds against Envoy",
  },
  {
    name: "url query",
    driver: "url",
    export: "queryVerdict",
    corpus: ["", "a=1&b=2&a=3", "a+b=c%20d&&=&e", "%e2%82%ac=%ff&%=%zz", "x=".repeat(80), "&".repeat(70) + "a"],
    dictionary: ["&", "=", "+", "%26", "%3d", "a=1&", "%2B", "%e2%82%ac"],
    check(input, count, program) {
      // URLSearchParams takes text: bytes beyond ASCII become escapes.
      const text = input.toString("latin1").replace(/[\x80-\xff]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
      const expected = [...new URLSearchParams(`&${text}`)];
      const limit = 64;
      assert.equal(count, expected.length > limit ? -1 : expected.length);
      const pairs = program.bytesOrNull("pairs", input, 1, 0, limit);
      assert.deepEqual(pairs && texts(pairs), expected.length > limit ? null : expected.flat());
    },
    oracle: "URLSearchParams",
  },
  {
    name: "url percent-coding",
    driver: "url",
    export: "decodeStrict",
    corpus: ["", "a%20b", "%e2%82%ac", "%00%ff%AF", "100%", "%%41", "a+b"],
    dictionary: ["%", "%4", "%41", "a", "F", "%g0", "%0g"],
    check(input, result, program) {
      const text = input.toString("latin1");
      const decoded = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
      const bad = text.replace(/%[0-9a-f]{2}/gi, "...").indexOf("%");
      assert.equal(result, bad < 0 ? decoded.length : -1 - bad);
      assert.equal(program.bytes("decode", input, 0).toString("latin1"), decoded);
      // Component and Unreserved are encoded so that all comes back.
      for (const set of [6, 8]) {
        const encoded = program.bytes("encode", input, set);
        assert.deepEqual(program.bytes("decode", encoded, 0), input);
        assert.match(encoded.toString("latin1"), /^[\x21-\x7e]*$/);
      }
    },
    oracle: "regular expressions",
  },
];
