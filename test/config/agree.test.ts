import assert from "node:assert/strict";
import { before, test } from "node:test";
import { agree, subject, type Subject } from "./agree.js";
import { SCHEMAS } from "./schemas.js";

let both: Subject;
before(async () => {
  both = await subject();
});

test("the command line and the module give the same reason for the same bytes, and ajv the same verdict", () => {
  const results = agree(both, 20261126, 60);
  assert.ok(Object.keys(SCHEMAS).length >= 20);
  for (const { schema, accepted, refused, structs } of results) {
    assert.ok(accepted > 10 && refused > 5, `${schema}: ${accepted} accepted, ${refused} refused`);
    assert.ok(structs > 0, schema);
  }
});

test("what a document can have wrong outside of its schema", () => {
  const cases: [string, string, string | null][] = [
    ["strings", "", '$: required key "a" is missing'],
    ["empty", "", null],
    ["empty", "\n\t{ }\r\n", null],
    ["empty", "\n{", "$: is not valid JSON: it ends too early"],
    ["empty", "{}{}", "$: is not valid JSON: text follows its end"],
    ["empty", "null", "$: must be an object"],
    ["integers", '{"a":1.0,"a":1}', '$: duplicate key "a"'],
    ["integers", '{"a":100e-2}', null],
    ["integers", '{"a":9007199254740992}', "$.a: must be an integer within ±9007199254740991"],
    ["numbers", '{"a":1e400}', "$.a: must be a number that a double can hold"],
    ["itself", `${'{"name":"","inner":'.repeat(63)}{"name":""}${"}".repeat(63)}`, null],
    ["itself", '{"name":"","inner":'.repeat(70), `$${".inner".repeat(64)}: is nested too deep`],
    ["tagged", '{"action":{"to":{},"type":"x"}}', '$.action.type: must be one of "allow", "deny", "redirect"'],
    ["tagged", '{"action":{"to":"a:"}}', '$.action: required key "type" is missing'],
    ["tagged", '{"action":{"type":1}}', "$.action.type: must be a string"],
    ["keyed", '{"to":{"path":""}}', '$.to: must have one of the keys "cluster", "url"'],
    ["keyed", '{"to":{"cluster":"","url":"a:"}}', '$.to: unknown key "url"'],
    ["kinds", '{"v":null}', "$.v: must be a string or an integer or true or false or an array or an object"],
    ["maps", '{"c":{"k":[{"x":1}]}}', "$.c.k[0].x: must be true or false"],
    ["lengths", '{"a":"\u{1f600}"}', "$.a: must have at least 2 characters"],
    ["cidrs", '{"a":["1.2.3.4","x"]}', "$.a[1]: is no address and no prefix such as 10.0.0.0/8"],
  ];
  for (const [schema, text, reason] of cases) {
    const bytes = new TextEncoder().encode(text);
    assert.equal(both.module(schema, bytes), reason, text);
    assert.equal(both.check(schema, bytes), reason, text);
  }
});

test("a document that is too large is refused in the same words", () => {
  const many = `{"a":["x"],"c":[${"[],".repeat(1_000_000)}[]]}`;
  for (const [text, reason] of [
    [" ".repeat(4 * 1024 * 1024 + 1), "$: is larger than 4 MiB"],
    [many, "$.c: has too many values"],
  ] as const) {
    const bytes = new TextEncoder().encode(text);
    assert.equal(both.module("arrays", bytes), reason);
    assert.equal(both.check("arrays", bytes), reason);
  }
});
