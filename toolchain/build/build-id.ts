/* Envoy prints where a filter trapped only when the module has a name section, and then names the functions that the
 * section names. So a stripped module keeps a section that names its callbacks by what finds its unstripped twin. */

import { createHash } from "node:crypto";
import { readWasm } from "./wasm.js";

const HEX_DIGITS = 12;
const CALLBACK = /^(proxy_on_.*|_initialize)$/;

/** What a backtrace's line of a callback holds; group 1 is the id. */
export const BUILD_ID = /\bbuild:([0-9a-f]{12})\b/;

/** The id of a module's code: the start of its SHA-256 without custom sections. */
export function buildIdOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bareCode(bytes)).digest("hex").slice(0, HEX_DIGITS);
}

/** The module without any custom section. */
function bareCode(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const { start, end } of readWasm(bytes).customSections) {
    parts.push(bytes.subarray(at, start));
    at = end;
  }
  parts.push(bytes.subarray(at));
  return new Uint8Array(Buffer.concat(parts));
}

/** The module as it is shipped: its code, and behind it the names of its callbacks. */
export function shipped(bytes: Uint8Array): Uint8Array {
  const code = bareCode(bytes);
  const named = new Set(
    readWasm(code).exports.flatMap(({ kind, name, index }) => (kind === "func" && CALLBACK.test(name) ? [index] : [])),
  );
  const name = text(`build:${buildIdOf(code)}`);
  const names = [...named].sort((a, b) => a - b).flatMap((index) => [...leb(index), ...name]);
  const functions = [...leb(named.size), ...names];
  const content = [...text("name"), 1, ...leb(functions.length), ...functions];
  return new Uint8Array(Buffer.concat([code, Buffer.from([0, ...leb(content.length), ...content])]));
}

function leb(value: number): number[] {
  const bytes: number[] = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value > 0);
  return bytes;
}

function text(value: string): number[] {
  const bytes = Buffer.from(value, "utf8");
  return [...leb(bytes.length), ...bytes];
}
