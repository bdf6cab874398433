/* The example on the default Envoy; with MESHWASM_MATRIX (npm run matrix) on each supported one, installed if need be. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEFAULT_VERSION, SUPPORTED_VERSIONS } from "../../toolchain/hosts/envoy/versions.js";
import { meshwasm, succeeded } from "./support.js";

const versions = process.env["MESHWASM_MATRIX"] ? SUPPORTED_VERSIONS : [DEFAULT_VERSION];

test("the five versions", () => {
  assert.deepEqual(SUPPORTED_VERSIONS, ["1.36.4", "1.37.0", "1.38.2", "1.39.3", "1.40.0"]);
  assert.ok(SUPPORTED_VERSIONS.includes(DEFAULT_VERSION));
});

for (const version of versions) {
  describe(`Envoy ${version}`, () => {
    test("is installed", async () => {
      const { stdout } = succeeded(await meshwasm(["envoy", "install", version], { timeoutMs: 600_000 }));
      assert.ok(stdout.includes(version), stdout);
      const listed = succeeded(await meshwasm(["envoy", "list"]));
      assert.match(listed.stdout, new RegExp(`^${version.replaceAll(".", "\\.")} `, "m"));
    });

    test("serves the example", async () => {
      const args = ["test", "examples/hello", "--host", "envoy", "--envoy-version", version];
      const { stdout, stderr } = succeeded(await meshwasm(args, { timeoutMs: 300_000 }));
      assert.ok(stderr.includes(`host: Envoy ${version}\n`), stderr);
      assert.match(stdout, /^(#|ℹ) pass [1-9]/m);
      assert.match(stdout, /^(#|ℹ) skipped 0$/m);
    });
  });
}
