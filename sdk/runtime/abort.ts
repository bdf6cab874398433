/* What the compiler and the standard library want from an environment, on top of the ABI: the build maps `abort`, `seed`
 * and `trace` to these. */

import { LogLevel } from "../abi/enums";
import { proxy_log, random_get } from "../abi/hostcalls";
import { logAlways } from "../log";
import { putString, roomFor, scratchFor } from "./memory";

// @ts-ignore: decorator
@lazy const seedBytes: usize = memory.data(8, 8);

// @ts-ignore: decorator
@global
export function meshwasm_abort(
  message: string | null = null,
  file: string | null = null,
  line: u32 = 0,
  column: u32 = 0,
): void {
  // Written piece by piece: this code is in every module.
  const start = scratchFor((message ? roomFor(message) : 0) + (file ? roomFor(file) : 0) + 40);
  let end = start + putString(start, "abort: ");
  if (message) end += putString(end, message);
  if (file) {
    end += putString(end, " at ");
    end += putString(end, file);
    end = putDecimal(end, line);
    end = putDecimal(end, column);
  }
  proxy_log(LogLevel.Critical, start, end - start);
  unreachable();
}

/** Writes a colon and a number, returns the address behind them. */
function putDecimal(ptr: usize, value: u32): usize {
  store<u8>(ptr++, 0x3a);
  let digits: usize = 1;
  for (let rest = value / 10; rest; rest /= 10) digits++;
  for (let at = ptr + digits; at > ptr; value /= 10) store<u8>(--at, 0x30 + (value % 10));
  return ptr + digits;
}

// @ts-ignore: decorator
@global
export function meshwasm_seed(): f64 {
  random_get(seedBytes, 8);
  return reinterpret<f64>((load<u64>(seedBytes) & 0x000fffffffffffff) | 0x3ff0000000000000);
}

// @ts-ignore: decorator
@global
export function meshwasm_trace(
  message: string,
  n: i32 = 0,
  a0: f64 = 0,
  a1: f64 = 0,
  a2: f64 = 0,
  a3: f64 = 0,
  a4: f64 = 0,
): void {
  let text = message;
  if (n > 0) text += " " + a0.toString();
  if (n > 1) text += " " + a1.toString();
  if (n > 2) text += " " + a2.toString();
  if (n > 3) text += " " + a3.toString();
  if (n > 4) text += " " + a4.toString();
  logAlways(LogLevel.Trace, text);
}
