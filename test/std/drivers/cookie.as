import { ByteWriter } from "../../../sdk/std/bytewriter";
import { CookieReader, Cookies, SameSite, SetCookie } from "../../../sdk/std/cookie";
import { give, giveText } from "./io";

function hex(out: ByteWriter, ptr: usize, length: i32): void {
  for (let i = 0; i < length; i++) {
    const c = <u32>load<u8>(ptr + i);
    out.byte("0123456789abcdef".charCodeAt(c >> 4));
    out.byte("0123456789abcdef".charCodeAt(c & 15));
  }
}

/** Pairs in hexadecimal, parted by semicolons; `=` for one with an equals sign, `~` for a value alone; `!` behind a malformed one. */
export function pairs(ptr: usize, length: usize): usize {
  const out = new ByteWriter(1048576);
  const reader = new CookieReader(ptr, <i32>length);
  for (let first = true; reader.next(); first = false) {
    if (!first) out.byte(0x3b);
    hex(out, reader.namePtr, reader.nameLength);
    out.byte(reader.valuePtr == reader.namePtr ? 0x7e : 0x3d);
    hex(out, reader.valuePtr, reader.valueLength);
    if (!reader.wellFormed) out.byte(0x21);
  }
  return give(out.ptr, out.length);
}

/** Number of pairs, all inside of the field and after one another; 0xffff for a disagreement. */
export function verdict(ptr: usize, length: usize): i32 {
  const reader = new CookieReader(ptr, <i32>length);
  const cookies = new Cookies(ptr, <i32>length);
  let count = 0;
  let at = ptr;
  while (reader.next()) {
    count++;
    const end = reader.valuePtr + reader.valueLength;
    if (reader.namePtr < at || reader.valuePtr < reader.namePtr + reader.nameLength || end > ptr + length) return 0xffff;
    if (reader.nameLength < 0 || reader.valueLength < 0) return 0xffff;
    at = end;
    if (!reader.wellFormed) continue;
    const name = reader.name;
    const all = cookies.all(name);
    if (all.length != cookies.count(name) || cookies.get(name) != all[0] || !all.includes(reader.value)) return 0xffff;
  }
  return count;
}

export function get(ptr: usize, length: usize, name: usize, nameLength: usize): usize {
  const value = new Cookies(ptr, <i32>length).get(String.UTF8.decodeUnsafe(name, nameLength));
  return value != null ? giveText(value) : 0;
}

let cookie: SetCookie = new SetCookie("", "");

function text(ptr: usize, length: usize): string {
  return String.UTF8.decodeUnsafe(ptr, length);
}

export function begin(name: usize, nameLength: usize, value: usize, valueLength: usize): i32 {
  cookie = new SetCookie(text(name, nameLength), text(value, valueLength));
  return 0;
}

export function scope(path: usize, pathLength: usize, domain: usize, domainLength: usize): i32 {
  cookie.path = text(path, pathLength);
  cookie.domain = text(domain, domainLength);
  return 0;
}

export function life(expires: i64, maxAge: i64): i32 {
  cookie.expires = expires;
  cookie.maxAge = maxAge;
  return 0;
}

/** Flags: 1 secure, 2 httpOnly, 4 partitioned. */
export function finish(flags: i32, sameSite: i32): usize {
  cookie.secure = (flags & 1) != 0;
  cookie.httpOnly = (flags & 2) != 0;
  cookie.partitioned = (flags & 4) != 0;
  cookie.sameSite = <SameSite>sameSite;
  const line = cookie.serialize();
  return line ? giveText(line) : 0;
}

export function deleting(name: usize, nameLength: usize): usize {
  const line = SetCookie.deleting(text(name, nameLength)).serialize();
  return line ? giveText(line) : 0;
}
