import assert from "node:assert/strict";
import { test } from "node:test";
import { CONTRADICTIONS, cookbook, differences, withoutVectors, wycheproof } from "./vectors.js";

const skip = withoutVectors();

test("JWT-35: Wycheproof's signatures, each verdict", { skip }, async () => {
  const vectors = wycheproof("json_web_signature_test");
  assert.equal(vectors.length, 401);
  const found = await differences(vectors);
  assert.deepEqual(
    found.map((line) => line.split(" (")[0]),
    Object.keys(CONTRADICTIONS),
  );
  // 367 and 370 are what they are said to be: the same as a valid one.
  for (const number of [367, 370]) {
    const { jws } = vectors.find(({ id }) => id.startsWith(`json_web_signature_test ${number} `))!;
    assert.ok(vectors.some((other) => other.valid && other.jws === jws));
  }
});

test("JWT-35: Wycheproof's keys, each verdict", { skip }, async () => {
  const vectors = wycheproof("json_web_key_test");
  assert.equal(vectors.length, 26);
  assert.deepEqual(await differences(vectors), []);
});

test("JWT-35: the JOSE cookbook", { skip }, async () => {
  const vectors = cookbook();
  assert.ok(vectors.filter(({ valid }) => valid).length >= 5);
  assert.deepEqual(await differences(vectors), []);
});
