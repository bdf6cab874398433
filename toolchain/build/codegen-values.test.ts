import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { build, buildIfStale } from "./build.js";
import { bundledSchema, schemaFiles } from "./schema-bundle.js";
import { readSchemaText } from "./schema-read.js";
import { Host } from "./testdata/host.js";
import { makeProject } from "./testdata/project.js";

const closed = (properties: object, required: string[] = [], more: object = {}) => ({
  ...{ type: "object", additionalProperties: false, properties, required },
  ...more,
});
const string = { type: "string" };
const format = (name: string, value?: string) => ({
  ...string,
  format: name,
  ...(value === undefined ? {} : { default: value }),
});

/** Configures a module with the document and gives the last line that it logs. */
function logged(wasm: string, document: unknown): string {
  const host = new Host(readFileSync(wasm));
  host.call("proxy_on_context_create", 1, 0);
  assert.equal(host.configure(1, Buffer.from(JSON.stringify(document))), null);
  return host.takeTexts().at(-1)!;
}

const filterOf = (dump: string): string => `import { HttpFilter, log, Plugin, registerHttpFilter } from "meshwasm/sdk";
import { SampleConfig } from "./config";
class P extends Plugin<SampleConfig> {
  onConfigure(): bool {
    const c = this.config;
    ${dump}
    return true;
  }
}
class F extends HttpFilter<P> {}
registerHttpFilter<F, P, SampleConfig>();
`;

test("every kind of value and of default reaches its field", async () => {
  const schema = closed(
    {
      mode: { enum: ["enforce", "shadow"], default: "shadow" },
      level: { enum: ["low", "high"] },
      n: { type: "number", default: -0.5 },
      big: format("int64", "-9223372036854775808"),
      time: format("duration", "1m30s"),
      block: format("cidr", "10.1.2.3/8"),
      bare: format("cidr"),
      regex: format("regex", "^a+$"),
      none: format("regex"),
      uri: format("uri", "a:b"),
      header: format("header-name", "x-a"),
      key: format("secret-env", "KEY"),
      list: { type: "array", items: { type: "number" }, default: [1, 2.5] },
      modes: { type: "array", items: { enum: ["a", "b"] }, default: ["b", "a"] },
      blocks: { type: "array", items: format("cidr"), default: ["::1/128"] },
      patterns: { type: "array", items: format("regex"), default: ["x"] },
      map: { type: "object", additionalProperties: { type: "integer" } },
      inner: closed({ v: { type: "integer", default: 4 } }),
      strict: closed({ v: { type: "integer" } }, ["v"]),
      tree: { $ref: "#/$defs/Tree" },
      secret: {
        oneOf: [
          string,
          closed({ env: string }, ["env"]),
          closed({ file: string }, ["file"]),
          { type: "array", items: string },
        ],
      },
      constant: { const: "v1" },
    },
    [],
    { $defs: { Tree: closed({ v: { type: "integer", default: 1 }, next: { $ref: "#/$defs/Tree" } }) } },
  );
  const dump =
    `let out: string = [c.mode.toString(), c.level.toString(), c.n.toString(), c.big.toString(), c.time.toString(), c.block.toString(),
      c.bare.bits.toString(), c.regex!.matchesText("aa").toString(), (c.none == null).toString(), c.uri, c.header, c.key.name,
      c.list.join("+"), c.modes.join("+"), c.blocks.join("+"), c.patterns.length.toString()].join("|");
    const keys = c.map.keys();
    for (let i = 0; i < keys.length; i++) out += "|" + keys[i] + "=" + c.map.get(keys[i]).toString();
    out += "|" + c.inner.v.toString() + "|" + (c.strict ? c.strict!.v.toString() : "-");
    for (let tree: TreeOrNull = c.tree; tree; tree = tree.next) out += "|" + tree.v.toString();
    if (c.secret) {
      const s = c.secret!;
      out += "|" + s.kind.toString() + s.text;
      if (s.env) out += s.env!.env;
      if (s.array) out += s.array!.join("+");
    }
    log.info(out + "|" + c.constant);`.replaceAll("TreeOrNull", "Tree | null");
  const index = filterOf(dump).replace("{ SampleConfig }", "{ SampleConfig, Tree }");
  const dir = makeProject({ "config.schema.json": JSON.stringify(schema), "assembly/index.ts": index });
  const { wasm } = await build(dir);
  assert.equal(
    logged(wasm, {}),
    "1|-1|-0.5|-9223372036854775808|90000000000|10.0.0.0/8|-1|true|true|a:b|x-a|KEY|1.0+2.5|1+0|::1/128|1|4|-|1|v1",
  );
  const given = {
    ...{ mode: "enforce", level: "high", n: 3, big: "12", time: "5ms", block: "1.2.3.4", bare: "::/0", regex: "a{2}" },
    ...{ none: "z", uri: "c:", header: "X-B", key: "OTHER", list: [], modes: ["a"], blocks: [], patterns: ["a", "b"] },
    ...{ map: { b: 1, a: 2 }, inner: { v: 9 }, strict: { v: 8 }, tree: { v: 2, next: { next: { v: 3 } } } },
    ...{ secret: { env: "E" }, constant: "v1" },
  };
  const shown = "0|1|3.0|12|5000000|1.2.3.4/32|0|true|false|c:|X-B|OTHER||0||2|b=1|a=2|9|8|2|1|3|";
  assert.equal(logged(wasm, given), `${shown}1E|v1`);
  assert.equal(logged(wasm, { ...given, secret: "lit" }), `${shown}0lit|v1`);
  assert.equal(logged(wasm, { ...given, secret: ["a", "b"] }), `${shown}3a+b|v1`);
});

test("classes of a shared schema are imported by all that refer to it", async () => {
  const index = filterOf(
    `log.info([c.sel.name, c.sel.mode.toString(), c.all.length.toString(), describe(c.sel)].join("|"));`,
  ).replace('from "./config";', 'from "./config";\nimport { describe } from "../../shared/library";');
  const ref = (name: string) => ({ $ref: `../shared/config.schema.json#/$defs/${name}` });
  const schema = closed({ sel: ref("Selector"), all: { type: "array", items: ref("Selector") }, mode: ref("Mode") }, [
    "sel",
  ]);
  const root = makeProject();
  const write = (file: string, text: string): string => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
    return join(root, file);
  };
  const selector = closed({ name: string, mode: { $ref: "#/$defs/Mode" }, inner: { $ref: "#/$defs/Selector" } }, [
    "name",
  ]);
  const library = { $defs: { Selector: selector, Mode: { enum: ["on", "off"], default: undefined } } };
  const shared = write("shared/config.schema.json", JSON.stringify(library));
  write(
    "shared/library.ts",
    'import { Selector } from "./config";\nexport function describe(s: Selector): string {\n  return s.inner ? "inner" : "plain";\n}\n',
  );
  write("filter/filter.yaml", "name: sample\n");
  write("filter/asconfig.json", "{}");
  const file = write("filter/config.schema.json", JSON.stringify(schema));
  write("filter/assembly/index.ts", index);
  const dir = join(root, "filter");
  const { wasm } = await build(dir);
  assert.equal(
    logged(wasm, { sel: { name: "n", mode: "off", inner: { name: "" } }, all: [{ name: "x" }] }),
    "n|1|1|inner",
  );
  assert.match(
    readFileSync(join(dir, "assembly/config.ts"), "utf8"),
    /^import \{ Mode, Selector, readMode \} from "\.\.\/\.\.\/shared\/config";$/m,
  );
  assert.match(readFileSync(join(root, "shared/config.ts"), "utf8"), /^export class Selector extends Config \{$/m);
  assert.deepEqual(schemaFiles(file), [shared]);
  // What is published stands alone.
  const alone = readSchemaText(bundledSchema(file), "image");
  assert.deepEqual([...alone.defs.keys()], ["Selector", "Mode"]);
  // A change of what is shared is a change of the filter.
  assert.equal((await buildIfStale(dir)).rebuilt, false);
  write("shared/config.schema.json", JSON.stringify({ $defs: { ...library.$defs, More: string } }));
  assert.equal((await buildIfStale(dir)).rebuilt, true);
});
