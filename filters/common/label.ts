/* Labels of metrics: their names, and values by template. */

import { decodeUtf8 } from "meshwasm/sdk/std/utf8";
import { Exchange } from "./exchange";
import { Text } from "./template";

/** Bytes of a value that are looked at; a series keeps 128 characters. */
const MOST = 512;

export const NOT_A_LABEL = "is no name of a label: letters, digits and _, and not le or quantile";

/** Prometheus keeps `le` and `quantile` for itself. */
export function isLabelName(name: string): bool {
  return isName(name) && name != "le" && name != "quantile" && !name.startsWith("__");
}

/** Letters, digits and _, the first no digit; 64 at most. */
export function isName(name: string, most: i32 = 64): bool {
  if (!name.length || name.length > most) return false;
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    if (!(<u32>(c | 0x20) - 0x61 < 26 || c == 0x5f || (i > 0 && <u32>c - 0x30 < 10))) return false;
  }
  return true;
}

/** How a path goes on to the label of this name. */
export function labelPath(name: string): string {
  return isName(name) ? "." + name : `["${name}"]`;
}

/** `exchange` null: it is not about a request. */
export function labelValue(text: Text, exchange: Exchange | null): string {
  let bytes = text.constant;
  if (bytes === null) {
    if (!exchange) return "none";
    bytes = text.render(exchange);
  }
  return bytes === null ? "too_long" : decodeUtf8(bytes.dataStart, min(bytes.length, MOST));
}
