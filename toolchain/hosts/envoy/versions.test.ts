import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_VERSION, parseVersion, SUPPORTED_VERSIONS, wheelPin } from "./versions.js";

test("every supported version is pinned for every platform", () => {
  const pins = SUPPORTED_VERSIONS.flatMap((version) =>
    (["linux-x64", "linux-arm64", "darwin-arm64"] as const).map((platform) => wheelPin(version, platform)),
  );
  for (const pin of pins) assert.match(pin ?? "", /^[0-9a-f]{64}$/);
  assert.equal(new Set(pins).size, pins.length);
  assert.ok(SUPPORTED_VERSIONS.includes(DEFAULT_VERSION));
  assert.equal(wheelPin("1.38.3", "linux-x64"), null);
});

test("versions are read strictly", () => {
  assert.equal(parseVersion("v1.40.0"), "1.40.0");
  for (const bad of ["1.40", "latest", "../1.40.0", "1.40.0-dev", ""])
    assert.throws(() => parseVersion(bad), /1\.40\.0/);
});
