import { ByteWriter } from "../../../sdk/std/bytewriter";
import { refusalAt } from "../../../sdk/std/refusal";
import { Slice } from "../../../sdk/std/slice";
import {
  SfDictionary,
  SfInnerList,
  SfItem,
  SfList,
  SfMember,
  SfParameters,
  SfType,
  SfValue,
} from "../../../sdk/std/structured";
import { give, giveText } from "./io";

/** 0 for an item, 1 for a list, 2 for a dictionary. */
let kind: i32 = 0;

export function setKind(value: i32): i32 {
  kind = value;
  return value;
}

// What was parsed, as JSON: a bare item is ["type letter", text]; text of strings is hexadecimal UTF-8.

function dumpValue(out: ByteWriter, value: SfValue): void {
  out.ascii('["');
  out.ascii("idstxbDS".charAt(value.type));
  out.ascii('","');
  if (value.type == SfType.String || value.type == SfType.Token || value.type == SfType.ByteSequence || value.type == SfType.DisplayString) {
    const bytes = value.bytes;
    for (let i = 0; i < bytes.length; i++) {
      const c = <u32>bytes[i];
      out.ascii("0123456789abcdef".charAt(c >> 4));
      out.ascii("0123456789abcdef".charAt(c & 15));
    }
  } else out.integer(value.number);
  out.ascii('"]');
}

function dumpParams(out: ByteWriter, params: SfParameters | null): void {
  out.byte(0x5b);
  if (params) {
    for (let i = 0; i < params.length; i++) {
      if (i) out.byte(0x2c);
      out.ascii('["');
      out.ascii(params.keyAt(i));
      out.ascii('",');
      dumpValue(out, params.valueAt(i)!);
      out.byte(0x5d);
    }
  }
  out.byte(0x5d);
}

function dumpMember(out: ByteWriter, member: SfMember): void {
  out.byte(0x5b);
  const item = member.asItem();
  if (item) dumpValue(out, item.value);
  else {
    const items = member.asInnerList()!.items;
    out.ascii('["(",[');
    for (let i = 0; i < items.length; i++) {
      if (i) out.byte(0x2c);
      dumpMember(out, items[i]);
    }
    out.ascii("]]");
  }
  out.byte(0x2c);
  dumpParams(out, member.params);
  out.byte(0x5d);
}

/** JSON, or nothing when the field is refused. */
export function dump(ptr: usize, length: usize): usize {
  const out = new ByteWriter(16777216);
  if (kind == 0) {
    const item = SfItem.parse(ptr, <i32>length);
    if (!item) return 0;
    dumpMember(out, item);
  } else if (kind == 1) {
    const list = SfList.parse(ptr, <i32>length);
    if (!list) return 0;
    out.byte(0x5b);
    for (let i = 0; i < list.length; i++) {
      if (i) out.byte(0x2c);
      dumpMember(out, list.members[i]);
    }
    out.byte(0x5d);
  } else {
    const dictionary = SfDictionary.parse(ptr, <i32>length);
    if (!dictionary) return 0;
    out.byte(0x5b);
    for (let i = 0; i < dictionary.length; i++) {
      if (i) out.byte(0x2c);
      out.ascii('["');
      out.ascii(dictionary.keyAt(i));
      out.ascii('",');
      dumpMember(out, dictionary.memberAt(i)!);
      out.byte(0x5d);
    }
    out.byte(0x5d);
  }
  return give(out.ptr, out.length);
}

function canonical(ptr: usize, length: usize): string | null {
  if (kind == 0) {
    const item = SfItem.parse(ptr, <i32>length);
    return item ? item.serialize() : null;
  }
  if (kind == 1) {
    const list = SfList.parse(ptr, <i32>length);
    return list ? list.serialize() : null;
  }
  const dictionary = SfDictionary.parse(ptr, <i32>length);
  return dictionary ? dictionary.serialize() : null;
}

/** Parsed and serialised again. */
export function again(ptr: usize, length: usize): usize {
  const text = canonical(ptr, length);
  return text ? giveText(text) : 0;
}

/**
 * 0 when the field is refused as all three kinds, else a bit for each kind that takes it; 8 and more when what it is
 * serialised to is refused, or serialised otherwise the second time, or the place of an error lies outside.
 */
export function verdict(ptr: usize, length: usize): i32 {
  let result = 0;
  for (let k = 0; k < 3; k++) {
    kind = k;
    const first = canonical(ptr, length);
    if (first == null) {
      if (refusalAt < 0 || refusalAt > <i32>length) return 8;
      continue;
    }
    result |= 1 << k;
    const bytes = Slice.of(first);
    const second = canonical(bytes.ptr, bytes.length);
    if (second == null) return 9;
    if (second != first) return 10;
  }
  return result;
}

// A structure to be serialised, in a form of its own: see test/std/structured.test.ts.

let at: usize = 0;

function byte(): u32 {
  return load<u8>(at++);
}

function count(): i32 {
  const value = load<u32>(at);
  at += 4;
  return value;
}

function text(): string {
  const length = count();
  const value = String.UTF8.decodeUnsafe(at, length);
  at += length;
  return value;
}

function number(): f64 {
  const value = load<f64>(at);
  at += 8;
  return value;
}

function readValue(): SfValue {
  const letter = byte();
  if (letter == 0x69) return SfValue.integer(<i64>number());
  if (letter == 0x64) return SfValue.decimalOf(number());
  if (letter == 0x73) return SfValue.string(text());
  if (letter == 0x74) return SfValue.token(text());
  if (letter == 0x62) return SfValue.boolean(byte() != 0);
  if (letter == 0x44) return SfValue.date(<i64>number());
  if (letter == 0x53) return SfValue.displayString(text());
  const length = count();
  const bytes = new Uint8Array(length);
  memory.copy(bytes.dataStart, at, length);
  at += length;
  return SfValue.bytes(bytes);
}

function readMember(): SfMember {
  let member: SfMember;
  if (byte() == 0x28) {
    const list = new SfInnerList();
    for (let i = count(); i > 0; i--) list.items.push(readMember().asItem()!);
    member = list;
  } else {
    member = new SfItem(readValue());
  }
  for (let i = count(); i > 0; i--) {
    const key = text();
    member.setParam(key, readValue());
  }
  return member;
}

export function serialized(ptr: usize, length: usize): usize {
  at = ptr;
  let result: string | null;
  if (kind == 0) result = readMember().asItem()!.serialize();
  else if (kind == 1) {
    const list = new SfList();
    for (let i = count(); i > 0; i--) list.members.push(readMember());
    result = list.serialize();
  } else {
    const dictionary = new SfDictionary();
    for (let i = count(); i > 0; i--) {
      const key = text();
      dictionary.set(key, readMember());
    }
    result = dictionary.serialize();
  }
  return result ? giveText(result) : 0;
}
