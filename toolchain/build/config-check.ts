/* Reads a configuration as the generated decoder does, step by step with the same code (decoder.ts), and goes on after an
 * error: the first one is what the filter says. */

import {
  itemBounds,
  lengthBounds,
  memberBounds,
  memberPath,
  missed,
  mustBe,
  mustBeKind,
  mustHaveKey,
  propertyPath,
  rangeBounds,
} from "./config-messages.js";
import { Decoder } from "./decoder.js";
import {
  jsonKind,
  type ConfigSchema,
  type ObjectType,
  type SchemaType,
  type StringType,
  type UnionType,
} from "./schema.js";

/** Why a configuration is refused. */
export interface ConfigError {
  /** As in `$.rules[0].name`. */
  readonly path: string;
  readonly reason: string;
  /** Keys and indices down to the value, or to the object that has a wrong key. */
  readonly steps: readonly (string | number)[];
  /** The key that is unknown or there twice. */
  readonly key: string | null;
  /** Keys that would have been known. */
  readonly known: readonly string[];
  /** Byte of the JSON text at which it was found; of a Struct null. */
  readonly offset: number | null;
}

/** More errors are not looked for. */
const MOST_ERRORS = 50;
/** What Envoy hands to a filter at most (sdk/runtime/dispatch.ts). */
const MOST_BYTES = 4 * 1024 * 1024;

/** Everything for which a filter with this schema refuses these bytes, in the order of the text; empty when it takes them. */
export function checkConfig(schema: ConfigSchema, bytes: Uint8Array): ConfigError[] {
  if (bytes.length > MOST_BYTES)
    return [{ path: "$", reason: "is larger than 4 MiB", steps: [], key: null, known: [], offset: null }];
  return checkValue(schema.root, bytes);
}

/** Environment variables that a configuration names for secrets, as far as it can be read. */
export function secretVariables(schema: ConfigSchema, bytes: Uint8Array): string[] {
  const check = new Check(bytes);
  check.run(schema.root);
  return [...check.variables].sort();
}

/** The same for a document of any type. */
export function checkValue(type: SchemaType, bytes: Uint8Array): ConfigError[] {
  return new Check(bytes).run(type);
}

/** Ends the check: what follows cannot be read. */
class Unreadable extends Error {}

/** Errors of the text itself, after which nothing can be read. */
const FATAL = /^(is not valid JSON: |is nested too deep$|has too many values$)/;

class Check {
  readonly variables = new Set<string>();
  private readonly errors: ConfigError[] = [];
  private readonly json: Decoder;
  private readonly steps: (string | number)[] = [];
  private readonly shown: string[] = ["$"];

  constructor(private readonly bytes: Uint8Array) {
    this.json = Decoder.open(bytes);
  }

  run(type: SchemaType): ConfigError[] {
    try {
      this.value(type);
      if (!this.json.is("end")) this.report();
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
    return this.errors;
  }

  /** Reads one value; after an error goes on behind it. */
  private value(type: SchemaType): void {
    const { json } = this;
    const { offset, nesting } = json;
    const reason = this.read(type, offset);
    if (json.ok && reason === null) return;
    this.report(reason, offset);
    json.resume(offset, nesting);
    this.skip();
  }

  /** What is wrong with a value beyond what the decoder has noticed; null when nothing is. */
  private read(type: SchemaType, offset: number): string | null {
    const { json } = this;
    switch (type.kind) {
      case "string":
        return this.string(type);
      case "enum": {
        const text = json.string("text");
        return json.ok && !type.values.includes(text) ? mustBe(type.values) : null;
      }
      case "integer": {
        const value = Number(json.integer("integer"));
        if (!json.ok) return null;
        if (type.values) return type.values.includes(value) ? null : mustBe(type.values);
        return missed(rangeBounds(type), value);
      }
      case "number": {
        const value = json.number();
        return json.ok ? missed(rangeBounds(type), value) : null;
      }
      case "boolean": {
        const value = json.is("flag");
        return json.ok && type.const !== null && value !== type.const ? mustBe([type.const]) : null;
      }
      case "array": {
        if (!json.is("beginArray")) return null;
        let count = 0;
        for (; json.next("nextItem", count === 0); count++)
          this.within(count, `[${count}]`, () => this.value(type.items));
        this.readable();
        const reason = missed(itemBounds(type), count);
        if (reason) this.report(reason, offset);
        return null;
      }
      case "map": {
        if (!json.is("beginObject")) return null;
        const keys = new Set<string>();
        for (let first = true; json.next("nextKey", first); first = false) {
          const { key } = json;
          if (keys.has(key)) this.wrongKey("duplicateKey", key, []);
          else this.within(key, memberPath(key), () => this.value(type.values));
          keys.add(key);
        }
        this.readable();
        const reason = missed(memberBounds(type), keys.size);
        if (reason) this.report(reason, offset);
        return null;
      }
      case "object":
        return this.object(type, offset);
      case "union":
        return this.union(type, offset);
    }
  }

  private string(type: StringType): string | null {
    const { json } = this;
    switch (type.format) {
      case "duration":
      case "int64":
        json.integer(type.format);
        return null;
      case "cidr":
      case "regex":
        json.run(type.format);
        return null;
      case "secret-env": {
        const name = json.string("secretEnv");
        if (json.ok) this.variables.add(name);
        return null;
      }
    }
    const text = json.string(type.format === "uri" ? "uri" : type.format === "header-name" ? "headerName" : "text");
    if (!json.ok) return null;
    if (type.const !== null) return text === type.const ? null : mustBe([type.const]);
    return missed(lengthBounds(type), [...text].length);
  }

  private object(type: ObjectType, offset: number): string | null {
    const { json } = this;
    if (!json.is("beginObject")) return null;
    const properties = new Map(type.properties.map((property) => [property.name, property]));
    const seen = new Set<string>();
    for (let first = true; json.next("nextKey", first); first = false) {
      const { key } = json;
      const property = properties.get(key);
      if (!property)
        this.wrongKey(
          "unknownKey",
          key,
          [...properties.keys()].filter((name) => !seen.has(name)),
        );
      else if (seen.has(key)) this.wrongKey("duplicateKey", key, []);
      else this.within(key, propertyPath(key), () => this.value(property.type));
      seen.add(key);
    }
    this.readable();
    const missing = type.properties.filter(({ name, required }) => required && !seen.has(name));
    for (const { name } of missing) this.report(`required key "${name}" is missing`, offset);
    return null;
  }

  private union(type: UnionType, offset: number): string | null {
    const { kind } = this.json;
    const candidates = type.branches.filter((branch) => jsonKind(branch.type) === kind);
    if (!candidates.length) return mustBeKind(type);
    let branch = candidates[0]!;
    if (candidates.length > 1) {
      const chosen =
        type.tag === null
          ? this.keyed(type)
          : this.tagged(
              type.tag,
              candidates.map(({ key }) => key!),
            );
      if (chosen === null) return null;
      if (chosen === "") return mustHaveKey(type);
      branch = candidates.find(({ key }) => key === chosen)!;
    }
    return this.read(branch.type, offset);
  }

  /** The constant of an object's tag; null after an error, which is reported, and behind the object. */
  private tagged(tag: string, all: readonly string[]): string | null {
    const { json } = this;
    const { offset, nesting } = json;
    let found: string | null = null;
    let at = offset;
    json.run("ahead");
    json.is("beginObject");
    for (let first = true; json.next("nextKey", first); first = false) {
      if (json.key === tag) {
        at = json.offset;
        found = json.string("text");
        break;
      }
      if (!json.is("skip")) break;
    }
    json.run("back");
    if (json.ok && found !== null && all.includes(found)) return found;
    if (found === null) this.report(json.ok ? `required key "${tag}" is missing` : null, json.ok ? offset : null);
    else this.within(tag, propertyPath(tag), () => this.report(json.ok ? mustBe(all) : null, at));
    json.resume(offset, nesting);
    this.skip();
    return null;
  }

  private keyed(type: UnionType): string | null {
    const { json } = this;
    const keys = type.branches.flatMap(({ key }) => key ?? []);
    let found = "";
    json.run("ahead");
    json.is("beginObject");
    for (let first = true; json.next("nextKey", first); first = false) {
      if (keys.includes(json.key)) {
        found = json.key;
        break;
      }
      if (!json.is("skip")) break;
    }
    json.run("back");
    return json.ok ? found : null;
  }

  private within(step: string | number, shown: string, read: () => void): void {
    this.steps.push(step);
    this.shown.push(shown);
    read();
    this.steps.pop();
    this.shown.pop();
  }

  private wrongKey(name: "unknownKey" | "duplicateKey", key: string, known: readonly string[]): void {
    const { json } = this;
    const { offset, nesting } = json;
    json.is(name);
    this.report(null, keyBefore(this.bytes, offset), key, known);
    json.resume(offset, nesting);
    this.skip();
  }

  /** Past a value that is wrong. What the text itself has wrong in it ends the check. */
  private skip(): void {
    if (this.json.is("skip")) return;
    if (FATAL.test(this.json.error)) this.report();
    throw new Unreadable();
  }

  private readable(): void {
    if (!this.json.ok) this.report();
  }

  /** Notes an error: that of the decoder, or else this one. */
  private report(
    reason: string | null = null,
    offset: number | null = null,
    key: string | null = null,
    known: readonly string[] = [],
  ): void {
    const { json } = this;
    const text = json.ok ? reason! : json.error;
    const fatal = FATAL.test(text);
    const at = fatal || offset === null ? json.errorAt : offset;
    this.errors.push({
      path: this.shown.join(""),
      reason: text,
      steps: [...this.steps],
      key,
      known,
      offset: json.isBinary ? null : at,
    });
    if (fatal || this.errors.length >= MOST_ERRORS) throw new Unreadable();
  }
}

/** Where the key begins whose value is at `offset`. */
function keyBefore(bytes: Uint8Array, offset: number): number {
  const [quote, backslash] = [0x22, 0x5c];
  let at = offset - 1;
  // The quote that ends the key.
  while (at > 0 && bytes[at] !== quote) at--;
  for (at--; at > 0; at--) {
    if (bytes[at] !== quote) continue;
    let escapes = 0;
    while (bytes[at - 1 - escapes] === backslash) escapes++;
    if (escapes % 2 === 0) break;
  }
  return Math.max(at, 0);
}
