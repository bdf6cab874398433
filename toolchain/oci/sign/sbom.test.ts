import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { Ajv } from "ajv";
import { buildSbom, type SbomInput } from "./sbom.js";

const input: SbomInput = {
  name: "hello",
  version: "1.2.3",
  description: 'says "hi"\n',
  license: "Apache-2.0 OR MIT",
  moduleDigest: `sha256:${"ab".repeat(32)}`,
  created: new Date(0),
  components: [
    { name: "assemblyscript", version: "0.28.20", license: "Apache-2.0" },
    { name: "@scope/package", version: "2.0.0" },
  ],
  tool: { name: "meshwasm", version: "0.1.0" },
};

/** The standard's own schema, which the library carries. */
function validator() {
  const require = createRequire(import.meta.url);
  let dir = dirname(require.resolve("@cyclonedx/cyclonedx-library/Models"));
  while (!dir.endsWith("cyclonedx-library")) dir = dirname(dir);
  const read = (name: string) => JSON.parse(readFileSync(join(dir, "res/schema", name), "utf8")) as object;
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema(read("spdx.SNAPSHOT.schema.json"), "http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json");
  ajv.addSchema(read("jsf-0.82.SNAPSHOT.schema.json"), "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json");
  return ajv.compile(read("bom-1.6.SNAPSHOT.schema.json"));
}

test("the bill of materials is valid by CycloneDX 1.6's own schema", () => {
  const valid = validator();
  for (const each of [input, { ...input, version: undefined, license: undefined, components: [] }]) {
    const { version, license, ...rest } = each;
    const bytes = buildSbom({ ...rest, ...(version ? { version } : {}), ...(license ? { license } : {}) });
    const bom = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
    assert.ok(valid(bom), JSON.stringify(valid.errors));
    assert.equal(valid({ ...bom, unknown: 1 }), false);
  }
});

test("the same input gives the same bytes", () => {
  assert.deepEqual(buildSbom(input), buildSbom({ ...input, components: [...input.components].reverse() }));
});
