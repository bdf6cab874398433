import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as assemblyscript from "assemblyscript";
import { build, type BuildResult } from "./build.js";
import { generateConfig } from "./codegen.js";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readSchema } from "./schema-read.js";
import { Host } from "./testdata/host.js";
import { makeProject } from "./testdata/project.js";

const string = { type: "string" };
const closed = (properties: object, more: object = {}) => ({
  type: "object",
  additionalProperties: false,
  properties,
  ...more,
});

/** Every word that the compiler knows as a token, and what the generated code uses itself. */
const WORDS = (
  "abstract as async await break case catch class const continue constructor debugger declare default delete do else enum " +
  "export extends false finally for from function get if implements import in instanceof interface is keyof let module " +
  "namespace new null of override package private protected public readonly return set static super switch this throw true " +
  "try type typeof var void while with yield decode decodeFrom json key first index item seen0 bool string i64 Array " +
  "toString __proto__ undefined NaN Infinity symbol any never unknown isDefined changetype"
).split(" ");
const ODD = [
  ...[
    "",
    " ",
    "$ref",
    "x-y",
    "xY",
    "x_y",
    "x y",
    "x",
    "X",
    "1st",
    "0",
    "_",
    "__",
    "é",
    "日本語",
    "\u{1f600}",
    "e\u0301",
  ],
  ...['quo"te', "back\\slash", "new\nline", "${x}", "`", "'", "\u2028", "\0", "*/", "//", "a.b", "a/b~c", "\\u0041"],
];

const names = [...new Set([...WORDS, ...ODD, ...Array.from({ length: 40 }, (_, i) => `p${i}`)])];
const LONG = "l".repeat(100);
/** Properties whose classes would be called as something that is there already. */
const CLASSY = [
  "config",
  "json-reader",
  "array",
  "sample-config",
  "json reader",
  "properties",
  "items",
  "日",
  "string",
];
const deep = {
  type: "array",
  items: { type: "array", items: closed({ n: { type: "integer" } }, { required: ["n"] }) },
};

const properties = (entries: (readonly [string, object])[]) => Object.fromEntries(entries);
const schema = closed({
  odd: closed(properties(names.map((name) => [name, string]))),
  ...properties(CLASSY.map((name) => [name, closed({ v: string, "a-b": closed({}), aB: closed({}) })])),
  strict: {
    type: "array",
    items: closed(properties([...names, LONG].map((name) => [name, string])), {
      required: [...names, LONG],
      description: "*/ ends\nhere",
    }),
  },
  deep,
  list: { type: "array", items: { type: "boolean" } },
  defaults: closed({
    s: { ...string, default: 'a "quoted" \\ \u2028 ${x} \u00e9 \u{1f600}\n' },
    i: { type: "integer", default: -9007199254740991 },
    zero: { type: "integer", default: 0 },
    yes: { type: "boolean", default: true },
    no: { type: "boolean", default: false },
    noString: string,
    noInteger: { type: "integer" },
    noBoolean: { type: "boolean" },
    none: { type: "array", items: string },
  }),
});

const INDEX = `import { HttpFilter, log, Plugin, registerHttpFilter } from "meshwasm/sdk";
import { SampleConfig } from "./config";
class P extends Plugin<SampleConfig> {
  onConfigure(): bool {
    const d = this.config.defaults;
    log.info([d.s, d.i.toString(), d.zero.toString(), d.yes.toString(), d.no.toString(), d.noString,
      d.noInteger.toString(), d.noBoolean.toString(), d.none.length.toString()].join("|"));
    let sum: i64 = 0;
    for (let i = 0; i < this.config.deep.length; i++)
      for (let j = 0; j < this.config.deep[i].length; j++) sum = sum * 10 + this.config.deep[i][j].n;
    log.info(sum.toString());
    return true;
  }
}
class F extends HttpFilter<P> {}
registerHttpFilter<F, P, SampleConfig>();
`;

let built: BuildResult;
let host: Host;
let source: string;
before(async () => {
  const dir = makeProject({ "config.schema.json": JSON.stringify(schema), "assembly/index.ts": INDEX });
  built = await build(dir);
  source = readFileSync(join(dir, "assembly/config.ts"), "utf8");
  host = new Host(readFileSync(built.wasm));
});

let roots = 0;
/** Decodes a document with a plugin of its own: null, or the reason for which it is refused. */
function decode(document: unknown): string | null {
  const id = ++roots;
  host.takeLogs();
  host.call("proxy_on_context_create", id, 0);
  const reason = host.configure(id, Buffer.from(typeof document === "string" ? document : JSON.stringify(document)));
  host.call("proxy_on_delete", id);
  return reason;
}

test("every word of the language is tried as a property", () => {
  const keywords = Object.keys((assemblyscript as unknown as { Token: object }).Token)
    .map((name) => name.toLowerCase())
    .filter((name) => /^[a-z]+$/.test(name));
  const notWords =
    /^(open|close|dot|semicolon|comma|lessthan|greaterthan|equals|exclamation|plus|minus|asterisk|slash|percent|ampersand|bar|caret|tilde|question|colon|at|identifier|string|integer|float|template|invalid|endoffile)/;
  const missing = keywords.filter((word) => !notWords.test(word) && !WORDS.includes(word));
  assert.ok(keywords.length > 60);
  assert.deepEqual(missing, []);
});

test("odd names compile, and each is its own property", () => {
  assert.equal(decode({ odd: Object.fromEntries(names.map((name) => [name, name])) }), null);
  for (const name of names) {
    const text = JSON.stringify(name);
    const shown = /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) ? `.${name}` : `[${text}]`;
    assert.equal(decode(`{"odd":{${text}:""}}`), null, text);
    assert.equal(decode(`{"odd":{${text}:1}}`), `$.odd${shown}: must be a string`);
    assert.equal(decode(`{"odd":{${text}:"",${text}:""}}`), `$.odd: duplicate key "${name}"`);
  }
  for (const name of ["p40", "P1", "p1 ", "E\u0301", "ref", "prototype"]) {
    assert.equal(decode({ odd: { [name]: "" } }), `$.odd: unknown key "${name}"`);
  }
});

test("every required property is asked for, the 33rd and later ones too, and those with long names again and again", () => {
  const all = Object.fromEntries([...names, LONG].map((name) => [name, ""] as const));
  assert.equal(decode({ strict: [all, all] }), null);
  for (const name of [...names, LONG]) {
    const rest = { ...all };
    delete rest[name];
    assert.equal(decode({ strict: [all, rest] }), `$.strict[1]: required key "${name}" is missing`);
    assert.equal(decode({ strict: [all] }), null, "a refusal leaves nothing behind");
  }
  assert.equal(decode({ strict: [{ ...all, ["u".repeat(300)]: 1 }] }), `$.strict[0]: unknown key "${"u".repeat(64)}"`);
});

test("classes are told apart where their names meet each other or the file's own", () => {
  const classes = [...source.matchAll(/^export class (\w+)/gm)].map(([, name]) => name!);
  assert.equal(new Set(classes).size, classes.length);
  assert.equal(classes.at(-1), "SampleConfig");
  for (const name of CLASSY) {
    assert.equal(decode({ [name]: { v: "x", "a-b": {}, aB: {} } }), null);
    assert.match(decode({ [name]: { "a-b": { x: 1 } } })!, /^\$.+\.a-b: unknown key "x"$/);
  }
});

test("arrays in arrays are read, and an error inside names its place", () => {
  assert.equal(decode({ deep: [[{ n: 1 }, { n: 2 }], [], [{ n: 3 }]], list: [true, false] }), null);
  assert.equal(host.takeTexts()[1], "123");
  assert.equal(decode({ deep: [[], [{ n: 1 }, { n: "x" }]] }), "$.deep[1][1].n: must be an integer");
  assert.equal(decode({ deep: [[], [{ n: 1 }, {}]] }), '$.deep[1][1]: required key "n" is missing');
  assert.equal(decode({ deep: [[], {}] }), "$.deep[1]: must be an array");
  assert.equal(decode({ deep: {} }), "$.deep: must be an array");
  assert.equal(decode({ list: [true, 1] }), "$.list[1]: must be true or false");
  assert.equal(decode('{"list":[true false]}'), "$.list: is not valid JSON: missing comma or bracket");
  assert.equal(decode('{"deep":[[{"n":1}{"n":1}]]}'), "$.deep[0]: is not valid JSON: missing comma or bracket");
});

test("defaults stand for what is not given", () => {
  assert.equal(decode({}), null);
  const defaults = 'a "quoted" \\ \u2028 ${x} \u00e9 \u{1f600}\n|-9007199254740991|0|true|false||0|false|0';
  assert.equal(host.takeTexts()[0], defaults);
  assert.equal(decode(""), null, "no bytes stand for {}");
  assert.equal(host.takeTexts()[0], defaults);
  assert.equal(decode({ defaults: { s: "", i: 5, yes: false, none: ["x"] } }), null);
  assert.equal(host.takeTexts()[0], "|5|0|false|false||0|false|1");
});

test("a generated file depends on its schema and name alone", () => {
  const file = join(makeProject({ "config.schema.json": JSON.stringify(closed({})) }), "config.schema.json");
  const empty = generateConfig(readSchema(file), "0-a--b");
  assert.match(empty, /^export class X0ABConfig extends Config \{$/m);
  assert.equal(generateConfig(readSchema(file), "0-a--b"), empty);
  writeFileSync(file, JSON.stringify(closed({}, { description: "ends */ here\n  and goes on" })));
  assert.match(
    generateConfig(readSchema(file), "a"),
    /^\/\*\* ends \* \/ here and goes on \*\/\nexport class AConfig/m,
  );
});
