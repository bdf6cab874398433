import { ByteWriter } from "../../../sdk/std/bytewriter";
import { refusalAt } from "../../../sdk/std/refusal";
import { encode, Encoder, Template, TemplateValues } from "../../../sdk/std/template";
import { give, giveArray } from "./io";

/** Knows a, b, header:x and none, of which the last has no value. */
class Values extends TemplateValues {
  value: Uint8Array = new Uint8Array(0);

  indexOf(name: string): i32 {
    return ["a", "b", "header:x", "none"].indexOf(name);
  }

  load(index: i32): bool {
    if (index == 3) return false;
    if (index == 1) return this.giveText("text é \u{1f600}");
    return this.give(this.value.dataStart, this.value.length);
  }
}

let template: Template | null = null;
const values: Values = new Values();

export function compile(ptr: usize, length: usize, encoder: i32): i32 {
  template = Template.compile(String.UTF8.decodeUnsafe(ptr, length), values, <Encoder>encoder);
  return template ? -1 : refusalAt;
}

export function render(ptr: usize, length: usize, limit: i32): usize {
  values.value = new Uint8Array(<i32>length);
  memory.copy(values.value.dataStart, ptr, length);
  const compiled = template;
  const bytes = compiled ? compiled.render(values, limit) : null;
  return bytes ? giveArray(bytes) : 0;
}

export function isConstant(): i32 {
  const compiled = template;
  return i32(compiled != null && compiled.isConstant);
}

export function encoded(ptr: usize, length: usize, encoder: i32): usize {
  const out = new ByteWriter(1048576);
  encode(out, <Encoder>encoder, ptr, <i32>length);
  return give(out.ptr, out.length);
}

/** Number of bytes that any encoder makes of it at most, of a template made of the bytes, or a huge number for a disagreement. */
export function verdict(ptr: usize, length: usize): i32 {
  let most = 0;
  for (let encoder = 0; encoder < 7; encoder++) {
    const out = new ByteWriter(1048576);
    encode(out, <Encoder>encoder, ptr, <i32>length);
    most = max(most, out.length);
    // With less room nothing may be written beyond it, and the writer must say so.
    const small = new ByteWriter(out.length - 1);
    encode(small, <Encoder>encoder, ptr, <i32>length);
    if (out.length && (!small.overflow || small.length >= out.length)) return 1000000000;
  }
  return most;
}

/** 1 when the bytes are a template that renders, 0 when they are refused, 2 for a disagreement. */
export function anyTemplate(ptr: usize, length: usize): i32 {
  const compiled = Template.compile(decoded(ptr, length), values);
  if (!compiled) return refusalAt < 0 || refusalAt > 65536 ? 2 : 0;
  const bytes = compiled.render(values, 4096);
  return bytes && bytes.length > 4096 ? 2 : 1;
}

/** Bytes as the characters of the same numbers. */
function decoded(ptr: usize, length: usize): string {
  let text = "";
  for (let i: usize = 0; i < length; i++) text += String.fromCharCode(load<u8>(ptr + i));
  return text;
}
