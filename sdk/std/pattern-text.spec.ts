import { Ints } from "./pattern-memory";
import { Look } from "./pattern-parse";
import { before, behind, Beside, codePointsOf, codePointsOfUtf8, decode, decodeLast, looksAt } from "./pattern-text";

/** Code points forwards, then backwards, with their sizes. */
function walked(bytes: StaticArray<u8>): u32[] {
  const begin = changetype<usize>(bytes);
  const end = begin + bytes.length;
  const points: u32[] = [];
  for (let at = begin; at < end;) {
    const point = decode(at, end);
    points.push(point & 0xffffff);
    at += <usize>(point >> 24);
  }
  let i = points.length;
  for (let at = end; at > begin;) {
    const point = decodeLast(begin, at);
    if (points[--i] != (point & 0xffffff)) return [];
    at -= <usize>(point >> 24);
  }
  return i ? [] : points;
}

describe("pattern-text", () => {
  it("walks the same way in both directions", () => {
    expect(walked([0x61, 0xc3, 0xa9, 0xe6, 0x97, 0xa5, 0xf0, 0x9f, 0x98, 0x80])).toStrictEqual([
      0x61, 0xe9, 0x65e5, 0x1f600,
    ]);
    expect(walked([0x80, 0xe2, 0x82, 0x61, 0xff])).toStrictEqual([0xfffd, 0xfffd, 0xfffd, 0x61, 0xfffd]);
    expect(walked([0xed, 0xa0, 0x80])).toStrictEqual([0xfffd, 0xfffd, 0xfffd]);
    expect(walked([0xc0, 0x80, 0xe0, 0x9f, 0xbf])).toStrictEqual([0xfffd, 0xfffd, 0xfffd, 0xfffd, 0xfffd]);
    expect(walked([0xf4, 0x90, 0x80, 0x80])).toStrictEqual([0xfffd, 0xfffd, 0xfffd, 0xfffd]);
    expect(walked([0xf4, 0x8f, 0xbf, 0xbf, 0xbf])).toStrictEqual([0x10ffff, 0xfffd]);
    expect(walked([0xe2, 0x82, 0xac, 0x82, 0xc3])).toStrictEqual([0x20ac, 0xfffd, 0xfffd]);
    expect(walked([0xef, 0xbf, 0xbd])).toStrictEqual([0xfffd]);
  });

  it("sees what is beside a place", () => {
    const bytes: StaticArray<u8> = [0x61, 0x0a, 0x2d];
    const ptr = changetype<usize>(bytes);
    expect<i32>(before(ptr, ptr)).toBe(Beside.Edge);
    expect<i32>(before(ptr, ptr + 1)).toBe(Beside.Word);
    expect<i32>(behind(ptr + 1, ptr + 3)).toBe(Beside.NewLine);
    expect<i32>(behind(ptr + 2, ptr + 3)).toBe(Beside.Other);
    expect(looksAt(ptr, ptr, ptr + 3)).toBe(Look.TextStart | Look.LineStart | Look.WordBoundary);
    expect(looksAt(ptr, ptr + 1, ptr + 3)).toBe(Look.LineEnd | Look.WordBoundary);
    expect(looksAt(ptr, ptr + 2, ptr + 3)).toBe(Look.LineStart | Look.NoWordBoundary);
    expect(looksAt(ptr, ptr, ptr)).toBe(
      Look.TextStart | Look.LineStart | Look.TextEnd | Look.LineEnd | Look.NoWordBoundary,
    );
  });

  it("takes only well-formed patterns", () => {
    const out = new Ints();
    expect(codePointsOf("a\u00e9\ud83d\ude00", out, 9)).toBe(true);
    expect(out.length).toBe(3);
    expect(out.get(2)).toBe(0x1f600);
    expect(codePointsOf("\ud83d", out, 9)).toBe(false);
    expect(codePointsOf("\ude00\ud83d", out, 9)).toBe(false);
    out.resize(0);
    expect(codePointsOf("abcdef", out, 3)).toBe(true);
    expect(out.length).toBe(4);
    out.resize(0);
    const bytes: StaticArray<u8> = [0xef, 0xbf, 0xbd, 0xff];
    expect(codePointsOfUtf8(changetype<usize>(bytes), 3, out, 9)).toBe(true);
    expect(out.get(0)).toBe(0xfffd);
    expect(codePointsOfUtf8(changetype<usize>(bytes), 4, out, 9)).toBe(false);
    out.free();
  });
});
