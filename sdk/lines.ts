/* Header lines that a filter puts together itself. */

import { encodedLengthMax, encodeUtf8 } from "../sdk/std/utf8";
import { equalsIgnoreCase, isFieldValue, isToken } from "../sdk/std/field";
import { MapType } from "./abi/enums";
import { isPseudoValue } from "./runtime/guard";

/** More would be dropped by the host without a word. */
const MAX_LINES: u32 = 1024;
const MAX_BYTES: usize = 1024 * 1024;

/** Names by which a message is framed or routed on its connection: they are the host's. */
function isFraming(name: usize, length: usize): bool {
  switch (length) {
    case 4:
      return equalsIgnoreCase(name, "host");
    case 7:
      return equalsIgnoreCase(name, "upgrade");
    case 10:
      return equalsIgnoreCase(name, "connection") || equalsIgnoreCase(name, "keep-alive");
    case 14:
      return equalsIgnoreCase(name, "content-length");
    case 16:
      return equalsIgnoreCase(name, "proxy-connection");
    case 17:
      return equalsIgnoreCase(name, "transfer-encoding");
    default:
      return false;
  }
}

/**
 * Header lines for a local reply or a call. A line with a name or value that HTTP does not allow is left out and counted
 * in `refused`, and so is one that frames the message (content-length, transfer-encoding, connection, upgrade, host, …).
 */
export class HeaderLines {
  /** Lines that were left out. */
  refused: i32 = 0;
  /** Lines that are in. */
  count: i32 = 0;
  /** For each line: u32 length of the name, u32 length of the value, name, 0, value, 0. */
  // @ts-ignore: built into the compiler
  private buffer: ArrayBuffer = changetype<ArrayBuffer>(__new(256, idof<ArrayBuffer>()));
  private used: usize = 0;

  add(name: string, value: string): HeaderLines {
    const line = this.room(name, encodedLengthMax(value));
    const nameLength = encodeUtf8(name, line + 8);
    return this.keep(line, nameLength, encodeUtf8(value, line + 9 + nameLength));
  }

  addBytes(name: string, value: Uint8Array): HeaderLines {
    const line = this.room(name, value.length);
    const nameLength = encodeUtf8(name, line + 8);
    memory.copy(line + 9 + nameLength, value.dataStart, value.length);
    return this.keep(line, nameLength, value.length);
  }

  /** Adds the lines of another. Those that it has refused count here too. */
  addAll(other: HeaderLines): void {
    this.refused += other.refused;
    const line = this.grow(other.used);
    memory.copy(line, changetype<usize>(other.buffer), other.used);
    this.used += other.used;
    this.count += other.count;
    if (<u32>this.count > MAX_LINES || this.used > MAX_BYTES) this.refused++;
  }

  /** Adds `:method`, `:path`, `:scheme` or `:authority` if Envoy can route by it. */
  addPseudo(name: string, value: string): void {
    const line = this.room(name, encodedLengthMax(value));
    const nameLength = encodeUtf8(name, line + 8);
    const valueLength = encodeUtf8(value, line + 9 + nameLength);
    if (isPseudoValue(MapType.HttpRequestHeaders, line + 8, nameLength, line + 9 + nameLength, valueLength)) {
      this.put(line, nameLength, valueLength);
    } else this.refused++;
  }

  /** Bytes that `writeTo` writes. */
  get size(): usize {
    return 4 + this.used;
  }

  /** Writes the lines as the host reads them: count, lengths, then names and values. */
  writeTo(out: usize): void {
    store<u32>(out, this.count);
    let lengths = out + 4;
    let data = lengths + ((<usize>this.count) << 3);
    let line = changetype<usize>(this.buffer);
    for (let i = 0; i < this.count; i++) {
      store<u64>(lengths, load<u64>(line));
      lengths += 8;
      const size = <usize>load<u32>(line) + <usize>load<u32>(line, 4) + 2;
      memory.copy(data, line + 8, size);
      data += size;
      line += 8 + size;
    }
  }

  private room(name: string, valueLength: usize): usize {
    return this.grow(encodedLengthMax(name) + valueLength + 10);
  }

  /** Room for `more` bytes; where the next line begins. */
  private grow(more: usize): usize {
    const needed = this.used + more;
    const buffer = changetype<usize>(this.buffer);
    const capacity = <usize>this.buffer.byteLength;
    // @ts-ignore: built into the compiler
    if (needed > capacity) this.buffer = changetype<ArrayBuffer>(__renew(buffer, max(needed, capacity << 1)));
    return changetype<usize>(this.buffer) + this.used;
  }

  private keep(line: usize, nameLength: usize, valueLength: usize): HeaderLines {
    const name = line + 8;
    const value = name + nameLength + 1;
    const end = value + valueLength + 1;
    if (
      <u32>this.count >= MAX_LINES ||
      end - changetype<usize>(this.buffer) > MAX_BYTES ||
      !isToken(name, nameLength) ||
      isFraming(name, nameLength) ||
      !isFieldValue(value, valueLength)
    ) {
      this.refused++;
      return this;
    }
    this.put(line, nameLength, valueLength);
    return this;
  }

  private put(line: usize, nameLength: usize, valueLength: usize): void {
    const value = line + 9 + nameLength;
    const end = value + valueLength + 1;
    store<u32>(line, <u32>nameLength);
    store<u32>(line, <u32>valueLength, 4);
    store<u8>(value - 1, 0);
    store<u8>(end - 1, 0);
    this.used = end - changetype<usize>(this.buffer);
    this.count++;
  }
}
