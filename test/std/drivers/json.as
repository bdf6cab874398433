import { JsonReader } from "../../../sdk/std/json";
import { isJsonPointer, jsonAt } from "../../../sdk/std/json-pointer";
import { JsonDocument, JsonLimits, JsonType, JsonValue } from "../../../sdk/std/json-value";
import { JsonWriter } from "../../../sdk/std/json-writer";
import { decodeUtf8 } from "../../../sdk/std/utf8";
import { give, giveText } from "./io";

function giveWritten(writer: JsonWriter): usize {
  return writer.isComplete ? give(writer.textPtr, writer.textLength) : 0;
}

/** The value as it is looked at: numbers as doubles, strings decoded and encoded again. */
function writeAs(writer: JsonWriter, value: JsonValue): void {
  switch (value.type) {
    case JsonType.Null:
      writer.writeNull();
      break;
    case JsonType.Bool:
      writer.writeBool(value.bool());
      break;
    case JsonType.Number:
      writer.writeF64(value.f64());
      break;
    case JsonType.String:
      writer.writeString(value.text());
      break;
    case JsonType.Array:
      writer.beginArray();
      for (let i = 0; i < value.length; i++) writeAs(writer, value.at(i));
      writer.endArray();
      break;
    case JsonType.Object:
      writer.beginObject();
      for (let i = 0; i < value.length; i++) {
        writer.writeKey(value.keyText(i));
        writeAs(writer, value.at(i));
      }
      writer.endObject();
  }
}

export function parsed(ptr: usize, length: usize): usize {
  const document = JsonDocument.parse(ptr, length);
  if (!document.ok) return 0;
  const writer = new JsonWriter();
  writeAs(writer, document.root);
  return giveWritten(writer);
}

/** Offset and reason; 0 when the text is right. A size or number of 0 is the default. */
export function error(ptr: usize, length: usize, depth: u32, size: u32, keys: u32): usize {
  const limits = new JsonLimits();
  if (depth) limits.depth = depth;
  if (size) limits.size = size;
  if (keys) limits.keys = keys;
  const document = JsonDocument.parse(ptr, length, limits);
  return document.ok ? 0 : giveText(document.errorAt.toString() + " " + document.error);
}

/** The value with its numbers as they are in the text. */
export function copied(ptr: usize, length: usize): usize {
  const document = JsonDocument.fromText(decodeUtf8(ptr, length));
  return giveWritten(new JsonWriter(1).writeValue(document.root));
}

/** An array of numbers as [[i64, u64], …], null where one has no exact value. */
export function integers(ptr: usize, length: usize): usize {
  const list = JsonDocument.parse(ptr, length).root;
  const writer = new JsonWriter();
  writer.beginArray();
  for (let i = 0; i < list.length; i++) {
    const value = list.at(i);
    writer.beginArray();
    const signed = value.i64(1);
    if (signed == 1 && value.i64(2) == 2) writer.writeNull();
    else writer.writeI64(signed);
    const unsigned = value.u64(1);
    if (unsigned == 1 && value.u64(2) == 2) writer.writeNull();
    else writer.writeU64(unsigned);
    writer.endArray();
  }
  return giveWritten(writer.endArray());
}

/** What a pointer names in a document; 0 for nothing. */
export function pointed(ptr: usize, length: usize, pointer: usize, pointerLength: usize): usize {
  const value = jsonAt(JsonDocument.parse(ptr, length).root, decodeUtf8(pointer, pointerLength));
  return value.isMissing ? 0 : giveWritten(new JsonWriter().writeValue(value));
}

export function isPointer(ptr: usize, length: usize): bool {
  return isJsonPointer(decodeUtf8(ptr, length));
}

/** get and equals on an object: bit 0 whether the key is there, bit 1 whether its value is the string `text`. */
export function lookup(ptr: usize, length: usize, key: usize, keyLength: usize, text: usize, textLength: usize): i32 {
  const root = JsonDocument.parse(ptr, length).root;
  const name = decodeUtf8(key, keyLength);
  return i32(root.has(name)) | (i32(root.get(name).equals(decodeUtf8(text, textLength))) << 1);
}

// --- The pull reader.

function pull(reader: JsonReader, writer: JsonWriter): void {
  switch (reader.type) {
    case JsonType.Null:
      if (reader.readNull()) writer.writeNull();
      break;
    case JsonType.Bool: {
      const value = reader.readBool();
      if (reader.ok) writer.writeBool(value);
      break;
    }
    case JsonType.Number: {
      const value = reader.readF64();
      if (reader.ok) writer.writeF64(value);
      break;
    }
    case JsonType.String: {
      const text = reader.readString();
      if (reader.ok) writer.writeString(text);
      break;
    }
    case JsonType.Array:
      if (!reader.beginArray()) return;
      writer.beginArray();
      for (let first = true; reader.nextItem(first); first = false) pull(reader, writer);
      writer.endArray();
      break;
    case JsonType.Object:
      if (!reader.beginObject()) return;
      writer.beginObject();
      for (let first = true; reader.nextKey(first); first = false) {
        writer.writeKey(reader.key);
        pull(reader, writer);
      }
      writer.endObject();
      break;
    default:
      reader.fail("must be a value");
  }
}

export function pulled(ptr: usize, length: usize): usize {
  const reader = new JsonReader(ptr, length);
  const writer = new JsonWriter();
  pull(reader, writer);
  return reader.end() ? giveWritten(writer) : 0;
}

/** Offset and reason of the pull reader; 0 when the text is right. */
export function pullError(ptr: usize, length: usize): usize {
  const reader = new JsonReader(ptr, length);
  pull(reader, new JsonWriter());
  return reader.end() ? 0 : giveText(reader.errorAt.toString() + " " + reader.error);
}

/** The text of the value that skip has read, 0 after an error. */
export function skipped(ptr: usize, length: usize): usize {
  const reader = new JsonReader(ptr, length);
  return reader.skip() && reader.end() ? give(reader.skippedPtr, reader.skippedLength) : 0;
}

/** What readI64 (0), readU64 (1), readInteger (2) make of a number: decimal, or the reason. */
export function pulledInteger(ptr: usize, length: usize, kind: i32): usize {
  const reader = new JsonReader(ptr, length);
  let text: string;
  if (kind == 0) text = reader.readI64().toString();
  else if (kind == 1) text = reader.readU64().toString();
  else text = reader.readInteger().toString();
  return giveText(reader.end() ? text : reader.error);
}

// --- The writer.

/** Runs a script of one-byte calls, "{", "}", "[", "]", "k", "s", "n", "t", "i"; 0 when the writer refused. */
export function written(ptr: usize, length: usize): usize {
  const writer = new JsonWriter(1);
  for (let i: usize = 0; i < length; i++) {
    switch (load<u8>(ptr + i)) {
      case 0x7b:
        writer.beginObject();
        break;
      case 0x7d:
        writer.endObject();
        break;
      case 0x5b:
        writer.beginArray();
        break;
      case 0x5d:
        writer.endArray();
        break;
      case 0x6b:
        writer.writeKey("k");
        break;
      case 0x73:
        writer.writeString("s");
        break;
      case 0x6e:
        writer.writeNull();
        break;
      case 0x74:
        writer.writeBool(true);
        break;
      default:
        writer.writeI64(-1);
    }
  }
  return giveWritten(writer);
}

/** A string of UTF-16 units, whatever they are. */
export function quoted(ptr: usize, length: usize): usize {
  return giveWritten(new JsonWriter(1).writeString(String.UTF16.decodeUnsafe(ptr, length)));
}

export function quotedUtf8(ptr: usize, length: usize): usize {
  return giveWritten(new JsonWriter(1).writeUtf8(ptr, length));
}

// --- For fuzzing.

/** 0: no JSON. 1: JSON. 2: JSON but for a key that is there twice. Above: reader, document and writer disagree. */
export function verdict(ptr: usize, length: usize): i32 {
  const reader = new JsonReader(ptr, length);
  const skips = reader.skip() && reader.end();
  const document = JsonDocument.parse(ptr, length);
  if (!document.ok) {
    if (document.errorAt > <u32>length) return 10;
    if (!skips) return 0;
    return document.error == "a key is there twice" ? 2 : 11;
  }
  if (!skips) return 12;
  const writer = new JsonWriter().writeValue(document.root);
  if (!writer.isComplete) return 13;
  const again = JsonDocument.parse(writer.textPtr, writer.textLength);
  if (!again.ok) return 14;
  const twice = new JsonWriter().writeValue(again.root);
  if (twice.textLength != writer.textLength) return 15;
  if (memory.compare(twice.textPtr, writer.textPtr, writer.textLength) != 0) return 16;
  return 1;
}

/** The typed calls of the pull reader in an order that follows from the text, right or wrong. Never traps. */
export function misused(ptr: usize, length: usize): i32 {
  if (!length) return 0;
  const reader = new JsonReader(ptr + 1, length - 1);
  let order = <u32>load<u8>(ptr) * 0x01000193 + 1;
  for (let i = 0; i < 24; i++) {
    order = order * 1664525 + 1013904223;
    switch ((order >> 24) % 12) {
      case 0:
        reader.beginObject();
        break;
      case 1:
        reader.beginArray();
        break;
      case 2:
        reader.nextKey((order & 1) != 0);
        break;
      case 3:
        reader.nextItem((order & 1) != 0);
        break;
      case 4:
        reader.readString();
        break;
      case 5:
        reader.readF64();
        break;
      case 6:
        reader.readI64();
        break;
      case 7:
        reader.readU64();
        break;
      case 8:
        reader.readInteger();
        break;
      case 9:
        reader.readBool();
        break;
      case 10:
        reader.readNull();
        break;
      default:
        reader.skip();
    }
  }
  reader.end();
  return i32(reader.errorAt > <u32>length);
}

const pointedAt = JsonDocument.fromText('{"a/b":[{"~":"x","":[[1]]}],"é":0,"":{"":{"":{}}}}').root;

/** Bit 0: the bytes are a pointer. Bit 1: it names something in a document. */
export function pointerVerdict(ptr: usize, length: usize): i32 {
  const pointer = decodeUtf8(ptr, length);
  return i32(isJsonPointer(pointer)) | (i32(!jsonAt(pointedAt, pointer).isMissing) << 1);
}
