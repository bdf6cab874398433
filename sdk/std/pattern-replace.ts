/* What a match is replaced by: Go's templates. */

import { isWord } from "./pattern-parse";
import { Ints } from "./pattern-memory";
import { Matches, Pattern } from "./pattern";
import { decodeUtf8, encodedLengthMax, encodeUtf8 } from "./utf8";

/** Bytes that are put together outside the collected heap. */
export class Output {
  ptr: usize = 0;
  length: usize = 0;
  private room: usize = 0;

  constructor(private readonly longest: usize) {}

  /** False when it would be too long. */
  add(ptr: usize, length: usize): bool {
    const needed = this.length + length;
    if (needed > this.longest) return false;
    if (needed > this.room) {
      this.room = max<usize>(needed, min(this.room << 1, this.longest));
      this.ptr = this.ptr ? heap.realloc(this.ptr, this.room) : heap.alloc(this.room);
    }
    memory.copy(this.ptr + this.length, ptr, length);
    this.length = needed;
    return true;
  }

  free(): void {
    if (this.ptr) heap.free(this.ptr);
  }
}

/** Parts of a template, three numbers each: a group or one of these, and the bytes of a literal or a name. */
const LITERAL = -1;
const NAME = -2;

/** A template. `$1` and `${1}` stand for a group by its number, 0 for the match, `$name` and `${name}` by its name, `$$` for
 * a dollar. A name without braces is as long as it can be: `$1x` is the group 1x. A group that is not there or had no
 * part in the match is nothing, any other dollar is itself. Names are ASCII letters, digits and _. */
export class Replacement {
  private readonly bytes: Uint8Array;
  private parts: StaticArray<u32> = new StaticArray<u32>(0);
  private readonly names: Array<string> = [];

  constructor(template: string) {
    const bytes = new Uint8Array(<i32>encodedLengthMax(template));
    this.bytes = bytes;
    const start = bytes.dataStart;
    const end = start + encodeUtf8(template, start);
    const parts = new Ints();
    let from = start;
    let at = start;
    while (at < end) {
      if (load<u8>(at) != 0x24) {
        at++;
        continue;
      }
      const braces = at + 1 < end && load<u8>(at, 1) == 0x7b;
      const name = at + (braces ? 2 : 1);
      let next = name;
      let number = 0;
      while (next < end && isWord(load<u8>(next))) {
        const digit = <i32>load<u8>(next) - 0x30;
        // No number: other characters, leading zeros, too large.
        number = digit > 9 || number < 0 || number > 9999999 || (!number && next > name) ? -1 : number * 10 + digit;
        next++;
      }
      const dollar = at + 1 < end && load<u8>(at, 1) == 0x24;
      if (!dollar && (next == name || (braces && (next == end || load<u8>(next) != 0x7d)))) {
        at++;
        continue;
      }
      this.literal(parts, from, at + usize(dollar));
      if (!dollar) {
        parts.push(number < 0 ? NAME : number);
        parts.push(this.names.length);
        parts.push(0);
        if (number < 0) this.names.push(decodeUtf8(name, next - name));
      }
      from = at = dollar ? at + 2 : next + usize(braces);
    }
    this.literal(parts, from, end);
    this.parts = parts.toArray();
    parts.free();
  }

  /** The first group that the template speaks of and the pattern does not have; "" for none. */
  unknownGroup(pattern: Pattern): string {
    const parts = this.parts;
    for (let i = 0; i < parts.length; i += 3) {
      const group = <i32>parts[i];
      if (group == NAME) {
        const name = this.names[parts[i + 1]];
        if (pattern.groupNamed(name) < 0) return name;
      } else if (group > pattern.groups) return group.toString();
    }
    return "";
  }

  /** Writes a text with `most` matches replaced; false when it is too long. */
  run(pattern: Pattern, ptr: usize, length: usize, most: i32, out: Output): bool {
    const all = new Matches(pattern, ptr, length, this.speaksOfGroups());
    let copied: usize = 0;
    for (let n = 0; n < most && all.next(); n++) {
      const start = <usize>pattern.start();
      if (!out.add(ptr + copied, start - copied) || !this.expand(pattern, ptr, out)) return false;
      copied = pattern.end();
    }
    return out.add(ptr + copied, length - copied);
  }

  /** Appends the template for the last match of the pattern, whose text is at `ptr`; false when it is too long. */
  expand(pattern: Pattern, ptr: usize, out: Output): bool {
    const parts = this.parts;
    for (let i = 0; i < parts.length; i += 3) {
      let group = <i32>parts[i];
      if (group == LITERAL) {
        if (!out.add(this.bytes.dataStart + parts[i + 1], parts[i + 2])) return false;
        continue;
      }
      if (group == NAME) group = pattern.matchedGroup(this.names[parts[i + 1]]);
      const start = pattern.start(group);
      if (start >= 0 && !out.add(ptr + start, pattern.end(group) - start)) return false;
    }
    return true;
  }

  private literal(parts: Ints, from: usize, to: usize): void {
    if (to == from) return;
    parts.push(LITERAL);
    parts.push(<u32>(from - this.bytes.dataStart));
    parts.push(<u32>(to - from));
  }

  private speaksOfGroups(): bool {
    const parts = this.parts;
    for (let i = 0; i < parts.length; i += 3) if (<i32>parts[i] > 0 || <i32>parts[i] == NAME) return true;
    return false;
  }
}
