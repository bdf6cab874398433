/* The decoder that the build generates, against JSON.parse and the schema's rules, as bytes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { generateConfig } from "../../toolchain/build/codegen.js";
import { readSchema } from "../../toolchain/build/schema-read.js";
import { Host } from "../../toolchain/build/testdata/host.js";
import { makeProject } from "../../toolchain/build/testdata/project.js";
import { join } from "node:path";
import { moduleOf } from "./program.js";

const SEED = 20260615;
const RUNS = 20_000;

interface Schema {
  readonly type: "string" | "integer" | "boolean" | "array" | "object";
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly default?: string | number | boolean;
  readonly additionalProperties?: false;
}

const string: Schema = { type: "string" };
const integer: Schema = { type: "integer" };
const boolean: Schema = { type: "boolean" };
const list = (items: Schema): Schema => ({ type: "array", items });
const object = (properties: Record<string, Schema>, required: string[] = []): Schema => ({
  type: "object",
  additionalProperties: false,
  properties,
  required,
});

const SCHEMAS: Readonly<Record<string, Schema>> = {
  flat: object(
    { s: { ...string, default: "d" }, i: { ...integer, default: -7 }, b: { ...boolean, default: true }, req: integer },
    ["req"],
  ),
  nested: object({
    rules: list(object({ path: string, status: integer, tags: list(string) }, ["path"])),
    limits: object({ burst: integer, inner: object({ on: boolean }) }),
    numbers: list(integer),
  }),
  deep: object({
    grid: list(list(list(integer))),
    flags: list(list(boolean)),
    table: list(list(object({ k: string }))),
  }),
};

// --- The filter: decodes and logs what it has decoded.

function dumpSource(schema: Schema, value: string, depth = 0): string {
  const i = `i${depth}`;
  switch (schema.type) {
    case "string":
      return `out += ${value}.length.toString() + ":" + ${value};\n`;
    case "array":
      return `out += "[";\nfor (let ${i} = 0; ${i} < ${value}.length; ${i}++) {\n${dumpSource(schema.items!, `${value}[${i}]`, depth + 1)}out += ",";\n}\nout += "]";\n`;
    case "object":
      return `out += "{";\n${Object.entries(schema.properties!)
        .map(([name, type]) => `${dumpSource(type, `${value}.${name}`, depth)}out += ",";\n`)
        .join("")}out += "}";\n`;
    default:
      return `out += ${value}.toString();\n`;
  }
}

function dump(schema: Schema, value: unknown): string {
  switch (schema.type) {
    case "string": {
      const text = (value ?? schema.default ?? "") as string;
      return `${text.length}:${text}`;
    }
    case "integer":
      return String(((value ?? schema.default ?? 0) as number) + 0);
    case "boolean":
      return String(value ?? schema.default ?? false);
    case "array":
      return `[${((value ?? []) as unknown[]).map((item) => `${dump(schema.items!, item)},`).join("")}]`;
    case "object": {
      const fields = (value ?? {}) as Record<string, unknown>;
      const own = (name: string) => (Object.hasOwn(fields, name) ? fields[name] : undefined);
      return `{${Object.entries(schema.properties!)
        .map(([name, type]) => `${dump(type, own(name))},`)
        .join("")}}`;
    }
  }
}

function filterOf(schema: Schema): Record<string, string> {
  const file = join(makeProject({ "config.schema.json": JSON.stringify(schema) }), "config.schema.json");
  return {
    "assembly/config.ts": generateConfig(readSchema(file), "sample"),
    "assembly/index.ts": `import { HttpFilter, log, Plugin, registerHttpFilter } from "meshwasm/sdk";
import { SampleConfig } from "./config";
class P extends Plugin<SampleConfig> {
  onConfigure(): bool {
    let out = "";
    ${dumpSource(schema, "this.config")}
    log.info(out);
    return true;
  }
}
class F extends HttpFilter<P> {}
registerHttpFilter<F, P, SampleConfig>();
`,
  };
}

// --- The reference.

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[[\]{}:,]|true|false|null/gs;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What JSON.parse cannot tell of a valid text: keys given twice, lone surrogates, numbers that are no safe integers. */
function hidden(text: string): string | null {
  const keys: (Set<string> | null)[] = [];
  const tokens = text.match(TOKEN) ?? [];
  for (const [at, token] of tokens.entries()) {
    if (token === "{") keys.push(new Set());
    else if (token === "[") keys.push(null);
    else if (token === "}" || token === "]") keys.pop();
    else if (token.startsWith('"')) {
      const value = JSON.parse(token) as string;
      if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(value)) return "lone surrogate";
      if (tokens[at + 1] === ":") {
        if (keys.at(-1)!.has(value)) return "duplicate key";
        keys.at(-1)!.add(value);
      }
    } else if (/^[-\d]/.test(token) && !isSafeInteger(token)) return "number";
  }
  return null;
}

/** Whether the exact value of a number is an integer within ±(2^53 - 1). */
function isSafeInteger(token: string): boolean {
  const [, whole, fraction = "", power = "0"] = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token)!;
  const digits = (whole! + fraction).replace(/^0+/, "");
  if (!digits) return true;
  const significant = digits.replace(/0+$/, "");
  const exponent = BigInt(power) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  if (exponent < 0n || exponent > 20n || significant.length > 20) return false;
  return BigInt(significant) * 10n ** exponent <= 9007199254740991n;
}

function follows(schema: Schema, value: unknown): boolean {
  switch (schema.type) {
    case "string":
    case "boolean":
      return typeof value === schema.type;
    case "integer":
      return typeof value === "number";
    case "array":
      return Array.isArray(value) && value.every((item) => follows(schema.items!, item));
    case "object":
      return (
        typeof value === "object" &&
        value !== null &&
        !Array.isArray(value) &&
        schema.required!.every((name) => Object.hasOwn(value, name)) &&
        Object.entries(value).every(
          ([name, item]) => Object.hasOwn(schema.properties!, name) && follows(schema.properties![name]!, item),
        )
      );
  }
}

type Verdict =
  { readonly parsed: false } | { readonly parsed: true; readonly value: unknown; readonly hidden: string | null };

/** Whether JSON.parse and the rules take the document, and what they cannot see. No bytes stand for `{}`. */
function reference(schema: Schema, bytes: Uint8Array): Verdict {
  try {
    const text = bytes.length ? strictUtf8.decode(bytes) : "{}";
    const value: unknown = JSON.parse(text);
    return follows(schema, value) ? { parsed: true, value, hidden: hidden(text) } : { parsed: false };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return { parsed: false };
    throw error;
  }
}

// --- Documents.

const space = fc.constantFrom("", "", "", " ", "\n", "\t", "\r\n  ");
const character = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.string({ unit: "grapheme", minLength: 1, maxLength: 3 }).map((s) => JSON.stringify(s).slice(1, -1)),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "\\n",
      "\\/",
      '\\"',
      "\\\\",
      "\\b",
      "\\f",
      "\\r",
      "\\t",
      "\\u0000",
      "\\u00E9",
      "\\uffff",
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom("\\ud83d\\ude00", "\\uDBFF\\uDFFF", "\\ud800", "\\udc00", "\\udc00\\ud800") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("\\x", "\\u12", "\\u00g0", "\\ud83d\u{1f600}", "\u007f", "\u2028", "\\U0041"),
  },
);
const stringText = fc.array(character, { maxLength: 5 }).map((parts) => `"${parts.join("")}"`);
const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 22 });
const integerText = fc.oneof(
  fc.maxSafeInteger().map(String),
  fc.integer({ min: -20, max: 20 }).map(String),
  fc.constantFrom(
    "9007199254740991",
    "-9007199254740991",
    "9007199254740992",
    "-9007199254740993",
    "-0",
    "0e9",
    "1E400",
  ),
  fc
    .tuple(
      fc.constantFrom("", "-"),
      digits,
      fc.constantFrom("", ".0", ".5", ".000", ".10"),
      fc.constantFrom("", "e1", "E+2", "e-1", "e-3", "e20", "e-20"),
    )
    .map((parts) => parts.join("")),
  fc
    .tuple(fc.integer({ min: 1, max: 999 }), fc.nat({ max: 30 }), fc.integer({ min: -31, max: 20 }))
    .map(([n, zeros, e]) => `${n}${"0".repeat(zeros)}e${e}`),
  fc.tuple(fc.nat({ max: 30 }), digits, fc.nat({ max: 40 })).map(([zeros, d, e]) => `0.${"0".repeat(zeros)}${d}e${e}`),
);
const noise = fc.oneof(
  fc.json({ maxDepth: 2 }),
  fc.constantFrom("nul", "null", "True", "1.", ".5", "+1", "0x1", "NaN", "'a'", "{}", "[]"),
);

function textOf(schema: Schema): fc.Arbitrary<string> {
  const spaced = (text: fc.Arbitrary<string>) => fc.tuple(space, text, space).map((parts) => parts.join(""));
  const plain = (): fc.Arbitrary<string> => {
    switch (schema.type) {
      case "string":
        return stringText;
      case "integer":
        return integerText;
      case "boolean":
        return fc.constantFrom("true", "false");
      case "array":
        return fc.array(textOf(schema.items!), { maxLength: 3 }).map((items) => `[${items.join(",")}]`);
      case "object": {
        const members = Object.entries(schema.properties!).map(([name, type]) => {
          const member = textOf(type).map((text) => `"${name}":${text}`);
          return schema.required!.includes(name) ? member : fc.option(member, { nil: "", freq: 3 });
        });
        const extra = fc.oneof(
          { weight: 30, arbitrary: fc.constant("") },
          { weight: 1, arbitrary: noise.map((text) => `"other":${text}`) },
          {
            weight: 1,
            arbitrary: fc.constantFrom('"s":"twice"', '"\\u0073":"s"', '"__proto__":{}', '"":1', '"req":1'),
          },
        );
        return fc.tuple(fc.tuple(...members, extra), fc.nat({ max: 5 }), space).map(([parts, turn, inner]) => {
          const given = parts.filter((part) => part !== "");
          return `{${inner}${[...given.slice(turn), ...given.slice(0, turn)].join(",")}}`;
        });
      }
    }
  };
  return spaced(fc.oneof({ weight: 60, arbitrary: plain() }, { weight: 1, arbitrary: noise }));
}

/** Some bytes of a document are changed, put in or taken out. */
const byte = fc.oneof(
  fc.constantFrom(...'{}[]",:\\0123456789.eE+-tfn \n\t\0\x1f/u'.split("").map((c) => c.charCodeAt(0))),
  fc.integer({ min: 0, max: 255 }),
);
const changes = fc.array(fc.tuple(fc.constantFrom("set", "insert", "delete", "cut"), fc.nat(), byte), {
  minLength: 1,
  maxLength: 3,
});

function mutate(text: string, list: [string, number, number][]): Uint8Array {
  const bytes = [...Buffer.from(text)];
  for (const [how, place, value] of list) {
    const at = place % (bytes.length + 1);
    if (how === "set" && at < bytes.length) bytes[at] = value;
    else if (how === "insert") bytes.splice(at, 0, value);
    else if (how === "delete") bytes.splice(at, 1);
    else if (how === "cut") bytes.splice(Math.max(at, bytes.length - 5));
  }
  return Uint8Array.from(bytes);
}

// --- The comparison.

class Decoder {
  private id = 0;
  readonly seen = { accepted: 0, refused: 0, hidden: new Map<string, number>() };

  constructor(
    readonly host: Host,
    readonly schema: Schema,
  ) {}

  /** The reason of a refusal, or null and what was decoded. */
  decode(bytes: Uint8Array): { reason: string | null; decoded: string } {
    const id = ++this.id;
    this.host.call("proxy_on_context_create", id, 0);
    const reason = this.host.configure(id, bytes);
    const decoded = this.host.takeTexts().at(-1) ?? "";
    this.host.call("proxy_on_delete", id);
    return { reason, decoded };
  }

  agreesOn(bytes: Uint8Array): void {
    const { reason, decoded } = this.decode(bytes);
    const expected = reference(this.schema, bytes);
    const shown = JSON.stringify(Buffer.from(bytes).toString());
    if (!expected.parsed) {
      assert.ok(reason !== null, `accepted: ${shown}`);
      assert.match(reason, /^\$/);
      this.seen.refused++;
    } else if (expected.hidden !== null) {
      assert.ok(reason !== null, `accepted in spite of a ${expected.hidden}: ${shown}`);
      this.seen.hidden.set(expected.hidden, (this.seen.hidden.get(expected.hidden) ?? 0) + 1);
    } else {
      assert.equal(reason, null, shown);
      assert.equal(decoded, dump(this.schema, expected.value), shown);
      this.seen.accepted++;
    }
  }
}

for (const [name, schema] of Object.entries(SCHEMAS)) {
  test(`schema ${name}: the verdict is that of JSON.parse and the rules, but for what they cannot see (seed ${SEED})`, async (t) => {
    const decoder = new Decoder(new Host(await moduleOf(filterOf(schema))), schema);
    const text = textOf(schema);
    const bytes = fc.oneof(
      text.map((document) => new Uint8Array(Buffer.from(document))),
      fc.tuple(text, changes).map(([document, list]) => mutate(document, list)),
    );
    fc.assert(
      fc.property(bytes, (document) => decoder.agreesOn(document)),
      { seed: SEED, numRuns: RUNS },
    );
    const { accepted, refused, hidden } = decoder.seen;
    t.diagnostic(
      `accepted ${accepted}, refused ${refused}, ${[...hidden].map(([why, n]) => `${why} ${n}`).join(", ")}`,
    );
    assert.ok(accepted > RUNS / 10 && refused > RUNS / 10, "both verdicts are common");
    if (name === "flat") assert.deepEqual([...hidden.keys()].sort(), ["duplicate key", "lone surrogate", "number"]);
  });
}

test("documents one by one", async () => {
  const schema = SCHEMAS["flat"]!;
  const decoder = new Decoder(new Host(await moduleOf(filterOf(schema))), schema);
  const numbers = [
    ...[
      "0",
      "-0",
      "1",
      "1.0",
      "1e2",
      "1E+2",
      "100e-2",
      "0.1e1",
      "1.50e1",
      "1.5",
      "1e-1",
      "5e-324",
      "1e400",
      "1e-400",
      "0e400",
    ],
    ...["9007199254740991", "9007199254740991.0", "9007199254740992", "-9007199254740991", "-9007199254740992"],
    ...["9007199254740991.000000000000000000000000", "9007199254740990.9999999999999999999", "90071992547409910e-1"],
    ...["900719925474099100000000000000000000e-20", "1000000000000000000000000e-24", "1000000000000000000000001e-24"],
    ...[
      "123456789012345678",
      "18446744073709551616",
      "18446744073709551617e-1",
      "1.0000000000000000000000000000000000001",
    ],
    ...[
      "0.0000000000000000000000000000000000001e37",
      "00",
      "01",
      "-01",
      "1.",
      ".1",
      "-",
      "--1",
      "+1",
      "1e",
      "1e+",
      "1ee1",
    ],
    ...["1.1.1", "0x10", "1_000", "Infinity", "NaN", "1a", "1 2", "1e5.0", "-a", "1,", "١", `${"1".repeat(5000)}`],
    ...[`1${"0".repeat(5000)}e-5000`, `0.${"0".repeat(5000)}1e5001`, `1e${"0".repeat(50)}1`, "1e99999999999999999999"],
  ];
  const texts = [
    ...numbers.flatMap((n) => [`{"req":${n}}`, `{"req": ${n} ,"i":${n}}`]),
    ...["", " ", "{", "}", "{}", "[]", "null", "\ufeff{}", '{"req":1}\0', '\0{"req":1}', '{"req":1} x', '{"req":1}{}'],
    ...['\n{"req":1}', '\n\t{"req":1}', '\n\n{"req":1}', '\n\r{"req":1}', '\n {"req":1}', "\n\x07{}", "\n\x00", "\n"],
    ...[
      '{"req":1,}',
      '{,"req":1}',
      '{"req":1,,"i":2}',
      '{"req" 1}',
      "{req:1}",
      "{'req':1}",
      '{"req":1 "i":2}',
      '{"req":}',
    ],
    ...['{"req":1,"b":tru}', '{"req":1,"b":truee}', '{"req":1,"b":falsey}', '{"req":1,"b":fals', '{"req":1,"b":fals}'],
    ...['{"req":1,"b":true1}', '{"req":1,"b":"true"}', '{"req":1,"b":1}', '{"req":1,"b":null}', '{"req":1,"b":false}'],
    ...[
      '{"req":1,"req":1}',
      '{"req":1,"\\u0072eq":1}',
      '{"req":1,"Req":1}',
      '{"req":1,"req ":1}',
      '{"\\u0072\\u0065q":1}',
    ],
    ...[
      '"\\ud83d\\ude00"',
      '"\\ud83d"',
      '"\\ude00"',
      '"\\ud83dx"',
      '"\\ud83d\\n"',
      '"\\ud83d\\ud83d\\ude00"',
      '"\\"',
    ].map((s) => `{"req":1,"s":${s}}`),
    ...[
      '"\n"',
      '"\\\n"',
      '"\t"',
      '"\x7f"',
      '"\\u"',
      '"\\u00"',
      '"\\u000"',
      '"\\u00000"',
      '"\\uFfFf"',
      '"\\u٠٠٠٠"',
      '"\\é"',
    ].map((s) => `{"req":1,"s":${s}}`),
    `{"req":1,"s":"${"x".repeat(100_000)}\\n"}`,
    `{"req":1,"${"k".repeat(100_000)}":1}`,
    "[".repeat(100_000),
    '{"req":'.repeat(100_000),
  ];
  for (const text of texts) decoder.agreesOn(Buffer.from(text));
  for (const bytes of [[0xff], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc3]]) {
    decoder.agreesOn(Buffer.concat([Buffer.from('{"req":1,"s":"'), Buffer.from(bytes), Buffer.from('"}')]));
    decoder.agreesOn(Buffer.concat([Buffer.from('{"req":1,"'), Buffer.from(bytes), Buffer.from('":1}')]));
  }
  const reasons: Record<string, string> = {
    "[]": "$: must be an object",
    "": '$: required key "req" is missing',
    "{": "$: is not valid JSON: it ends too early",
    '{"req":1,"s":3}': "$.s: must be a string",
    '{"req":"x"}': "$.req: must be an integer",
    '{"req":1.5}': "$.req: must be an integer",
    '{"req":9007199254740992}': "$.req: must be an integer within ±9007199254740991",
    '{"req":01}': "$.req: is not valid JSON: a number is malformed",
    '{"req":1,"req":2}': '$: duplicate key "req"',
    '{"req":1,"s":"\\ud800"}': "$.s: is not valid JSON: bad escape",
    '{"req":1,"s":"x': "$.s: is not valid JSON: unterminated string",
    '{"req":1}x': "$: is not valid JSON: text follows its end",
    "\n\x07": "$: must be an object",
  };
  for (const [text, reason] of Object.entries(reasons))
    assert.equal(decoder.decode(Buffer.from(text)).reason, reason, text);
});

test("a configuration has a bound in bytes and in values", async () => {
  const schema = SCHEMAS["nested"]!;
  const decoder = new Decoder(new Host(await moduleOf(filterOf(schema))), schema);
  const many = Buffer.from(`{"numbers":[${Array(1_000_001).fill(1).join(",")}]}`);
  assert.equal(decoder.decode(many).reason, "$.numbers: has too many values");
  const padded = Buffer.from(`{}${" ".repeat(4 * 1024 * 1024)}`);
  assert.equal(decoder.decode(padded).reason, "$: is larger than 4 MiB");
});
