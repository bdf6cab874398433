import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { makeProject } from "../../toolchain/build/testdata/project.js";
import { createProxy } from "../../toolchain/hosts/index.js";

const SCHEMA = {
  ...{ type: "object", additionalProperties: false, required: ["key"] },
  properties: { key: { type: "string", format: "secret-env" } },
};
const INDEX = `import { HeadersAction, HttpFilter, log, Plugin, registerHttpFilter } from "meshwasm/sdk";
import { SampleConfig } from "./config";
class P extends Plugin<SampleConfig> {
  onConfigure(): bool {
    if (this.config.key.value != null) return true;
    log.error("configuration refused: $.key: the environment variable is not set");
    return false;
  }
}
class F extends HttpFilter<P> {
  onResponseHeaders(endOfStream: bool): HeadersAction {
    const key = this.plugin.config.key;
    this.response.headers.set("x-key", key.value!.length.toString() + " " + key.bytes!.length.toString());
    return HeadersAction.Continue;
  }
}
registerHttpFilter<F, P, SampleConfig>();
`;

let filter: string;
before(() => {
  filter = makeProject({ "config.schema.json": JSON.stringify(SCHEMA), "assembly/index.ts": INDEX });
});

for (const host of ["emulator", "envoy"] as const) {
  describe(`secret-env on ${host}`, () => {
    test("the secret is the variable's value", async () => {
      await using proxy = await createProxy({ filter, host, config: { key: "API_KEY" }, env: { API_KEY: "grün" } });
      assert.equal((await proxy.request()).headers.get("x-key"), "4 5");
    });
    test("without the variable the filter can refuse", async () => {
      await assert.rejects(
        createProxy({ filter, host, config: { key: "API_KEY" }, env: { OTHER: "x" } }),
        /\$\.key: the environment variable is not set/,
      );
    });
    test("what is no name of a variable is refused", async () => {
      await assert.rejects(
        createProxy({ filter, host, config: { key: "API-KEY" } }),
        /\$\.key: is no name of an environment variable/,
      );
    });
  });
}
