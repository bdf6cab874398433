/* What may be done to the pseudo-headers and to `host`, which Envoy takes for `:authority`. Removing one makes Envoy
 * answer 404, 502 or 503 or send a request without Host; a value it cannot route does the same. */

import { MapType } from "../abi/enums";
import { equalsIgnoreCase, isToken } from "../std/field";

/** Whether the name is a pseudo-header or `host`. */
export function isGuarded(name: usize, length: usize): bool {
  return (length > 0 && load<u8>(name) == 0x3a) || (length == 4 && equalsIgnoreCase(name, "host"));
}

/** Whether a guarded name may have this value in this map. */
export function isPseudoValue(map: MapType, name: usize, nameLength: usize, value: usize, length: usize): bool {
  if (!length) return false;
  for (let i: usize = 0; i < length; i++) if (load<u8>(value + i) <= 0x20) return false;
  const first = load<u8>(value);
  if (map == MapType.HttpResponseHeaders) {
    // 200 to 599: Envoy takes anything else for a broken upstream.
    return (
      nameLength == 7 &&
      equalsIgnoreCase(name, ":status") &&
      length == 3 &&
      <u32>first - 0x32 < 4 &&
      <u32>load<u8>(value, 1) - 0x30 < 10 &&
      <u32>load<u8>(value, 2) - 0x30 < 10
    );
  }
  if (map != MapType.HttpRequestHeaders) return false;
  if (nameLength == 5 && equalsIgnoreCase(name, ":path")) return first == 0x2f || (first == 0x2a && length == 1);
  if (nameLength == 7) {
    if (equalsIgnoreCase(name, ":method")) return isToken(value, length);
    return equalsIgnoreCase(name, ":scheme") && length - 4 < 2;
  }
  return nameLength == 4 ? equalsIgnoreCase(name, "host") : nameLength == 10 && equalsIgnoreCase(name, ":authority");
}
