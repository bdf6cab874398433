import { ProtoReader, ProtoWriter, WireType } from "../../../sdk/std/protobuf";
import { giveArray, giveText } from "./io";

/** One field as text: number, type, value. Of length-delimited ones field % 4 says how they are read. */
function dump(reader: ProtoReader, out: string[]): void {
  while (reader.next()) {
    const field = reader.field;
    const kind = field & 3;
    let text = "";
    if (kind == 3 && field & 4) text = "skipped"; // by next()
    else if (reader.wireType == WireType.Varint) {
      if (kind == 0) text = reader.u64().toString();
      else if (kind == 1) text = reader.i64().toString();
      else if (kind == 2) text = reader.sint().toString();
      else text = reader.u32().toString();
    } else if (reader.wireType == WireType.Fixed32) {
      if (kind & 1) {
        const values: u32[] = [];
        reader.fixed32s(values);
        text = values.join(",");
      } else text = reader.fixed32().toString();
    } else if (reader.wireType == WireType.Fixed64) text = reader.fixed64().toString();
    else if (reader.wireType == WireType.Length) {
      if (kind == 0) {
        out.push(field.toString() + "{");
        dump(reader.message(), out);
        text = "}";
      } else if (kind == 1) text = hex(reader.bytesValue());
      else if (kind == 2) text = reader.string();
      else {
        const values: u64[] = [];
        reader.varints(values);
        text = values.join(",");
      }
    } else text = "group";
    if (reader.ok) out.push(field.toString() + ":" + reader.wireType.toString() + ":" + text);
  }
}

function hex(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += (bytes[i] >> 4).toString(16) + (bytes[i] & 15).toString(16);
  return text;
}

/** What the message has, or "error: …". */
export function read(ptr: usize, length: usize): usize {
  const reader = ProtoReader.over(ptr, length);
  const out: string[] = [];
  dump(reader, out);
  return giveText(reader.ok ? out.join("\n") : "error: " + reader.error);
}

/** 1 for a message that can be read. */
export function accepts(ptr: usize, length: usize): i32 {
  const reader = ProtoReader.over(ptr, length);
  const out: string[] = [];
  dump(reader, out);
  return i32(reader.ok);
}

/** Writes the fields that `length` bytes tell: u8 method, u32 field, u64 value, u32 length, bytes; method 13 begins a message, 14 ends it. */
export function write(ptr: usize, length: usize): usize {
  const writers: ProtoWriter[] = [new ProtoWriter()];
  const fields: u32[] = [];
  for (let at = ptr; at < ptr + length; ) {
    const method = load<u8>(at);
    const field = load<u32>(at, 1);
    const value = load<u64>(at, 5);
    const size = load<u32>(at, 13);
    const data = at + 17;
    at = data + size;
    const writer = writers[writers.length - 1];
    if (method == 0) writer.u64(field, value);
    else if (method == 1) writer.u32(field, <u32>value);
    else if (method == 2) writer.i64(field, <i64>value);
    else if (method == 3) writer.i32(field, <i32>value);
    else if (method == 4) writer.bool(field, value != 0);
    else if (method == 5) writer.sint(field, <i64>value);
    else if (method == 6) writer.fixed32(field, <u32>value);
    else if (method == 7) writer.fixed64(field, value);
    else if (method == 8) writer.float(field, reinterpret<f32>(<u32>value));
    else if (method == 9) writer.double(field, reinterpret<f64>(value));
    else if (method == 10) {
      const bytes = new Uint8Array(size);
      memory.copy(bytes.dataStart, data, size);
      writer.bytesValue(field, bytes);
    } else if (method == 11) writer.string(field, String.UTF16.decodeUnsafe(data, size));
    else if (method == 12) {
      const values: u64[] = [];
      for (let i: usize = 0; i < size; i += 8) values.push(load<u64>(data + i));
      writer.varints(field, values);
    } else if (method == 13) {
      writers.push(new ProtoWriter(0));
      fields.push(field);
    } else {
      const inner = writers.pop();
      writers[writers.length - 1].message(fields.pop(), inner);
    }
  }
  return writers[0].ok ? giveArray(writers[0].finish()) : 0;
}

/** Messages within each other, `depth` of them, around a field 1; 1 when all can be read, by reader or by skipping. */
export function nested(depth: i32, skipped: i32): i32 {
  let writer = new ProtoWriter().u64(1, 7);
  for (let i = 0; i < depth; i++) writer = new ProtoWriter().message(8, writer);
  let reader = new ProtoReader(writer.finish());
  if (skipped) {
    while (reader.next());
    return i32(reader.ok);
  }
  for (let i = 0; i < depth; i++) {
    if (!reader.next()) return 0;
    reader = reader.message();
  }
  return i32(reader.next() && reader.u64() == 7 && reader.ok);
}

/** 64 MiB are written, more is not. */
export function tooLong(): i32 {
  const writer = new ProtoWriter();
  const bytes = new Uint8Array(1 << 20);
  for (let i = 0; i < 4; i++) writer.bytesValue(1, bytes);
  if (!writer.ok) return 1;
  const before = writer.length;
  writer.raw(2, 0, 64 << 20).raw(2, 0, 0xfffffff0);
  return writer.ok || writer.length != before ? 2 : 0;
}
