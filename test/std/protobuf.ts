/* What @bufbuild/protobuf reads of a message, as the driver prints it. Where the specification leaves no doubt that bytes
 * are wrong but that library reads on, the oracle refuses as well: more than 64 bits, a field number that does not exist,
 * text that is not UTF-8. */

import { isUtf8 } from "node:buffer";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

const MAX_DEPTH = 100;

class Refused extends Error {}

/** Length of the varint at `at`. */
function varint(bytes: Uint8Array, at: number): { value: bigint; end: number } {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) throw new Refused("cut");
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) {
      if (value >= 1n << 64n) throw new Refused("overflow");
      return { value, end: at + i + 1 };
    }
  }
  throw new Refused("too long");
}

/** The key at the reader's place, checked more strictly than the library does. */
function key(reader: BinaryReader, bytes: Uint8Array): [number, WireType] {
  const { value } = varint(bytes, reader.pos);
  if (value >> 3n === 0n || value >> 3n > 0x1fffffffn || (value & 7n) > 5n) throw new Refused("field");
  return reader.tag();
}

function skip(reader: BinaryReader, bytes: Uint8Array, field: number, type: WireType, depth: number): void {
  if (type === WireType.Varint) varint(bytes, reader.pos);
  if (type === WireType.EndGroup) throw new Refused("end");
  if (type !== WireType.StartGroup) {
    if (type === WireType.LengthDelimited) lengthAt(bytes, reader.pos);
    reader.skip(type, field);
    return;
  }
  if (depth >= MAX_DEPTH) throw new Refused("depth");
  for (;;) {
    const [inner, innerType] = key(reader, bytes);
    if (innerType === WireType.EndGroup) {
      if (inner !== field) throw new Refused("group");
      return;
    }
    skip(reader, bytes, inner, innerType, depth + 1);
  }
}

function lengthAt(bytes: Uint8Array, at: number): void {
  const { value, end } = varint(bytes, at);
  if (value > BigInt(bytes.length - end)) throw new Refused("length");
}

function dump(bytes: Uint8Array, depth: number, out: string[]): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = key(reader, bytes);
    const kind = field & 3;
    let text = "";
    if ((kind === 3 && field & 4) || type === WireType.StartGroup || type === WireType.EndGroup) {
      skip(reader, bytes, field, type, depth);
      text = kind === 3 && field & 4 ? "skipped" : "group";
    } else if (type === WireType.Varint) {
      varint(bytes, reader.pos);
      if (kind === 0) text = String(reader.uint64());
      else if (kind === 1) text = String(reader.int64());
      else if (kind === 2) text = String(reader.sint64());
      else text = String(reader.uint32());
    } else if (type === WireType.Bit32) text = String(reader.fixed32());
    else if (type === WireType.Bit64) text = String(reader.fixed64());
    else {
      lengthAt(bytes, reader.pos);
      const value = reader.bytes();
      if (kind === 0) {
        if (depth >= MAX_DEPTH) throw new Refused("depth");
        out.push(`${field}{`);
        dump(value, depth + 1, out);
        text = "}";
      } else if (kind === 1) text = Buffer.from(value).toString("hex");
      else if (kind === 2) {
        if (!isUtf8(value)) throw new Refused("text");
        text = Buffer.from(value).toString();
      } else text = varints(value).join(",");
    }
    out.push(`${field}:${type}:${text}`);
  }
}

function varints(bytes: Uint8Array): bigint[] {
  const reader = new BinaryReader(bytes);
  const values: bigint[] = [];
  while (reader.pos < reader.len) {
    varint(bytes, reader.pos);
    values.push(BigInt(reader.uint64()));
  }
  return values;
}

/** The driver's text for a message; null when it has to be refused. */
export function readingOf(bytes: Uint8Array): string | null {
  const out: string[] = [];
  try {
    // A view of its own: the library must not see what lies behind.
    dump(Uint8Array.from(bytes), 0, out);
  } catch (error) {
    if (error instanceof Refused || error instanceof RangeError || /invalid|illegal|premature/i.test(String(error))) {
      return null;
    }
    throw error;
  }
  return out.join("\n");
}
