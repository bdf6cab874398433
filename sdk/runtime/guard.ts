/* What may be done to the pseudo-headers and to `host`, which Envoy takes for `:authority`. Removing one makes Envoy
 * answer 404, 502 or 503 or send a request without Host; a value it cannot route does the same. */

import { MapType } from "../abi/enums";
import { isToken } from "../std/field";

// Names as little-endian numbers: as texts they would be in every module.
const HOST: u32 = 0x74736f68;
const PATH: u32 = 0x7461703a; // ":pat", "h" follows
const METHOD: u64 = 0x6f6874656d3a; // ":metho", "d" follows
const SCHEME: u64 = 0x6d656863733a; // ":schem", "e" follows
const STATUS: u64 = 0x75746174733a; // ":statu", "s" follows
const AUTHORITY: u64 = 0x69726f687475613a; // ":authori", "ty" follows

/** Whether the name is a pseudo-header or `host`. */
export function isGuarded(name: usize, length: usize): bool {
  return (length > 0 && load<u8>(name) == 0x3a) || (length == 4 && (load<u32>(name) | 0x20202020) == HOST);
}

/** Whether a guarded name may have this value in this map. */
export function isPseudoValue(map: MapType, name: usize, nameLength: usize, value: usize, length: usize): bool {
  if (!length) return false;
  for (let i: usize = 0; i < length; i++) if (load<u8>(value + i) <= 0x20) return false;
  const first = load<u8>(value);
  // All names of seven bytes differ in the first six, but for what is none.
  const seven = nameLength == 7 ? load<u32>(name) | ((<u64>load<u16>(name, 4)) << 32) : 0;
  const last = load<u8>(name + nameLength - 1);
  if (map == MapType.HttpResponseHeaders) {
    // 200 to 599: Envoy takes anything else for a broken upstream.
    return (
      seven == STATUS &&
      last == 0x73 &&
      length == 3 &&
      <u32>first - 0x32 < 4 &&
      <u32>load<u8>(value, 1) - 0x30 < 10 &&
      <u32>load<u8>(value, 2) - 0x30 < 10
    );
  }
  if (map != MapType.HttpRequestHeaders) return false;
  if (nameLength == 5) {
    return load<u32>(name) == PATH && last == 0x68 && (first == 0x2f || (first == 0x2a && length == 1));
  }
  if (seven == METHOD) return last == 0x64 && isToken(value, length);
  if (seven == SCHEME) return last == 0x65 && length - 4 < 2;
  if (nameLength == 10) return load<u64>(name) == AUTHORITY && load<u16>(name, 8) == 0x7974;
  // Guarded and without a colon: `host`.
  return nameLength == 4 && load<u8>(name) != 0x3a;
}
