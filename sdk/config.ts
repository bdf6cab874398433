/* Base of the classes that the build generates from config.schema.json. */

import { isStruct, structToJson } from "./decode/struct";
import { JsonReader } from "../sdk/std/json";

const emptyObject: usize = memory.data<u8>([0x7b, 0x7d]);

export abstract class Config {
  /** Reads one JSON value into this; false after the first error, which the reader holds. Generated. */
  abstract decode(json: JsonReader): bool;

  /**
   * Decodes a whole document, JSON text or a binary google.protobuf.Struct; the reason when it is refused, else null. No
   * bytes at all stand for `{}`.
   */
  decodeFrom(ptr: usize, length: usize): string | null {
    let text: usize = 0;
    if (!length) {
      ptr = emptyObject;
      length = 2;
    } else if (isStruct(ptr, length)) {
      // A control character takes six bytes; nothing else takes more.
      text = heap.alloc(6 * length + 16);
      length = structToJson(ptr, length, text, this);
      ptr = text;
    }
    const json = new JsonReader(ptr, length);
    const ok = this.decode(json) && json.end();
    if (text) heap.free(text);
    return ok ? null : "$" + json.error;
  }

  /** Writes a number of a Struct as JSON; its length. Generated where the schema has numbers: elsewhere none is taken. */
  writeNumber(value: f64, out: usize): usize {
    store<u8>(out, 0x30);
    return 1;
  }
}

/** For filters without configuration. */
export class NoConfig extends Config {
  decode(json: JsonReader): bool {
    if (!json.beginObject()) return false;
    return json.nextKey(true) ? json.unknownKey() : json.ok;
  }

  // A Struct that is not empty has keys, and no key is known.
  decodeFrom(ptr: usize, length: usize): string | null {
    const json = length ? new JsonReader(ptr, length) : new JsonReader(emptyObject, 2);
    return this.decode(json) && json.end() ? null : "$" + json.error;
  }
}
