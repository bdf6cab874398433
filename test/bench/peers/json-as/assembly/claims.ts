// json-as on the claims, as the driver of sdk/std (test/std/drivers/speed.as) does it.
import { JSON } from "json-as";

export function hold(size: usize): usize {
  return heap.alloc(size);
}

let sink: i32 = 0;

/** From bytes, as a filter has them. */
export function parse(ptr: usize, length: usize, times: i32): i32 {
  for (let i = 0; i < times; i++) sink += JSON.parse<JSON.Obj>(String.UTF8.decodeUnsafe(ptr, length)).size;
  return sink;
}

/** From a string that is decoded already. */
export function parseDecoded(ptr: usize, length: usize, times: i32): i32 {
  const text = String.UTF8.decodeUnsafe(ptr, length);
  for (let i = 0; i < times; i++) sink += JSON.parse<JSON.Obj>(text).size;
  return sink;
}

export function readAll(ptr: usize, length: usize, times: i32): i32 {
  for (let i = 0; i < times; i++) sink += walk(JSON.parse<JSON.Value>(String.UTF8.decodeUnsafe(ptr, length)));
  return sink;
}

function walk(value: JSON.Value): i32 {
  const type = value.type;
  if (type == JSON.Types.Object) {
    const object = value.get<JSON.Obj>();
    const keys = object.keys();
    let sum = keys.length;
    for (let i = 0; i < keys.length; i++) {
      sum += keys[i].length;
      const member = object.get(keys[i]);
      if (member) sum += walk(member);
    }
    return sum;
  }
  if (type == JSON.Types.Array) {
    const array = value.get<JSON.Arr>();
    let sum = array.length;
    for (let i = 0; i < array.length; i++) sum += walk(array.at(i));
    return sum;
  }
  if (type == JSON.Types.String) return value.get<string>().length;
  if (type == JSON.Types.F64) return <i32>value.get<f64>();
  return 1;
}

/** One claim, of the last ones. */
export function readOne(ptr: usize, length: usize, times: i32): i32 {
  for (let i = 0; i < times; i++) {
    const claims = JSON.parse<JSON.Obj>(String.UTF8.decodeUnsafe(ptr, length));
    const nonce = claims.get("nonce");
    if (nonce) sink += nonce.get<string>().length;
  }
  return sink;
}
