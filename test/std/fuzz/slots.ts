import assert from "node:assert/strict";
import type { Fuzzed } from "../fuzz.js";

function table(slots: number, payload: number): Buffer {
  const bytes = Buffer.alloc(16 + slots * (16 + payload));
  bytes.write("msTL");
  bytes.writeUInt16LE(1, 4);
  bytes.writeUInt16LE(payload, 6);
  bytes.writeUInt32LE(slots, 8);
  // Some slots are taken, one by a writer of the far future.
  for (let slot = 0; slot < slots; slot += 3) {
    bytes.writeUInt32LE(slot + 7, 16 + slot * (16 + payload));
    bytes.writeUInt32LE(slot ? slot * 100 : 0xffffffff, 16 + slot * (16 + payload) + (slot ? 8 : 12));
  }
  return bytes;
}

export const FUZZED: Fuzzed[] = [
  {
    name: "fixed-slot table",
    driver: "slots",
    export: "verdict",
    corpus: [table(1, 8), table(4, 8), table(16, 8), table(8, 0), table(8, 24), table(2, 1024).subarray(0, 512)],
    check(input, error) {
      const slots = input.length < 16 ? 0 : input.readUInt32LE(8);
      const payload = input.length < 16 ? 0 : input.readUInt16LE(6);
      const allowed =
        slots > 0 && slots <= 65536 && (slots & (slots - 1)) === 0 && payload <= 1024 && payload % 8 === 0;
      let expected = 0;
      if (input.length < 16) expected = 2;
      else if (!allowed) expected = 1;
      else if (input.toString("latin1", 0, 4) !== "msTL") expected = 2;
      else if (input.readUInt16LE(4) !== 1) expected = 3;
      else if (input.length !== 16 + slots * (16 + payload)) expected = 6;
      assert.equal(error, expected);
    },
    oracle: "the layout read in JavaScript",
  },
];
