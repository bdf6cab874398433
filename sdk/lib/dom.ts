/* Takes the place of the standard library's browser bindings, so that console, Date.now, performance.now and crypto work
 * on what the proxy offers instead of importing functions that no proxy has. */

import { LogLevel } from "meshwasm/sdk/abi/enums";
import { clock_time_get, random_get } from "meshwasm/sdk/abi/hostcalls";
import { isLogged, logAlways } from "meshwasm/sdk/log";
import { retPtr } from "meshwasm/sdk/runtime/memory";

const REALTIME: i32 = 0;
const MONOTONIC: i32 = 1;
/** The host refuses more than this per call. */
const RANDOM_MAX: i32 = 65536;

function clock(id: i32): u64 {
  clock_time_get(id, 0, retPtr());
  return load<u64>(retPtr());
}

function write(level: LogLevel, text: string): void {
  if (isLogged(level)) logAlways(level, text);
}

export namespace Math {}

export namespace Date {
  export function now(): f64 {
    return <f64>(clock(REALTIME) / 1000000);
  }
}

export namespace performance {
  export function now(): f64 {
    return <f64>clock(MONOTONIC) / 1e6;
  }
}

export namespace console {
  export function assert(condition: bool, message: string): void {
    if (!condition) write(LogLevel.Error, message);
  }
  export function log(text: string): void {
    write(LogLevel.Info, text);
  }
  export function debug(text: string): void {
    write(LogLevel.Debug, text);
  }
  export function info(text: string): void {
    write(LogLevel.Info, text);
  }
  export function warn(text: string): void {
    write(LogLevel.Warn, text);
  }
  export function error(text: string): void {
    write(LogLevel.Error, text);
  }
  export function time(label: string): void {
    ERROR("console.time is not available in a filter: use performance.now()");
  }
  export function timeLog(label: string): void {
    ERROR("console.timeLog is not available in a filter: use performance.now()");
  }
  export function timeEnd(label: string): void {
    ERROR("console.timeEnd is not available in a filter: use performance.now()");
  }
}

export namespace crypto {
  export function getRandomValues(array: Uint8Array): void {
    for (let at = 0; at < array.length; at += RANDOM_MAX) {
      random_get(array.dataStart + at, min(RANDOM_MAX, array.length - at));
    }
  }
  export function getRandomValuesN(n: u32): Uint8Array {
    const array = new Uint8Array(n);
    getRandomValues(array);
    return array;
  }
}
