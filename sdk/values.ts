/* Values of properties and expressions as the host serialises them (Envoy's serializeValue): text and bytes as they are,
 * numbers, times and durations in 8 bytes, booleans in one, maps and lists as pairs, messages as protocol buffers. */

import { decodeUtf8 } from "../sdk/std/utf8";

/** A number or boolean that is there; null stands for one that is not. */
export class Value<T> {
  constructor(readonly value: T) {}
}

/**
 * A map, or a list, whose items are keys then. Keys of maps are text; a value within is encoded as it would be alone: a
 * number takes 8 bytes, a map is a map again (Pairs.parse).
 */
export class Pairs {
  /** Where each key begins, and once more the end. */
  private starts: StaticArray<u32>;

  private constructor(
    private bytes: Uint8Array,
    readonly length: i32,
  ) {
    this.starts = new StaticArray<u32>(length + 1);
  }

  /** Null when the bytes are no map. No bytes at all are an empty one. */
  static parse(bytes: Uint8Array): Pairs | null {
    const size = <u32>bytes.length;
    if (!size) return new Pairs(bytes, 0);
    if (size < 4) return null;
    const ptr = bytes.dataStart;
    const count = load<u32>(ptr);
    if (count > (size - 4) >> 3) return null;
    const pairs = new Pairs(bytes, <i32>count);
    let at: u64 = 4 + ((<u64>count) << 3);
    for (let i: u32 = 0; i < count; i++) {
      unchecked((pairs.starts[i] = <u32>at));
      const lengths = ptr + 4 + ((<usize>i) << 3);
      at += <u64>load<u32>(lengths) + <u64>load<u32>(lengths, 4) + 2;
      if (at > <u64>size) return null;
    }
    unchecked((pairs.starts[count] = <u32>at));
    return pairs;
  }

  /** Key, or item of a list, at `index` as text; "" beyond the end. */
  key(index: i32): string {
    return this.has(index) ? decodeUtf8(this.keyPtr(index), this.keyLength(index)) : "";
  }

  keyBytes(index: i32): Uint8Array {
    return this.has(index) ? copyOf(this.keyPtr(index), this.keyLength(index)) : new Uint8Array(0);
  }

  /** Value at `index` as text; "" beyond the end. */
  value(index: i32): string {
    return this.has(index) ? decodeUtf8(this.valuePtr(index), this.valueLength(index)) : "";
  }

  valueBytes(index: i32): Uint8Array {
    return this.has(index) ? copyOf(this.valuePtr(index), this.valueLength(index)) : new Uint8Array(0);
  }

  /** Value of a key as text; null when there is none. */
  get(key: string): string | null {
    const index = this.find(key);
    return index < 0 ? null : this.value(index);
  }

  getBytes(key: string): Uint8Array | null {
    const index = this.find(key);
    return index < 0 ? null : this.valueBytes(index);
  }

  private find(key: string): i32 {
    for (let i = 0; i < this.length; i++) if (this.key(i) == key) return i;
    return -1;
  }

  private has(index: i32): bool {
    return <u32>index < <u32>this.length;
  }

  private keyPtr(index: i32): usize {
    return this.bytes.dataStart + unchecked(this.starts[index]);
  }

  private keyLength(index: i32): usize {
    return load<u32>(this.bytes.dataStart + 4 + ((<usize>index) << 3));
  }

  private valuePtr(index: i32): usize {
    return this.keyPtr(index) + this.keyLength(index) + 1;
  }

  private valueLength(index: i32): usize {
    return load<u32>(this.bytes.dataStart + 8 + ((<usize>index) << 3));
  }
}

function copyOf(ptr: usize, length: usize): Uint8Array {
  const bytes = new Uint8Array(<i32>length);
  if (length) memory.copy(bytes.dataStart, ptr, length);
  return bytes;
}

/** 8 bytes as int, timestamp or duration (ns); null for any other number of bytes. */
export function intOf(bytes: Uint8Array): Value<i64> | null {
  return bytes.length == 8 ? new Value<i64>(load<i64>(bytes.dataStart)) : null;
}

export function uintOf(bytes: Uint8Array): Value<u64> | null {
  return bytes.length == 8 ? new Value<u64>(load<u64>(bytes.dataStart)) : null;
}

export function doubleOf(bytes: Uint8Array): Value<f64> | null {
  return bytes.length == 8 ? new Value<f64>(load<f64>(bytes.dataStart)) : null;
}

/** 1 byte as bool; null for any other number of bytes. */
export function boolOf(bytes: Uint8Array): Value<bool> | null {
  // A string of one character is no bool.
  return bytes.length == 1 && load<u8>(bytes.dataStart) <= 1 ? new Value<bool>(load<u8>(bytes.dataStart) != 0) : null;
}
