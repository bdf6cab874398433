/* The schemas of the agreement test: each is about one feature of the subset, the last ones about all of them together. */

type Schema = Readonly<Record<string, unknown>>;

const closed = (properties: object, required: readonly string[] = [], more: object = {}): Schema => ({
  type: "object",
  additionalProperties: false,
  properties,
  ...(required.length ? { required } : {}),
  ...more,
});
const string = { type: "string" };
const integer = { type: "integer" };
const ref = (name: string) => ({ $ref: `#/$defs/${name}` });
const list = (items: object, more: object = {}) => ({ type: "array", items, ...more });
const map = (values: object, more: object = {}) => ({ type: "object", additionalProperties: values, ...more });
const format = (name: string) => ({ type: "string", format: name });

const secret = {
  description: "A secret: as it is, or where it is.",
  oneOf: [
    { type: "string", minLength: 1, title: "literal" },
    closed({ env: format("secret-env") }, ["env"]),
    closed({ sha256: { type: "string", minLength: 64, maxLength: 64 } }, ["sha256"]),
  ],
};
const condition = {
  oneOf: [
    closed({ all: list(ref("Cond"), { minItems: 1 }) }, ["all"]),
    closed({ any: list(ref("Cond"), { minItems: 1 }) }, ["any"]),
    closed({ not: ref("Cond") }, ["not"]),
    closed({ sel: string, regex: format("regex"), ignoreCase: { type: "boolean", default: false } }, ["sel"]),
  ],
};
const action = {
  oneOf: [
    closed({ type: { const: "allow" } }, ["type"]),
    closed({ type: { const: "deny" }, status: { type: "integer", minimum: 400, maximum: 599, default: 403 } }, [
      "type",
    ]),
    closed({ type: { const: "redirect" }, to: format("uri") }, ["type", "to"]),
  ],
};

export const SCHEMAS: Readonly<Record<string, Schema>> = {
  empty: closed({}),
  strings: closed({ a: string, b: { ...string, default: "x" }, "odd key": string }, ["a"]),
  lengths: closed({
    a: { ...string, minLength: 2 },
    b: { ...string, maxLength: 3 },
    c: { ...string, minLength: 1, maxLength: 1 },
  }),
  enums: closed({
    mode: { enum: ["enforce", "shadow", "off"], default: "enforce" },
    odd: { enum: ["", "é", 'q"uote', "1st"] },
  }),
  constants: closed(
    { s: { const: "v1" }, n: { const: 3 }, b: { const: true }, e: { type: "integer", enum: [1, 2, -5] } },
    ["s"],
  ),
  integers: closed({ a: integer, b: { ...integer, default: -7 } }, ["a"]),
  ranges: closed({
    a: { ...integer, minimum: 1, maximum: 10 },
    b: { ...integer, exclusiveMinimum: -3, exclusiveMaximum: 3 },
    c: { ...integer, minimum: -9007199254740991 },
  }),
  numbers: closed({
    a: { type: "number" },
    b: { type: "number", minimum: 0, maximum: 1, default: 0.5 },
    c: { type: "number", exclusiveMinimum: 0.1, exclusiveMaximum: 1e3 },
  }),
  booleans: closed({ a: { type: "boolean" }, b: { type: "boolean", default: true } }, ["a"]),
  arrays: closed(
    { a: list(string, { minItems: 1, maxItems: 3 }), b: list(integer, { default: [1, 2] }), c: list(list(integer)) },
    ["a"],
  ),
  objects: closed({ a: closed({ x: string, y: integer }, ["x"]), b: closed({ z: { ...integer, default: 4 } }) }, ["a"]),
  listed: closed(
    { rules: list(closed({ name: format("header-name"), value: string }, ["name", "value"]), { minItems: 1 }) },
    ["rules"],
  ),
  maps: closed({
    a: map(string),
    b: map(integer, { minProperties: 1, maxProperties: 2 }),
    c: map(list(map({ type: "boolean" }))),
  }),
  durations: closed({ a: format("duration"), b: { ...format("duration"), default: "250ms" } }, ["a"]),
  cidrs: closed({ a: list(format("cidr")), b: { ...format("cidr"), default: "10.0.0.0/8" } }),
  regexes: closed({ a: format("regex"), b: list(format("regex")), c: { ...format("regex"), default: "^a+$" } }, ["a"]),
  uris: closed({ a: format("uri"), b: { ...format("uri"), minLength: 5, maxLength: 30 } }),
  headers: closed({ a: format("header-name"), b: map(format("header-name")) }),
  int64s: closed({ a: format("int64"), b: { ...format("int64"), default: "-9223372036854775808" } }, ["a"]),
  secrets: closed({ a: format("secret-env"), b: ref("Secret") }, ["b"], { $defs: { Secret: secret } }),
  tagged: closed({ action: ref("Action"), more: list(ref("Action")) }, ["action"], { $defs: { Action: action } }),
  keyed: closed(
    {
      to: {
        oneOf: [
          closed({ cluster: string, path: string }, ["cluster"]),
          closed({ url: format("uri"), path: string }, ["url"]),
        ],
      },
    },
    ["to"],
  ),
  kinds: closed({
    v: { oneOf: [string, integer, { type: "boolean" }, list(string), map(integer)] },
    w: { oneOf: [{ type: "number" }, closed({ x: string }, ["x"], { title: "point" })] },
  }),
  recursive: closed({ when: ref("Cond"), tree: ref("Tree") }, [], {
    $defs: { Cond: condition, Tree: closed({ v: integer, left: ref("Tree"), children: list(ref("Tree")) }, ["v"]) },
  }),
  itself: closed({ name: string, inner: { $ref: "#" }, many: map({ $ref: "#" }) }, ["name"]),
  wide: closed(Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`p${i}`, i % 2 ? integer : string])), [
    "p0",
    "p33",
    "p69",
  ]),
  policy: closed(
    {
      mode: { enum: ["enforce", "shadow", "off"], default: "enforce" },
      match: ref("Cond"),
      rules: list(
        closed({ name: { ...string, minLength: 1, maxLength: 20 }, when: ref("Cond"), then: ref("Action") }, [
          "name",
          "then",
        ]),
        { maxItems: 4 },
      ),
      clients: list(
        closed({ id: string, keys: list(ref("Secret"), { minItems: 1 }), from: list(format("cidr")) }, ["id", "keys"]),
      ),
      timeout: { ...format("duration"), default: "10s" },
      headers: map(string, { maxProperties: 3 }),
      rate: { type: "number", exclusiveMinimum: 0, maximum: 1, default: 1 },
      hits: { ...integer, minimum: 0, maximum: 1000, default: 1 },
    },
    ["rules"],
    { $defs: { Cond: condition, Action: action, Secret: secret } },
  ),
};
