/* What structured-headers makes of a field, in the form in which drivers/structured.as writes what it has parsed. */

import { DisplayString, parseDictionary, parseItem, parseList, Token } from "structured-headers";
import type { BareItem, InnerList, Item, Parameters } from "structured-headers";

export type Kind = "item" | "list" | "dictionary";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function bare(value: BareItem): [string, string] {
  if (typeof value === "number") return ["n", String(thousandths(value))];
  if (typeof value === "string") return ["s", hex(Buffer.from(value))];
  if (typeof value === "boolean") return ["b", value ? "1" : "0"];
  if (value instanceof Token) return token(value.toString());
  if (value instanceof DisplayString) return ["S", hex(Buffer.from(value.toString()))];
  if (value instanceof Date) throw new Error("a date that is no token");
  return ["x", hex(ArrayBuffer.isView(value) ? new Uint8Array(value.buffer) : new Uint8Array(value))];
}

/** It has one type for integers and decimals. */
const thousandths = (value: number): bigint =>
  Number.isInteger(value) ? BigInt(value) * 1000n : BigInt(Math.round(value * 1000));

/** The driver's form without the difference of integers and decimals. */
export function loosely(dumped: unknown): unknown {
  if (!Array.isArray(dumped)) return dumped;
  const [type, text] = dumped as [unknown, unknown];
  if (typeof text === "string" && type === "i") return ["n", `${BigInt(text) * 1000n}`];
  if (typeof text === "string" && type === "d") return ["n", text];
  return dumped.map(loosely);
}

/** What stands for the @ of a date: see `prepared`. */
const DATE = "*date:";

function token(text: string): [string, string] {
  if (!text.startsWith(DATE)) return ["t", hex(Buffer.from(text))];
  const [, seconds] = /^\*date:(-?[0-9]{1,15})$/.exec(text) ?? [];
  if (!seconds) throw new Error("not a date");
  return ["D", String(BigInt(seconds))];
}

/** Whether a whole date stands there; anything else with an @ is refused anyway. */
function isDate(text: string, at: number): boolean {
  const before = text[at - 1] ?? "";
  return !/[\w!#$%&'*+.^`|~:/-]/.test(before) && /^@-?\d{1,15}(?=$|[ ,;)\t])/.test(text.slice(at, at + 20));
}

/**
 * Works around two faults of structured-headers 2.1.0: it takes a date only at the end of a field (RFC 9651, section 4.2.9,
 * ends it as any integer), so dates become tokens, which may stand in the same places and before the same characters; and
 * it drops a byte order mark at the beginning of a Display String (section 4.2.10 keeps it), so that is doubled.
 */
function prepared(text: string): string {
  let result = "";
  let quoted = false;
  let escapes = false; // A Display String has none with a backslash.
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quoted && escapes && c === "\\") result += text[i++]!;
    else if (c === '"') {
      quoted = !quoted;
      escapes = text[i - 1] !== "%";
    } else if (!quoted && isDate(text, i)) {
      result += DATE;
      continue;
    }
    result += text[i] ?? "";
  }
  return result.replaceAll('%"%ef%bb%bf', '%"%ef%bb%bf%ef%bb%bf');
}

const params = (all: Parameters): unknown[] => [...all].map(([key, value]) => [key, bare(value)]);

function member(value: Item | InnerList): unknown {
  const [content, parameters] = value;
  return [Array.isArray(content) ? ["(", content.map(member)] : bare(content), params(parameters)];
}

/** null when it refuses the field. A token that begins with "*date:" is not for this model. */
export function modelOf(kind: Kind, input: Uint8Array): unknown {
  const text = prepared(Buffer.from(input).toString("latin1"));
  try {
    if (kind === "item") return member(parseItem(text));
    if (kind === "list") return parseList(text).map(member);
    return [...parseDictionary(text)].map(([key, value]) => [key, member(value)]);
  } catch {
    return null;
  }
}
