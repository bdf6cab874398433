import assert from "node:assert/strict";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Fuzzed } from "../fuzz.js";
import { readingOf } from "../protobuf.js";

const text = new BinaryWriter().tag(2, WireType.LengthDelimited).string("aé日\u{1f600}").finish();
const numbers = new BinaryWriter()
  .tag(4, WireType.Varint)
  .uint64((1n << 64n) - 1n)
  .tag(6, WireType.Varint)
  .sint64(-2n)
  .tag(9, WireType.Bit32)
  .fixed32(7)
  .tag(1, WireType.Bit64)
  .fixed64(8n)
  .finish();
const packed = new BinaryWriter().tag(3, WireType.LengthDelimited).fork().uint64(300n).uint64(1n).join().finish();
const group = Uint8Array.of(0x2b, 0x33, 0x08, 0x01, 0x34, 0x2c, 0x3b, 0x3c);
const nested = new BinaryWriter()
  .tag(8, WireType.LengthDelimited)
  .bytes(Buffer.concat([text, numbers]))
  .finish();

export const FUZZED: Fuzzed[] = [
  {
    name: "protobuf",
    driver: "protobuf",
    export: "accepts",
    corpus: [text, numbers, packed, group, nested, Buffer.concat([nested, group, packed])],
    dictionary: [
      ...[0x08, 0x0a, 0x0b, 0x0c, 0x0d, 0x0f, 0x12, 0x1a, 0x22, 0x2b, 0x2c, 0x42].map((key) => Uint8Array.of(key)),
      Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
      Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
      Uint8Array.of(0x80, 0x80, 0x00),
    ],
    longest: 256,
    check(input, result, program) {
      const reading = readingOf(input);
      assert.equal(result, reading === null ? 0 : 1);
      if (reading !== null) assert.equal(program.text("read", input), reading);
    },
    oracle: "@bufbuild/protobuf",
  },
];
