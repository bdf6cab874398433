/* oneOf: which of several kinds of object comes next. It is told by a look ahead, since keys come in any order. */

import { JsonReader } from "../std/json";

/** The string under `key` of the object that comes next; "" with an error when there is none. `path` names the key in it. */
export function tagAhead(json: JsonReader, key: string, path: string): string {
  const ahead = json.fork();
  if (ahead.beginObject()) {
    for (let first = true; ahead.nextKey(first); first = false) {
      if (ahead.key == key) {
        const tag = ahead.readString();
        if (!ahead.ok) ahead.within(path);
        return end(json, ahead) ? tag : "";
      }
      if (!ahead.skip()) break;
    }
    if (ahead.ok) ahead.missingKey(key);
  }
  end(json, ahead);
  return "";
}

/** Which of the keys the object that comes next has first; -1 with this error when it has none. */
export function keyAhead(json: JsonReader, keys: StaticArray<string>, error: string): i32 {
  const ahead = json.fork();
  if (ahead.beginObject()) {
    for (let first = true; ahead.nextKey(first); first = false) {
      const index = keys.indexOf(ahead.key);
      if (index >= 0) return index;
      if (!ahead.skip()) break;
    }
    if (ahead.ok) ahead.fail(error);
  }
  end(json, ahead);
  return -1;
}

/** Takes an error over. */
function end(json: JsonReader, ahead: JsonReader): bool {
  if (ahead.ok) return true;
  json.error = ahead.error;
  json.errorAt = ahead.errorAt;
  return false;
}
