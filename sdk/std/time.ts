/* Times and durations as text: RFC 3339, the three forms of an HTTP date (RFC 9110, section 5.6.7), durations as Go and as
 * protobuf's JSON write them. Nothing here knows what time it is. */

import { refuse } from "./refusal";
import { isAscii, isDigit, Slice } from "./slice";
import { ByteWriter } from "./bytewriter";

/** What a function here gives for a text that it refuses; `refusalReason` says why. */
export const INVALID_TIME: i64 = i64.MIN_VALUE;

/** Go's limit for the amount of a duration: one more than the longest positive one. */
const TOO_LONG: u64 = 0x8000000000000000;
const DAY: i64 = 86400;
/** Seconds of 0000-01-01T00:00:00Z, and the first second of the year 10000. */
const FIRST_SECOND: i64 = -62167219200;
const PAST_LAST_SECOND: i64 = 253402300800;
// Three letters each, as they stand in a date.
const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
const WEEKDAYS = "SunMonTueWedThuFriSat";

/** An instant: seconds since 1970-01-01T00:00:00Z without leap seconds, and nanoseconds from then on (0 to 999,999,999). */
export class Timestamp {
  constructor(
    readonly seconds: i64,
    readonly nanos: i32 = 0,
  ) {}

  /**
   * Reads `2026-03-04T05:06:07.89Z` (RFC 3339): `T` and `Z` in any case, an offset of ±23:59, years 0000 to 9999. Digits
   * beyond nanoseconds are cut. Second 60 is taken where a leap second can be, at the end of a month in UTC, and is the
   * first second of the next month. Null when it is anything else.
   */
  static parse(ptr: usize, length: i32): Timestamp | null {
    if (length < 20) return bad("is too short for a time of RFC 3339");
    if (load<u8>(ptr, 4) != 0x2d || load<u8>(ptr, 7) != 0x2d) return bad("needs a date as 2006-01-02");
    const year = digits(ptr, 4);
    const month = digits(ptr + 5, 2);
    const day = digits(ptr + 8, 2);
    if (!isDate(year, month, day)) return bad("has no such day");
    if ((load<u8>(ptr, 10) | 0x20) != 0x74) return bad("needs a T before the time", 10);
    const clock = clockAt(ptr + 11);
    if (clock < 0) return bad("needs a time as 15:04:05", 11);
    let at = 19;
    let nanos = 0;
    if (load<u8>(ptr, 19) == 0x2e) {
      let scale = 100000000;
      for (at = 20; at < length && isDigit(load<u8>(ptr + at)); at++) {
        nanos += (<i32>load<u8>(ptr + at) - 0x30) * scale;
        scale /= 10;
      }
      if (at == 20) return bad("needs a digit after the point", at);
    }
    let seconds = daysOf(year, month, day) * DAY + clock;
    const zone: u32 = at < length ? load<u8>(ptr + at) : 0;
    if ((zone | 0x20) == 0x7a) at++;
    else {
      if ((zone != 0x2b && zone != 0x2d) || length - at < 6 || load<u8>(ptr + at, 3) != 0x3a) {
        return bad("needs Z or an offset as +07:00", at);
      }
      const hours = digits(ptr + at + 1, 2);
      const minutes = digits(ptr + at + 4, 2);
      if (<u32>hours > 23 || <u32>minutes > 59) return bad("has no such offset", at);
      const offset = <i64>(hours * 3600 + minutes * 60);
      seconds += zone == 0x2b ? -offset : offset;
      at += 6;
    }
    if (at != length) return bad("has text after the time", at);
    if (isLeap(ptr + 17) && !isMonthBegin(seconds)) return bad("has a leap second where none can be", 17);
    return new Timestamp(seconds, nanos);
  }

  static parseText(text: string): Timestamp | null {
    const bytes = Slice.of(text);
    return Timestamp.parse(bytes.ptr, bytes.length);
  }

  /** From nanoseconds since 1970, as Envoy gives times. */
  static ofNanos(nanos: i64): Timestamp {
    const seconds = nanos / 1000000000;
    const rest = <i32>(nanos % 1000000000);
    return rest < 0 ? new Timestamp(seconds - 1, rest + 1000000000) : new Timestamp(seconds, rest);
  }

  /** Nanoseconds since 1970; beyond 64 bits (before 1677 or after 2262) INVALID_TIME. */
  get unixNanos(): i64 {
    if (this.seconds > 9223372036 - 1 || this.seconds < -9223372036) return INVALID_TIME;
    return this.seconds * 1000000000 + this.nanos;
  }

  /**
   * As RFC 3339 in UTC, with as many digits behind the point as there are, by threes: none, 3, 6 or 9. Empty when the year
   * is not within 0000 to 9999.
   */
  toString(): string {
    if (this.seconds < FIRST_SECOND || this.seconds >= PAST_LAST_SECOND || <u32>this.nanos > 999999999) return "";
    const out = new ByteWriter(32);
    setCivil(this.seconds);
    out.padded(civilYear, 4);
    out.byte(0x2d);
    out.padded(civilMonth, 2);
    out.byte(0x2d);
    out.padded(civilDay, 2);
    out.byte(0x54);
    writeClock(out, civilClock);
    writeFraction(out, this.nanos);
    out.byte(0x5a);
    return out.toString();
  }
}

/**
 * Reads an HTTP date in any of its three forms and gives seconds since 1970, or INVALID_TIME. Letters in the case of RFC 9110
 * only. The weekday must be one but is not compared with the date, as everywhere. `now`, in seconds, decides the century of
 * the form with two digits for the year: one that would lie more than 50 years ahead is in the past.
 */
export function parseHttpDate(ptr: usize, length: i32, now: i64): i64 {
  if (length == 29) return parseImfDate(ptr);
  if (length == 24) return parseAscTime(ptr);
  return parseRfc850Date(ptr, length, now);
}

/** As parseHttpDate, for text. */
export function parseHttpDateText(text: string, now: i64): i64 {
  const bytes = Slice.of(text);
  return parseHttpDate(bytes.ptr, bytes.length, now);
}

/** `Sun, 06 Nov 1994 08:49:37 GMT`; empty when the year is not within 0000 to 9999. */
export function formatHttpDate(seconds: i64): string {
  if (seconds < FIRST_SECOND || seconds >= PAST_LAST_SECOND) return "";
  setCivil(seconds);
  const out = new ByteWriter(32);
  const weekday = civilWeekday * 3;
  out.ascii(WEEKDAYS.substring(weekday, weekday + 3));
  out.ascii(", ");
  out.padded(civilDay, 2);
  out.byte(0x20);
  out.ascii(MONTHS.substring(civilMonth * 3 - 3, civilMonth * 3));
  out.byte(0x20);
  out.padded(civilYear, 4);
  out.byte(0x20);
  writeClock(out, civilClock);
  out.ascii(" GMT");
  return out.toString();
}

/** `Sun, 06 Nov 1994 08:49:37 GMT` */
function parseImfDate(ptr: usize): i64 {
  if (
    nameIndex(ptr, WEEKDAYS) < 0 ||
    load<u16>(ptr, 3) != 0x202c ||
    load<u8>(ptr, 7) != 0x20 ||
    load<u8>(ptr, 11) != 0x20 ||
    load<u8>(ptr, 16) != 0x20 ||
    load<u32>(ptr, 25) != 0x544d4720
  ) {
    return noDate();
  }
  return httpDate(digits(ptr + 12, 4), nameIndex(ptr + 8, MONTHS) + 1, digits(ptr + 5, 2), ptr + 17);
}

/** `Sun Nov  6 08:49:37 1994` */
function parseAscTime(ptr: usize): i64 {
  if (
    nameIndex(ptr, WEEKDAYS) < 0 ||
    load<u8>(ptr, 3) != 0x20 ||
    load<u8>(ptr, 7) != 0x20 ||
    load<u8>(ptr, 10) != 0x20 ||
    load<u8>(ptr, 19) != 0x20
  ) {
    return noDate();
  }
  const day = load<u8>(ptr, 8) == 0x20 ? digits(ptr + 9, 1) : digits(ptr + 8, 2);
  return httpDate(digits(ptr + 20, 4), nameIndex(ptr + 4, MONTHS) + 1, day, ptr + 11);
}

/** `Sunday, 06-Nov-94 08:49:37 GMT` */
function parseRfc850Date(ptr: usize, length: i32, now: i64): i64 {
  const comma = length - 24;
  if (comma < 6 || comma > 9) return noDate();
  const rest = ptr + comma;
  if (
    !isLongWeekday(ptr, comma) ||
    load<u16>(rest) != 0x202c ||
    load<u8>(rest, 4) != 0x2d ||
    load<u8>(rest, 8) != 0x2d ||
    load<u8>(rest, 11) != 0x20 ||
    load<u32>(rest, 20) != 0x544d4720
  ) {
    return noDate();
  }
  const short = digits(rest + 9, 2);
  if (short < 0) return noDate();
  const month = nameIndex(rest + 5, MONTHS) + 1;
  const day = digits(rest + 2, 2);
  setCivil(min(max(now, FIRST_SECOND), PAST_LAST_SECOND - 1));
  // The latest year with these digits that does not lie more than 50 years ahead.
  const latest = civilYear + 50;
  const year = latest - ((latest - short) % 100);
  const seconds = httpDate(year, month, day, rest + 12);
  if (seconds == INVALID_TIME || year != latest) return seconds;
  // Exactly 50 years ahead by the year: what of it lies behind today's date and time is more than 50 years ahead.
  const today = civilMonth * 100 + civilDay;
  const then = month * 100 + day;
  const later = then > today || (then == today && clockAt(rest + 12) > civilClock);
  return later ? httpDate(year - 100, month, day, rest + 12) : seconds;
}

function isLongWeekday(ptr: usize, length: i32): bool {
  const rest = length - 3;
  switch (nameIndex(ptr, WEEKDAYS)) {
    case 2:
      return isAscii(ptr + 3, rest, "sday");
    case 3:
      return isAscii(ptr + 3, rest, "nesday");
    case 4:
      return isAscii(ptr + 3, rest, "rsday");
    case 6:
      return isAscii(ptr + 3, rest, "urday");
    case -1:
      return false;
    default: // Sunday, Monday, Friday
      return isAscii(ptr + 3, rest, "day");
  }
}

function httpDate(year: i32, month: i32, day: i32, clockPtr: usize): i64 {
  if (!isDate(year, month, day)) return noDate();
  const clock = clockAt(clockPtr);
  // 23:59:60 is the only leap second of an HTTP date.
  if (clock < 0 || (isLeap(clockPtr + 6) && clock != DAY)) return noDate();
  return daysOf(year, month, day) * DAY + clock;
}

function noDate(): i64 {
  refuse("is no HTTP date");
  return INVALID_TIME;
}

function bad(reason: string, at: i32 = 0): Timestamp | null {
  refuse(reason, at);
  return null;
}

/** The number that `count` digits are; -10000 when one is no digit. */
function digits(ptr: usize, count: i32): i32 {
  let value = 0;
  for (let i = 0; i < count; i++) {
    const c = load<u8>(ptr + i);
    if (!isDigit(c)) return -10000;
    value = value * 10 + c - 0x30;
  }
  return value;
}

/** Which of the names of three letters stands at `ptr`, or -1. */
function nameIndex(ptr: usize, names: string): i32 {
  for (let i = 0; i < names.length; i += 3) {
    if (
      <i32>load<u8>(ptr) == names.charCodeAt(i) &&
      <i32>load<u8>(ptr, 1) == names.charCodeAt(i + 1) &&
      <i32>load<u8>(ptr, 2) == names.charCodeAt(i + 2)
    ) {
      return i / 3;
    }
  }
  return -1;
}

/** Seconds of the day of `15:04:05`, second 60 included; -1 when it is none. */
function clockAt(ptr: usize): i64 {
  const hour = digits(ptr, 2);
  const minute = digits(ptr + 3, 2);
  const second = digits(ptr + 6, 2);
  if (load<u8>(ptr, 2) != 0x3a || load<u8>(ptr, 5) != 0x3a) return -1;
  if (<u32>hour > 23 || <u32>minute > 59 || <u32>second > 60) return -1;
  return hour * 3600 + minute * 60 + second;
}

function isLeap(ptr: usize): bool {
  return load<u16>(ptr) == 0x3036;
}

function isDate(year: i32, month: i32, day: i32): bool {
  return year >= 0 && <u32>(month - 1) < 12 && day >= 1 && day <= daysIn(year, month);
}

function daysIn(year: i32, month: i32): i32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return 30 + ((month + (month >> 3)) & 1);
}

/** Days since 1970-01-01 in the Gregorian calendar; years from 0 on. */
function daysOf(year: i32, month: i32, day: i32): i64 {
  // Years begin in March here, so that the leap day is the last one.
  const y = month > 2 ? year + 400 : year + 399;
  const m = month > 2 ? month - 3 : month + 9;
  return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468 - 146097;
}

function isMonthBegin(seconds: i64): bool {
  setCivil(seconds);
  return civilDay == 1 && civilClock == 0;
}

// What setCivil has found.
let civilYear: i32 = 0;
let civilMonth: i32 = 0;
let civilDay: i32 = 0;
let civilWeekday: i32 = 0;
let civilClock: i32 = 0;

/** Takes seconds since 1970 apart; from the year -1 to 10000. */
function setCivil(seconds: i64): void {
  // From 0000-03-01 minus 400 years on, so that all is positive.
  const shifted = seconds + (719468 + 146097) * DAY;
  const days = <i32>(shifted / DAY);
  civilClock = <i32>(shifted % DAY);
  civilWeekday = (days + 3) % 7;
  const era = days / 146097;
  const dayOfEra = days % 146097;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const m = (5 * dayOfYear + 2) / 153;
  civilDay = dayOfYear - (153 * m + 2) / 5 + 1;
  civilMonth = m < 10 ? m + 3 : m - 9;
  civilYear = yearOfEra + era * 400 - 400 + i32(civilMonth <= 2);
}

function writeClock(out: ByteWriter, clock: i32): void {
  out.padded(clock / 3600, 2);
  out.byte(0x3a);
  out.padded((clock / 60) % 60, 2);
  out.byte(0x3a);
  out.padded(clock % 60, 2);
}

/** A point and 3, 6 or 9 digits; nothing for 0. */
function writeFraction(out: ByteWriter, nanos: u32): void {
  if (!nanos) return;
  out.byte(0x2e);
  if (nanos % 1000) out.padded(nanos, 9);
  else if (nanos % 1000000) out.padded(nanos / 1000, 6);
  else out.padded(nanos / 1000000, 3);
}

/**
 * Reads a duration as Go's time.ParseDuration does, to the nanosecond: `250ms`, `1h30m`, `-1.5h`, `0`. Units are ns, us (µs),
 * ms, s, m, h. Gives nanoseconds, or INVALID_TIME, which also stands for what 64 bits do not hold (292 years).
 */
export function parseDuration(ptr: usize, length: i32): i64 {
  let at = 0;
  const first: u32 = length ? load<u8>(ptr) : 0;
  const negative = first == 0x2d;
  if (negative || first == 0x2b) at++;
  if (at == length) return noDuration("is empty", at);
  if (length - at == 1 && load<u8>(ptr + at) == 0x30) return 0;
  let total: u64 = 0;
  while (at < length) {
    const start = at;
    let whole: u64 = 0;
    for (; at < length && isDigit(load<u8>(ptr + at)); at++) {
      if (whole > 922337203685477580) return noDuration("is too long", start);
      whole = whole * 10 + (load<u8>(ptr + at) - 0x30);
      if (whole > TOO_LONG) return noDuration("is too long", start);
    }
    let seen = at != start;
    let fraction: u64 = 0;
    let scale: f64 = 1;
    if (at < length && load<u8>(ptr + at) == 0x2e) {
      const point = ++at;
      let full = false;
      for (; at < length && isDigit(load<u8>(ptr + at)); at++) {
        if (full) continue;
        if (fraction > 922337203685477580) full = true;
        else {
          const next = fraction * 10 + (load<u8>(ptr + at) - 0x30);
          if (next > TOO_LONG) full = true;
          else {
            fraction = next;
            scale *= 10;
          }
        }
      }
      seen = seen || at != point;
    }
    if (!seen) return noDuration("needs a number and a unit, as in 10s", start);
    const unitStart = at;
    while (at < length && load<u8>(ptr + at) != 0x2e && !isDigit(load<u8>(ptr + at))) at++;
    const unit = unitOf(ptr + unitStart, at - unitStart);
    if (!unit) return noDuration("needs one of the units ns, us, ms, s, m, h", unitStart);
    if (whole > TOO_LONG / unit) return noDuration("is too long", start);
    whole *= unit;
    // In floating point, as Go: the result is the same to the last bit.
    if (fraction) whole += <u64>(<f64>fraction * (<f64>unit / scale));
    if (whole > TOO_LONG) return noDuration("is too long", start);
    if (total > TOO_LONG - whole) return noDuration("is too long", start);
    total += whole;
  }
  // The most negative value is Go's, but here it is the sign of an error.
  if (total > <u64>i64.MAX_VALUE) return noDuration("is too long", 0);
  return negative ? -(<i64>total) : <i64>total;
}

/** As parseDuration, for text. */
export function parseDurationText(text: string): i64 {
  const bytes = Slice.of(text);
  return parseDuration(bytes.ptr, bytes.length);
}

/** As Go's Duration.String: `1h30m0s`, `1.5ms`, `0s`. */
export function formatDuration(nanos: i64): string {
  if (nanos == 0) return "0s";
  const out = new ByteWriter(40);
  let rest: u64 = nanos < 0 ? <u64>0 - <u64>nanos : <u64>nanos;
  if (nanos < 0) out.byte(0x2d);
  if (rest < 1000000000) {
    const unit: u64 = rest < 1000 ? 1 : rest < 1000000 ? 1000 : 1000000;
    writeDecimal(out, rest / unit, rest % unit, unit);
    out.text(unit == 1 ? "ns" : unit == 1000 ? "µs" : "ms");
    return out.toString();
  }
  const seconds = rest / 1000000000;
  if (seconds >= 3600) {
    out.padded(seconds / 3600, 0);
    out.byte(0x68);
  }
  if (seconds >= 60) {
    out.padded((seconds / 60) % 60, 0);
    out.byte(0x6d);
  }
  writeDecimal(out, seconds % 60, rest % 1000000000, 1000000000);
  out.byte(0x73);
  return out.toString();
}

/**
 * Reads a duration of protobuf's JSON: `1.5s`, `-3s`, with at most nine digits behind the point. Gives nanoseconds, or
 * INVALID_TIME, also beyond 64 bits (protobuf itself goes on to 10,000 years).
 */
export function parseProtoDuration(ptr: usize, length: i32): i64 {
  if (length < 2 || load<u8>(ptr + length - 1) != 0x73) return noDuration("needs seconds as 1.5s", max(length - 1, 0));
  const end = length - 1;
  let at = i32(load<u8>(ptr) == 0x2d);
  const start = at;
  let seconds: i64 = 0;
  for (; at < end && isDigit(load<u8>(ptr + at)); at++) {
    seconds = seconds * 10 + (load<u8>(ptr + at) - 0x30);
    if (seconds > 9223372036) return noDuration("is too long", start);
  }
  if (at == start) return noDuration("needs a number", at);
  let nanos: i64 = 0;
  if (at < end && load<u8>(ptr + at) == 0x2e) {
    const point = ++at;
    let scale: i64 = 100000000;
    for (; at < end && isDigit(load<u8>(ptr + at)); at++) {
      nanos += <i64>(load<u8>(ptr + at) - 0x30) * scale;
      scale /= 10;
    }
    if (at == point || at > point + 9) return noDuration("needs one to nine digits after the point", point);
  }
  if (at != end) return noDuration("needs seconds as 1.5s", at);
  if (seconds == 9223372036 && nanos > 854775807) return noDuration("is too long", start);
  const total = seconds * 1000000000 + nanos;
  return start ? -total : total;
}

/** As protobuf's JSON: seconds with 0, 3, 6 or 9 digits behind the point, as in `1.500s`. */
export function formatProtoDuration(nanos: i64): string {
  const out = new ByteWriter(32);
  const rest: u64 = nanos < 0 ? <u64>0 - <u64>nanos : <u64>nanos;
  if (nanos < 0) out.byte(0x2d);
  out.padded(rest / 1000000000, 0);
  writeFraction(out, <u32>(rest % 1000000000));
  out.byte(0x73);
  return out.toString();
}

function noDuration(reason: string, at: i32): i64 {
  refuse(reason, at);
  return INVALID_TIME;
}

/** Nanoseconds of a unit of parseDuration; 0 when it is none. */
function unitOf(ptr: usize, length: i32): u64 {
  if (length == 1) {
    const c = load<u8>(ptr);
    if (c == 0x73) return 1000000000;
    if (c == 0x6d) return 60000000000;
    if (c == 0x68) return 3600000000000;
  } else if (length == 2) {
    const c = load<u16>(ptr);
    if (c == 0x736d) return 1000000;
    if (c == 0x7375) return 1000;
    if (c == 0x736e) return 1;
  } else if (length == 3 && load<u8>(ptr, 2) == 0x73) {
    // Micro sign and Greek mu.
    const c = load<u16>(ptr);
    if (c == 0xb5c2 || c == 0xbcce) return 1000;
  }
  return 0;
}

/** A number whose fraction counts in `unit`ths, a power of ten, without zeros at the end. */
function writeDecimal(out: ByteWriter, whole: u64, fraction: u64, unit: u64): void {
  out.padded(whole, 0);
  if (!fraction) return;
  out.byte(0x2e);
  let width = 0;
  for (let u = unit; u > 1; u /= 10) width++;
  for (; fraction % 10 == 0; fraction /= 10) width--;
  out.padded(fraction, width);
}
