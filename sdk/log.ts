/* Logging to the host. Lines appear in Envoy's log under the logger `wasm`. */

import { proxy_get_log_level, proxy_log } from "./abi/hostcalls";
import { LogLevel, Status } from "./abi/enums";
import { putString, retPtr, roomFor, scratchFor } from "./runtime/memory";

/** Smallest level that the host keeps, -1 while it was not asked in this callback. */
let hostLevel: i32 = -1;

/** The host's level can change at run time, so it is asked once per callback. */
export function forgetHostLevel(): void {
  hostLevel = -1;
}

/** Whether the host keeps messages of this level. Ask before building a costly message. */
export function isLogged(level: LogLevel): bool {
  if (hostLevel < 0) {
    hostLevel = proxy_get_log_level(retPtr()) == Status.Ok ? load<i32>(retPtr()) : LogLevel.Trace;
  }
  return <i32>level >= hostLevel;
}

/** Logs in any case; `log` asks for the level first. */
export function logAlways(level: LogLevel, message: string): void {
  const ptr = scratchFor(roomFor(message));
  proxy_log(level, ptr, putString(ptr, message));
}

function logAt(level: LogLevel, message: string): void {
  if (isLogged(level)) logAlways(level, message);
}

export namespace log {
  export function trace(message: string): void {
    logAt(LogLevel.Trace, message);
  }
  export function debug(message: string): void {
    logAt(LogLevel.Debug, message);
  }
  export function info(message: string): void {
    logAt(LogLevel.Info, message);
  }
  export function warn(message: string): void {
    logAt(LogLevel.Warn, message);
  }
  export function error(message: string): void {
    logAt(LogLevel.Error, message);
  }
  export function critical(message: string): void {
    logAt(LogLevel.Critical, message);
  }
  /** Whether the host keeps messages of this level. Ask before building a costly message. */
  export function enabled(level: LogLevel): bool {
    return isLogged(level);
  }
}
