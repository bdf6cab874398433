/* Where tokens are in a request, and how they are taken out of it. */

import { decodesTo, queryStart } from "meshwasm/filters/common";
import { HeaderMap } from "meshwasm/sdk";
import { ByteWriter } from "meshwasm/sdk/std/bytewriter";
import { CookieReader } from "meshwasm/sdk/std/cookie";
import { percentDecode, QueryReader } from "meshwasm/sdk/std/url";
import { toUtf8 } from "meshwasm/sdk/std/utf8";
import { Source, SourceKind } from "./config";

export class TokenSource {
  private name: string;
  private bytes: Uint8Array;
  private prefix: Uint8Array;
  /** Of the request that `find` has looked at last: each line of the header is a token. */
  private tokensOnly: bool = false;

  constructor(
    private kind: SourceKind,
    name: string,
    prefix: string,
  ) {
    this.name = name;
    this.bytes = toUtf8(name);
    this.prefix = toUtf8(prefix.toLowerCase());
  }

  static bearer(): TokenSource {
    return new TokenSource(SourceKind.Header, "authorization", "Bearer ");
  }

  static of(config: Source): TokenSource {
    if (config.kind == SourceKind.Header) {
      const header = config.header!;
      return new TokenSource(config.kind, header.header, header.prefix);
    }
    if (config.kind == SourceKind.Query) return new TokenSource(config.kind, config.query!.query, "");
    return new TokenSource(config.kind, config.cookie!.cookie, "");
  }

  /** Adds each token that is there to `tokens`. */
  find(headers: HeaderMap, tokens: Uint8Array[]): void {
    if (this.kind == SourceKind.Header) {
      const lines = headers.linesBytes(this.name);
      const before = tokens.length;
      for (let i = 0; i < lines.length; i++) {
        const token = this.behindPrefix(lines[i]);
        if (token !== null) tokens.push(token);
      }
      this.tokensOnly = tokens.length > before && tokens.length - before == lines.length;
    } else if (this.kind == SourceKind.Query) {
      const path = headers.getBytes(":path");
      const start = path === null ? -1 : queryStart(path);
      if (path === null || start < 0) return;
      const reader = new QueryReader(path.dataStart + start + 1, path.length - start - 1);
      while (reader.next()) {
        if (!decodesTo(reader.name, reader.nameLength, this.bytes)) continue;
        const value = new Uint8Array(<i32>reader.valueLength);
        memory.copy(value.dataStart, reader.value, reader.valueLength);
        const length = percentDecode(value.dataStart, value.length, value.dataStart, true);
        tokens.push(value.subarray(0, <i32>length));
      }
    } else {
      const line = headers.getBytes("cookie");
      if (line === null) return;
      const reader = new CookieReader(line.dataStart, line.length);
      while (reader.next()) {
        if (!this.isCookie(reader)) continue;
        const value = new Uint8Array(<i32>reader.valueLength);
        memory.copy(value.dataStart, reader.valuePtr, reader.valueLength);
        tokens.push(value);
      }
    }
  }

  /** Takes out what `find` has found in this request, so that the upstream does not get it. */
  remove(headers: HeaderMap): void {
    if (this.kind == SourceKind.Header) {
      if (this.tokensOnly) {
        headers.remove(this.name);
        return;
      }
      const lines = headers.linesBytes(this.name);
      let left = 0;
      for (let i = 0; i < lines.length; i++) if (this.behindPrefix(lines[i]) === null) left++;
      if (left == lines.length) return;
      headers.remove(this.name);
      // Lines of another kind, such as Basic, are not ours.
      for (let i = 0; i < lines.length; i++) {
        if (this.behindPrefix(lines[i]) === null) headers.appendBytes(this.name, lines[i]);
      }
    } else if (this.kind == SourceKind.Query) this.removeFromQuery(headers);
    else this.removeFromCookie(headers);
  }

  private removeFromQuery(headers: HeaderMap): void {
    const path = headers.getBytes(":path");
    const start = path === null ? -1 : queryStart(path);
    if (path === null || start < 0) return;
    const out = new ByteWriter(1 << 20);
    out.bytes(path.dataStart, start);
    let first = true;
    let removed = false;
    let at = start + 1;
    while (at <= path.length) {
      let end = path.indexOf(0x26, at);
      if (end < 0) end = path.length;
      const reader = new QueryReader(path.dataStart + at, end - at);
      if (reader.next() && decodesTo(reader.name, reader.nameLength, this.bytes)) removed = true;
      else {
        out.ascii(first ? "?" : "&");
        out.bytes(path.dataStart + at, end - at);
        first = false;
      }
      at = end + 1;
    }
    if (removed) headers.setBytes(":path", out.toBytes());
  }

  private removeFromCookie(headers: HeaderMap): void {
    const line = headers.getBytes("cookie");
    if (line === null) return;
    const out = new ByteWriter(1 << 20);
    let count = 0;
    let removed = false;
    let at = 0;
    while (at <= line.length) {
      let end = line.indexOf(0x3b, at);
      if (end < 0) end = line.length;
      let from = at;
      while (from < end && line[from] == 0x20) from++;
      const reader = new CookieReader(line.dataStart + from, end - from);
      if (reader.next() && this.isCookie(reader)) removed = true;
      else if (end > from) {
        if (count++) out.ascii("; ");
        out.bytes(line.dataStart + from, end - from);
      }
      at = end + 1;
    }
    if (!removed) return;
    if (count) headers.setBytes("cookie", out.toBytes());
    else headers.remove("cookie");
  }

  private isCookie(reader: CookieReader): bool {
    const name = this.bytes;
    return reader.nameLength == name.length && !memory.compare(reader.namePtr, name.dataStart, name.length);
  }

  /** What stands behind the prefix, without blanks around it; null for a line of another kind. */
  private behindPrefix(line: Uint8Array): Uint8Array | null {
    const prefix = this.prefix;
    if (line.length < prefix.length) return null;
    for (let i = 0; i < prefix.length; i++) {
      const c: u32 = line[i];
      if ((c - 0x41 < 26 ? c | 0x20 : c) != <u32>prefix[i]) return null;
    }
    let from = prefix.length;
    while (from < line.length && line[from] == 0x20) from++;
    return line.subarray(from);
  }
}
