import { isExact, NUMBER_ROOM, scannedF64, scannedI64, scannedU64, scanNumber, writeF64, writeI64 } from "./number";

/** Bytes of the number that the text begins with. */
function scan(text: string): i32 {
  const bytes = String.UTF8.encode(text);
  const ptr = changetype<usize>(bytes);
  const end = scanNumber(ptr, ptr + bytes.byteLength);
  return end ? <i32>(end - ptr) : 0;
}

function read(text: string): f64 {
  const bytes = String.UTF8.encode(text);
  const ptr = changetype<usize>(bytes);
  scanNumber(ptr, ptr + bytes.byteLength);
  return scannedF64();
}

function written(value: f64): string {
  const out = heap.alloc(NUMBER_ROOM);
  const text = String.UTF8.decodeUnsafe(out, writeF64(value, out));
  heap.free(out);
  return text;
}

describe("number", () => {
  it("finds where a number ends", () => {
    expect(scan("0")).toBe(1);
    expect(scan("-12.50e+3,")).toBe(9);
    expect(scan("01")).toBe(1);
    expect(scan("")).toBe(0);
    expect(scan("-")).toBe(0);
    expect(scan("1.")).toBe(0);
    expect(scan("1e")).toBe(0);
    expect(scan(".5")).toBe(0);
  });

  it("reads the nearest double", () => {
    expect(read("0.1")).toBe(0.1);
    expect(read("-2.5e-3")).toBe(-0.0025);
    expect(read("9007199254740993")).toBe(9007199254740992);
    expect(read("9007199254740993.0000000000000000000000001")).toBe(9007199254740994);
    expect(read("5e-324")).toBe(reinterpret<f64>(1));
    expect(read("1e400")).toBe(Infinity);
    expect(read("1e-400")).toBe(0);
  });

  it("reads integers to 64 bits", () => {
    scan("-9223372036854775808");
    expect(scannedI64()).toBe(i64.MIN_VALUE);
    expect(isExact).toBe(true);
    scan("18446744073709551615");
    expect(scannedU64()).toBe(u64.MAX_VALUE);
    expect(isExact).toBe(true);
    scan("18446744073709551616");
    scannedU64();
    expect(isExact).toBe(false);
    scan("1.50e1");
    expect(scannedI64()).toBe(15);
    expect(isExact).toBe(true);
    scan("1.5");
    scannedI64();
    expect(isExact).toBe(false);
  });

  it("writes as JavaScript does", () => {
    expect(written(0.1)).toBe("0.1");
    expect(written(-0.0)).toBe("0");
    expect(written(123456789)).toBe("123456789");
    expect(written(1e21)).toBe("1e+21");
    expect(written(1e20)).toBe("100000000000000000000");
    expect(written(1.5e-7)).toBe("1.5e-7");
    expect(written(0.000001)).toBe("0.000001");
    expect(written(reinterpret<f64>(1))).toBe("5e-324");
    expect(written(NaN)).toBe("null");
  });

  it("writes integers", () => {
    const out = heap.alloc(NUMBER_ROOM);
    expect(String.UTF8.decodeUnsafe(out, writeI64(i64.MIN_VALUE, out))).toBe("-9223372036854775808");
    expect(String.UTF8.decodeUnsafe(out, writeI64(0, out))).toBe("0");
    heap.free(out);
  });
});
