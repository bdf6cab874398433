/* Base of the classes that the build generates from config.schema.json. */

import { JsonReader } from "../sdk/std/json";

const emptyObject: usize = memory.data<u8>([0x7b, 0x7d]);

export abstract class Config {
  /** Reads one JSON object into this; false after the first error, which the reader holds. Generated. */
  abstract decode(json: JsonReader): bool;

  /** Decodes a whole document; the reason when it is refused, else null. No bytes at all stand for `{}`. */
  decodeFrom(ptr: usize, length: usize): string | null {
    if (JsonReader.looksBinary(ptr, length)) return "$: is a protobuf Struct; give JSON text in a StringValue";
    const json = length ? new JsonReader(ptr, length) : new JsonReader(emptyObject, 2);
    return this.decode(json) && json.end() ? null : "$" + json.error;
  }
}

/** For filters without configuration. */
export class NoConfig extends Config {
  decode(json: JsonReader): bool {
    if (!json.beginObject()) return false;
    return json.nextKey(true) ? json.unknownKey() : json.ok;
  }
}
