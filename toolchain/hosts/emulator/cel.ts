import type { CelEnv, CelInput, CelResult } from "@bufbuild/cel";
import { Status } from "./abi.js";
import type { Context } from "./contexts.js";
import { EmulatorError } from "./errors.js";
import { attribute } from "./properties.js";
import { serialiseValue, type Message, type Value, type ValueMap } from "./values.js";
import type { Vm } from "./vm.js";

interface Expression {
  readonly plan: (variables: Record<string, CelInput>) => CelResult;
  /** Names of which it asks whether they have a field: that is an error when there is no such name. */
  readonly asked: readonly string[];
}

/** The expressions of a root context, by token. */
export class Expressions {
  readonly plans = new Map<number, Expression>();
  next = 0;
}

type Library = typeof import("@bufbuild/cel") & {
  readonly wkt: typeof import("@bufbuild/protobuf/wkt");
  readonly create: typeof import("@bufbuild/protobuf").create;
};

let library: Library | null = null;
let environment: CelEnv | null = null;

/** CEL is large, and few filters need it. */
export async function loadExpressions(): Promise<void> {
  if (library !== null) return;
  const [cel, wkt, { create }] = await Promise.all([
    import("@bufbuild/cel"),
    import("@bufbuild/protobuf/wkt"),
    import("@bufbuild/protobuf"),
  ]);
  library = { ...cel, wkt, create };
  environment = cel.celEnv();
}

function loaded(): { cel: Library; env: CelEnv } {
  if (library === null || environment === null) {
    throw new EmulatorError(
      "The module's code does not name expr_create, so the emulator has not loaded CEL; write the name as a literal.",
    );
  }
  return { cel: library, env: environment };
}

/** What a filter may name at the beginning of an expression. */
const NAMES = (
  "request response connection upstream source destination metadata filter_state upstream_filter_state xds " +
  "plugin_name plugin_root_id plugin_vm_id connection_id"
).split(" ");

/** Values that were given to an expression, to be recognised when they come back as its result. */
const given = new WeakMap<object, Value>();

export function createExpression(vm: Vm, source: string): string | number {
  const { cel, env } = loaded();
  const root = vm.current.root;
  if (root === null) return Status.BadArgument;
  const expressions = (root.expressions ??= new Expressions());
  let parsed: ReturnType<Library["parse"]>;
  try {
    parsed = cel.parse(Buffer.from(source, "latin1").toString());
  } catch {
    return Status.BadArgument;
  }
  const facts: Facts = { functions: new Set(), asked: new Set(), odd: false };
  survey(parsed.expr, facts);
  if (facts.odd) return Status.BadArgument;
  // Only what can be parsed gets a token.
  const token = expressions.next++;
  if ([...facts.functions].some((name) => !isKnown(name, env))) return Status.BadArgument;
  try {
    expressions.plans.set(token, { plan: cel.plan(env, parsed), asked: [...facts.asked] });
  } catch {
    return Status.BadArgument;
  }
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(token);
  return bytes.toString("latin1");
}

interface Facts {
  readonly functions: Set<string>;
  readonly asked: Set<string>;
  /** `has` of something that is no field. */
  odd: boolean;
}

interface Node {
  readonly case?: string;
  readonly value?: { function?: string; testOnly?: boolean; operand?: { exprKind?: Node }; name?: string };
}

/** What Envoy looks at when it compiles an expression. */
function survey(node: unknown, facts: Facts): void {
  if (typeof node !== "object" || node === null) return;
  const { case: kind, value } = node as Node;
  if (kind === "callExpr" && value?.function === "has") facts.odd = true;
  else if (kind === "callExpr" && value?.function !== undefined) facts.functions.add(value.function);
  else if (kind === "selectExpr" && value?.testOnly) {
    let at = value.operand?.exprKind;
    while (at?.case === "selectExpr") at = at.value?.operand?.exprKind;
    if (at?.case === "identExpr" && at.value?.name !== undefined) facts.asked.add(at.value.name);
  }
  for (const child of Object.values(node)) survey(child, facts);
}

/** Operators have names of their own in a parsed expression. */
function isKnown(name: string, env: CelEnv): boolean {
  return /^[^a-z]|^_|^@/i.test(name) || env.funcs.find(name) !== undefined;
}

function tokenOf(argument: string): number | null {
  return argument.length === 4 ? Buffer.from(argument, "latin1").readUInt32LE(0) : null;
}

export function evaluateExpression(vm: Vm, argument: string): string | number {
  const token = tokenOf(argument);
  if (token === null) return Status.BadArgument;
  // Not the effective context.
  const context = vm.current;
  const expression = context.root?.expressions?.plans.get(token);
  if (expression === undefined) return Status.NotFound;
  const { cel } = loaded();
  if (expression.asked.some((name) => NAMES.includes(name) && attribute(context, name) === null)) {
    return Status.InternalFailure;
  }
  let result: CelResult;
  try {
    result = expression.plan(variables(context));
  } catch (error) {
    if (error instanceof EmulatorError) throw error;
    return Status.InternalFailure;
  }
  if (cel.isCelError(result)) return Status.InternalFailure;
  const value = fromCel(result);
  return value === null ? Status.SerializationFailure : serialiseValue(value);
}

export function deleteExpression(vm: Vm, argument: string): number | null {
  const token = tokenOf(argument);
  if (token === null) return Status.BadArgument;
  vm.current.root?.expressions?.plans.delete(token);
  return null;
}

/** Everything that has a name, each looked up only when it is asked for. */
function variables(context: Context): Record<string, CelInput> {
  const all = {};
  for (const name of NAMES) {
    Object.defineProperty(all, name, {
      enumerable: true,
      get: () => {
        const value = attribute(context, name);
        return value === null ? undefined : toCel(value);
      },
    });
  }
  return all;
}

function utf8(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}

function toCel(value: Value): CelInput {
  const { cel } = loaded();
  switch (value.kind) {
    case "string":
      return utf8(value.value);
    case "bytes":
      return new Uint8Array(Buffer.from(value.value, "latin1"));
    case "int":
      return value.value;
    case "uint":
      return cel.celUint(value.value);
    case "double":
    case "bool":
      return value.value;
    case "duration":
      return cel.create(cel.wkt.DurationSchema, parts(value.value));
    case "timestamp":
      return cel.create(cel.wkt.TimestampSchema, parts(value.value));
    case "list":
      return remembered(value, cel.celList(value.items.map(toCel)));
    case "map":
    case "message":
      return remembered(value, cel.celMap(new View(value)));
    case "null":
      return null;
  }
}

function remembered<T extends object>(value: Value, as: T): T {
  given.set(as, value);
  return as;
}

function parts(nanoseconds: bigint): { seconds: bigint; nanos: number } {
  const nanos = Number(BigInt.asIntN(64, nanoseconds) % 1_000_000_000n);
  return { seconds: nanoseconds / 1_000_000_000n, nanos };
}

/** An attribute map or a message for CEL. */
class View implements ReadonlyMap<string, CelInput> {
  constructor(private readonly value: ValueMap | Message) {}

  #find(key: unknown): Value | null {
    if (typeof key !== "string") return null;
    const name = Buffer.from(key).toString("latin1");
    return this.value.kind === "map" ? this.value.get(name) : this.value.field(name);
  }

  get(key: string): CelInput | undefined {
    const found = this.#find(key);
    return found === null ? undefined : toCel(found);
  }

  has(key: string): boolean {
    return this.#find(key) !== null;
  }

  #all(): [string, Value][] {
    const entries = this.value.kind === "map" ? (this.value.entries() ?? []) : [];
    return entries.flatMap(([key, value]) =>
      key.kind === "string" ? [[utf8(key.value), value] as [string, Value]] : [],
    );
  }

  get size(): number {
    return this.#all().length;
  }

  forEach(each: (value: CelInput, key: string, map: ReadonlyMap<string, CelInput>) => void): void {
    for (const [key, value] of this) each(value, key, this);
  }

  *entries(): MapIterator<[string, CelInput]> {
    for (const [key, value] of this.#all()) yield [key, toCel(value)];
  }

  *keys(): MapIterator<string> {
    for (const [key] of this.#all()) yield key;
  }

  *values(): MapIterator<CelInput> {
    for (const [, value] of this.#all()) yield toCel(value);
  }

  [Symbol.iterator](): MapIterator<[string, CelInput]> {
    return this.entries();
  }
}

/** null: a value that Envoy does not serialise. */
function fromCel(result: unknown): Value | null {
  const { cel } = loaded();
  switch (typeof result) {
    case "string":
      return { kind: "string", value: Buffer.from(result).toString("latin1") };
    case "bigint":
      return { kind: "int", value: result };
    case "number":
      return { kind: "double", value: result };
    case "boolean":
      return { kind: "bool", value: result };
  }
  if (typeof result !== "object" || result === null) return null;
  const known = given.get(result);
  if (known !== undefined) return known;
  if (result instanceof Uint8Array) return { kind: "bytes", value: Buffer.from(result).toString("latin1") };
  if (cel.isCelUint(result)) return { kind: "uint", value: result.value };
  if (cel.isCelList(result)) {
    const items = [...result].map(fromCel);
    return items.includes(null) ? null : { kind: "list", items: items as Value[] };
  }
  if (cel.isCelMap(result)) {
    const entries = [...result].map(([key, value]) => [fromCel(key), fromCel(value)] as const);
    if (entries.some((entry) => entry.includes(null))) return null;
    return { kind: "map", get: () => null, entries: () => entries as [Value, Value][] };
  }
  return time(result);
}

/** A timestamp or a duration. */
function time(result: object): Value | null {
  const { message = result, desc } = result as { message?: object; desc?: { typeName: string } };
  const {
    $typeName = desc?.typeName,
    seconds = 0n,
    nanos = 0,
  } = message as {
    $typeName?: string;
    seconds?: bigint;
    nanos?: number;
  };
  const value = seconds * 1_000_000_000n + BigInt(nanos);
  if ($typeName === "google.protobuf.Timestamp") return { kind: "timestamp", value };
  return $typeName === "google.protobuf.Duration" ? { kind: "duration", value } : null;
}
