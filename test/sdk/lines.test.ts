import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import type { Host } from "../../toolchain/build/testdata/host.js";
import { hostOf } from "./program.js";

const SEED = 20260613;
const MAX_LINES = 1024;
const MAX_BYTES = 1024 * 1024;

let host: Host;
before(async () => {
  host = await hostOf("pure");
});

interface Line {
  readonly name: string;
  readonly value: string | Uint8Array;
}

/** What HeaderLines makes of these lines, read back as Envoy reads it. */
function serialise(lines: readonly Line[]): { refused: number; count: number; read: [Buffer, Buffer][] } {
  host.buffer = Buffer.concat(
    lines.flatMap(({ name, value }) => {
      const head = Buffer.alloc(12);
      head.writeUInt32LE(name.length, 0);
      head.writeUInt32LE(value.length, 4);
      head.writeUInt32LE(typeof value === "string" ? 0 : 1, 8);
      return [head, Buffer.from(name, "utf16le"), typeof value === "string" ? Buffer.from(value, "utf16le") : value];
    }),
  );
  host.call("proxy_on_response_trailers", 1, 0);
  const [{ level, bytes }] = host.takeLogs() as [{ level: number; bytes: Buffer }];
  assert.equal(level, 0, "writeTo stays within size");
  const [refused, count, size] = [0, 4, 8].map((at) => bytes.readUInt32LE(at)) as [number, number, number];
  const map = bytes.subarray(12);
  assert.equal(map.length, size);
  assert.equal(map.readUInt32LE(0), count);
  let at = 4 + count * 8;
  const part = (length: number): Buffer => {
    assert.equal(map[at + length], 0, "ends with a zero");
    at += length + 1;
    return map.subarray(at - length - 1, at - 1);
  };
  const read = Array.from({ length: count }, (_, i): [Buffer, Buffer] => [
    part(map.readUInt32LE(4 + i * 8)),
    part(map.readUInt32LE(8 + i * 8)),
  ]);
  assert.equal(at, map.length);
  return { refused, count, read };
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const isValue = (bytes: Uint8Array) => bytes.every((c) => c !== 0x7f && (c >= 0x20 || c === 9));
const isAllowed = ({ name, value }: Line) => TOKEN.test(name) && isValue(Buffer.from(value));

test("no line at all", () => {
  assert.deepEqual(serialise([]), { refused: 0, count: 0, read: [] });
});

test("every byte of a name and of a value is judged as RFC 9110 does", () => {
  const verdict = (bytes: Uint8Array): number => {
    host.buffer = bytes;
    host.call("proxy_on_request_trailers", 1, 0);
    return host.takeLogs()[0]!.bytes[0]!;
  };
  for (let c = 0; c < 256; c++) {
    for (const bytes of [Uint8Array.of(c), Uint8Array.of(0x61, c), Uint8Array.of(c, 0x61)]) {
      const token = TOKEN.test(Buffer.from(bytes).toString("latin1"));
      assert.equal(verdict(bytes), (token ? 1 : 0) | (isValue(bytes) ? 2 : 0), Buffer.from(bytes).toString("hex"));
    }
  }
  assert.equal(verdict(new Uint8Array()), 2, "empty: a value, no name");
  for (const [text, same] of [
    ["x-name[`_", true],
    ["X-NAME[`_", true],
    ["x-name{`_", false],
    ["x-name[@_", false],
    ["x-name[`\x7f", false],
    ["\x58\x0d\x4eame[`_", false],
  ] as const) {
    assert.equal((verdict(Buffer.from(text, "latin1")) & 4) !== 0, same, text);
  }
});

test("bad names and values are refused one by one", () => {
  const good: Line = { name: "x-good", value: "v" };
  const bad: Line[] = ["", " ", "a b", "a:", ":status", "a\r\nb", "a\0", "é", "a\u0130", "\u{1f600}"].map((name) => ({
    name,
    value: "v",
  }));
  for (const value of ["a\r\nx: y", "a\n", "\r", "\0", "a\x7f", "\x1f"]) {
    bad.push({ name: "x", value }, { name: "x", value: Buffer.from(value) });
  }
  for (const line of bad) {
    const { refused, count, read } = serialise([good, line, good]);
    assert.deepEqual({ refused, count }, { refused: 1, count: 2 }, JSON.stringify(line));
    for (const [name, value] of read) assert.equal(`${name.toString()}: ${value.toString()}`, "x-good: v");
  }
});

test("bytes beyond ASCII survive in values", () => {
  const bytes = Uint8Array.from({ length: 128 }, (_, i) => 0x80 + i);
  const { read } = serialise([
    { name: "a", value: bytes },
    { name: "b", value: "é日\u{1f600}\t \ud800" },
  ]);
  assert.deepEqual(read[0]![1], Buffer.from(bytes));
  assert.deepEqual(read[1]![1], Buffer.from("é日\u{1f600}\t \ufffd"));
});

test("lines beyond what the host takes are refused, and those before them kept", () => {
  const many = serialise(Array.from({ length: MAX_LINES + 3 }, (_, i) => ({ name: `x-${i}`, value: "" })));
  assert.deepEqual([many.count, many.refused], [MAX_LINES, 3]);
  assert.equal(many.read.at(-1)![0].toString(), `x-${MAX_LINES - 1}`);
  const big = (size: number) => ({ name: "x", value: new Uint8Array(size).fill(0x61) });
  const whole = MAX_BYTES - 8 - 3;
  assert.deepEqual([serialise([big(whole)]).count, serialise([big(whole + 1)]).refused], [1, 1]);
  const mixed = serialise([big(600_000), big(600_000), { name: "y", value: "last" }]);
  assert.deepEqual([mixed.count, mixed.refused, mixed.read[1]![1].toString()], [2, 1, "last"]);
});

test(`what is allowed is read back as it was, and nothing else is (seed ${SEED})`, () => {
  const name = fc.oneof(
    fc.string({ unit: fc.constantFrom(..."abcXYZ019-_.!~"), minLength: 1, maxLength: 40 }),
    fc.string({ maxLength: 6 }),
    fc.string({ unit: "binary", maxLength: 3 }),
  );
  const value = fc.oneof(
    fc.string({ maxLength: 300 }),
    fc.string({ unit: "binary" }),
    fc.uint8Array({ maxLength: 300 }),
  );
  fc.assert(
    fc.property(fc.array(fc.record({ name, value }), { maxLength: 20 }), (lines) => {
      const allowed = lines.filter(isAllowed);
      const { refused, read } = serialise(lines);
      assert.equal(refused, lines.length - allowed.length);
      assert.deepEqual(
        read,
        allowed.map((line) => [Buffer.from(line.name), Buffer.from(line.value)]),
      );
    }),
    { seed: SEED, numRuns: 3000 },
  );
});
