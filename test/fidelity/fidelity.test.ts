/* The probe leaves the same transcript on the emulator and on Envoy: the default version here, each supported one with
 * MESHWASM_MATRIX (npm run matrix). */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { HOST_FUNCTIONS } from "../../toolchain/build/abi.js";
import { DEFAULT_VERSION, SUPPORTED_VERSIONS } from "../../toolchain/hosts/envoy/versions.js";
import { CALLS } from "./calls.js";
import { WITHOUT, DIFFERENCES, unknown } from "./differences.js";
import { buildProbe, ELSEWHERE } from "./probe.js";
import { compare, transcribe, type Difference } from "./run.js";
import { SCENARIOS } from "./scenarios.js";

const versions = process.env["MESHWASM_MATRIX"] ? SUPPORTED_VERSIONS : [DEFAULT_VERSION];
const folder = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
after(() => rmSync(folder, { recursive: true }));

test("every host function is asked for", () => {
  const asked = [...Object.keys(CALLS), ...ELSEWHERE].sort();
  assert.deepEqual(asked, HOST_FUNCTIONS.map(({ name }) => name).sort());
});

test("at most ten differences are listed for a version, none in a verdict, header or body", () => {
  for (const version of SUPPORTED_VERSIONS) {
    const listed = DIFFERENCES.filter((each) => each.versions?.includes(version) ?? true).length;
    assert.ok(listed + (WITHOUT[version] ? 1 : 0) <= 10, version);
  }
  for (const { where } of DIFFERENCES)
    assert.doesNotMatch(where.source, /(^|[^_])(verdict|headers|body|upstream|trailers)/);
});

for (const version of versions) {
  describe(`fidelity to Envoy ${version}`, () => {
    const all: Difference[] = [];
    let probe = "";
    before(async () => {
      const own = join(folder, version);
      mkdirSync(own);
      probe = await buildProbe(own, WITHOUT[version]);
    });
    for (const scenario of SCENARIOS) {
      test(scenario.name, { timeout: 120_000 }, async () => {
        const emulator = await transcribe(scenario, "emulator", probe, version);
        const envoy = await transcribe(scenario, "envoy", probe, version);
        assert.ok(envoy.size > 5, "the probe wrote something");
        const found = compare(scenario.name, emulator, envoy);
        all.push(...found);
        assert.deepEqual(unknown(found, version).news, []);
      });
    }
    test("every difference that is listed is there", () => {
      assert.deepEqual(unknown(all, version).gone, []);
    });
  });
}
