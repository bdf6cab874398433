import { refusalAt } from "../../../sdk/std/refusal";
import {
  formatDuration,
  formatHttpDate,
  formatProtoDuration,
  INVALID_TIME,
  parseDuration,
  parseHttpDate,
  parseProtoDuration,
  Timestamp,
} from "../../../sdk/std/time";
import { giveText } from "./io";

/** Seconds and nanoseconds, or nothing. */
export function rfc3339(ptr: usize, length: usize): usize {
  const time = Timestamp.parse(ptr, <i32>length);
  return time ? giveText(time.seconds.toString() + " " + time.nanos.toString()) : 0;
}

export function formatRfc3339(seconds: i64, nanos: i32): usize {
  return giveText(new Timestamp(seconds, nanos).toString());
}

export function ofNanos(nanos: i64): usize {
  const time = Timestamp.ofNanos(nanos);
  return giveText(time.seconds.toString() + " " + time.nanos.toString() + " " + time.unixNanos.toString());
}

export function httpDate(ptr: usize, length: usize, now: i64): i64 {
  return parseHttpDate(ptr, <i32>length, now);
}

export function formatHttp(seconds: i64): usize {
  return giveText(formatHttpDate(seconds));
}

export function duration(ptr: usize, length: usize): i64 {
  return parseDuration(ptr, <i32>length);
}

export function formatDur(nanos: i64): usize {
  return giveText(formatDuration(nanos));
}

export function protoDuration(ptr: usize, length: usize): i64 {
  return parseProtoDuration(ptr, <i32>length);
}

export function formatProto(nanos: i64): usize {
  return giveText(formatProtoDuration(nanos));
}

/** A bit for each of rfc3339, httpDate, duration and protoDuration that takes it; 100 and more when one disagrees with itself. */
export function verdict(ptr: usize, length: usize): i32 {
  const size = <i32>length;
  let result = 0;
  const time = Timestamp.parse(ptr, size);
  if (time) {
    result = 1;
    const text = String.UTF8.encode(time.toString());
    const again = Timestamp.parse(changetype<usize>(text), text.byteLength);
    // Years before 0000 and after 9999 come from offsets.
    if (text.byteLength && (!again || again.seconds != time.seconds || again.nanos != time.nanos)) return 100;
  } else if (refusalAt < 0 || refusalAt > size) return 101;
  const date = parseHttpDate(ptr, size, 1767225600);
  if (date != INVALID_TIME) {
    result |= 2;
    const text = String.UTF8.encode(formatHttpDate(date));
    if (text.byteLength && parseHttpDate(changetype<usize>(text), text.byteLength, 0) != date) return 102;
  }
  const nanos = parseDuration(ptr, size);
  if (nanos != INVALID_TIME) {
    result |= 4;
    const text = String.UTF8.encode(formatDuration(nanos));
    if (parseDuration(changetype<usize>(text), text.byteLength) != nanos) return 103;
  } else if (refusalAt < 0 || refusalAt > size) return 104;
  const proto = parseProtoDuration(ptr, size);
  if (proto != INVALID_TIME) {
    result |= 8;
    const text = String.UTF8.encode(formatProtoDuration(proto));
    if (parseProtoDuration(changetype<usize>(text), text.byteLength) != proto) return 105;
  } else if (refusalAt < 0 || refusalAt > size) return 106;
  return result;
}
