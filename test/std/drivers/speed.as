// Loops for the bench: the functions of sdk/std and what AssemblyScript has for the same.
import { JsonDocument, JsonType, JsonValue } from "../../../sdk/std/json-value";
import { JsonWriter } from "../../../sdk/std/json-writer";
import { decodeUtf8, encodeUtf8, isUtf8 } from "../../../sdk/std/utf8";

let sink: i32 = 0;

export function decode(ptr: usize, length: usize, times: i32): i32 {
  for (let i = 0; i < times; i++) sink += decodeUtf8(ptr, length).length;
  return sink;
}

export function decodeBuiltIn(ptr: usize, length: usize, times: i32): i32 {
  for (let i = 0; i < times; i++) sink += String.UTF8.decodeUnsafe(ptr, length).length;
  return sink;
}

export function validate(ptr: usize, length: usize, times: i32): i32 {
  for (let i = 0; i < times; i++) sink += i32(isUtf8(ptr, length));
  return sink;
}

export function encode(ptr: usize, length: usize, times: i32): i32 {
  const text = decodeUtf8(ptr, length);
  for (let i = 0; i < times; i++) sink += <i32>encodeUtf8(text, ptr);
  return sink;
}

export function encodeBuiltIn(ptr: usize, length: usize, times: i32): i32 {
  const text = decodeUtf8(ptr, length);
  for (let i = 0; i < times; i++) sink += <i32>String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, ptr);
  return sink;
}

export function parse(ptr: usize, length: usize, times: i32): i32 {
  for (let i = 0; i < times; i++) sink += JsonDocument.parse(ptr, length).root.length;
  return sink;
}

export function readAll(ptr: usize, length: usize, times: i32): i32 {
  for (let i = 0; i < times; i++) sink += walk(JsonDocument.parse(ptr, length).root);
  return sink;
}

function walk(value: JsonValue): i32 {
  const type = value.type;
  if (type == JsonType.Object) {
    let sum = value.length;
    for (let i = 0, length = value.length; i < length; i++) {
      sum += value.keyText(i).length;
      sum += walk(value.at(i));
    }
    return sum;
  }
  if (type == JsonType.Array) {
    let sum = value.length;
    for (let i = 0, length = value.length; i < length; i++) sum += walk(value.at(i));
    return sum;
  }
  if (type == JsonType.String) return value.text().length;
  if (type == JsonType.Number) return <i32>value.f64();
  return 1;
}

export function readOne(ptr: usize, length: usize, times: i32): i32 {
  for (let i = 0; i < times; i++) sink += JsonDocument.parse(ptr, length).root.get("nonce").text().length;
  return sink;
}

export function write(ptr: usize, length: usize, times: i32): i32 {
  const root = JsonDocument.parse(ptr, length).root;
  for (let i = 0; i < times; i++) sink += <i32>new JsonWriter(4096).writeValue(root).textLength;
  return sink;
}
