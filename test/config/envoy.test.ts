/* A configuration on a real Envoy: the three ways in which one is refused, and the forms in which one is given. */

import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { build } from "../../toolchain/build/index.js";
import { makeProject } from "../../toolchain/build/testdata/project.js";
import {
  bootstrap,
  cluster,
  discoveredFilter,
  discoveryFile,
  listener,
  staticFilter,
  type JsonObject,
} from "../../toolchain/hosts/envoy/bootstrap.js";
import { findEnvoy } from "../../toolchain/hosts/envoy/find.js";
import { EnvoyProcess, workDirectory } from "../../toolchain/hosts/envoy/process.js";
import { SCHEMAS } from "./schemas.js";

const INDEX = `import { HeadersAction, HttpFilter, Plugin, registerHttpFilter } from "meshwasm/sdk";
import { SampleConfig } from "./config";
class P extends Plugin<SampleConfig> {}
class F extends HttpFilter<P> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const c = this.plugin.config;
    let text = [c.mode.toString(), c.timeout.toString(), c.hits.toString(), c.rate.toString(), c.rules.length.toString()].join(" ");
    if (c.rules.length && c.rules[0].then.deny) text += " " + c.rules[0].then.deny!.status.toString();
    if (c.headers.has("ü")) text += " " + c.headers.get("ü").length.toString();
    this.sendLocalResponse(200, text);
    return HeadersAction.StopIteration;
  }
}
registerHttpFilter<F, P, SampleConfig>();
`;
const GOOD = {
  ...{ mode: "shadow", timeout: "1m30s", hits: 7, rate: 0.1, headers: { ü: 'q"\\\n\u0001' } },
  rules: [{ name: "a", then: { status: 451, type: "deny" } }],
};
/** mode 1 of 3, nanoseconds, five characters of the header. */
const TEXT = "1 90000000000 7 0.1 1 451 5";
const BAD = { ...GOOD, rules: [{ name: "a", then: { type: "deny", status: 200 } }] };
const REASON = "$.rules[0].then.status: must be at least 400";

let envoy = "";
let module = "";
const plugin = (config: unknown) => ({
  ...{ name: "sample", code: { file: module }, rootId: "", vmId: "" },
  config: config === null ? null : Buffer.from(JSON.stringify(config)),
});
const identity = { name: "sample", rootId: "", vmId: "" };
const upstream = () => cluster({ name: "upstream", host: "127.0.0.1", port: 1 });

before(async () => {
  const dir = makeProject({ "config.schema.json": JSON.stringify(SCHEMAS["policy"]), "assembly/index.ts": INDEX });
  module = (await build(dir)).wasm;
  envoy = (await findEnvoy()).path;
});

async function start(filter: JsonObject, directory = workDirectory()): Promise<EnvoyProcess> {
  const object = bootstrap({ listeners: [listener({ filters: [filter] })], clusters: [upstream()] });
  return EnvoyProcess.start({ envoy, directory, plugins: [identity], bootstrap: object });
}

/** Status and what the filter has understood. */
async function ask(running: EnvoyProcess): Promise<string> {
  const response = await fetch(`http://${await running.listenerAddress()}/`);
  return `${response.status} ${await response.text()}`;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200 && !(await condition()); i++) await sleep(50);
}

describe("a refused configuration", () => {
  test("in a static configuration: Envoy does not start, and says why", async () => {
    await assert.rejects(start(staticFilter(plugin(BAD))), (error: Error) => {
      assert.ok(error.message.includes(REASON), error.message);
      return true;
    });
  });

  describe("by xDS", () => {
    const directory = workDirectory();
    const file = join(directory, "discovered.json");
    let version = 0;
    let running: EnvoyProcess;
    const push = (config: unknown): void => {
      writeFileSync(`${file}.new`, JSON.stringify(discoveryFile(plugin(config), String(++version))));
      renameSync(`${file}.new`, file);
    };
    const refused = (count: number) =>
      until(() => running.log.filter((line) => line.message.includes(REASON)).length >= count);
    before(async () => {
      push(BAD);
      running = await start(discoveredFilter("sample", file), directory);
    });
    after(() => running?.stop());

    test("the first: the listener is live and answers 500", async () => {
      await refused(1);
      assert.equal(await ask(running), "500 ");
    });

    test("a later one: the old configuration stays", async () => {
      push(GOOD);
      await until(async () => (await ask(running)) !== "500 ");
      assert.equal(await ask(running), `200 ${TEXT}`);
      const before = running.log.length;
      push({ ...BAD, mode: "off" });
      await until(() => running.log.slice(before).some((line) => line.message.includes(REASON)));
      assert.ok(
        running.log.slice(before).some((line) => line.message.includes(REASON)),
        "it was refused",
      );
      assert.equal(await ask(running), `200 ${TEXT}`);
      push({ ...GOOD, hits: 8 });
      await until(async () => (await ask(running)) !== `200 ${TEXT}`);
      assert.equal(await ask(running), `200 ${TEXT.replace(" 7 ", " 8 ")}`);
    });
  });
});

describe("a configuration is taken", () => {
  const forms: [string, JsonObject | null, string][] = [
    [
      "as a StringValue",
      { "@type": "type.googleapis.com/google.protobuf.StringValue", value: JSON.stringify(GOOD) },
      TEXT,
    ],
    [
      "as a BytesValue",
      {
        "@type": "type.googleapis.com/google.protobuf.BytesValue",
        value: Buffer.from(JSON.stringify(GOOD)).toString("base64"),
      },
      TEXT,
    ],
    [
      "as a Struct, which arrives as binary protobuf",
      { "@type": "type.googleapis.com/google.protobuf.Struct", value: GOOD },
      TEXT,
    ],
  ];
  for (const [form, any, text] of forms) {
    test(form, async () => {
      const filter = staticFilter(plugin({})) as { typed_config: { config: Record<string, unknown> } } & JsonObject;
      filter.typed_config.config["configuration"] = any;
      const running = await start(filter);
      try {
        assert.equal(await ask(running), `200 ${text}`);
      } finally {
        await running.stop();
      }
    });
  }

  test("and a Struct is refused for the same reason", async () => {
    const filter = staticFilter(plugin({})) as { typed_config: { config: Record<string, unknown> } } & JsonObject;
    filter.typed_config.config["configuration"] = { "@type": "type.googleapis.com/google.protobuf.Struct", value: BAD };
    await assert.rejects(start(filter), (error: Error) => error.message.includes(REASON));
  });
});
