/* Inputs that are nearly right. */

import fc from "fast-check";

/** Texts of `valid` with up to three edits: characters of `alphabet` put in or in place of others, pieces cut out or doubled. */
export function mutated(valid: fc.Arbitrary<string>, alphabet: string): fc.Arbitrary<string> {
  const edit = fc.record({
    kind: fc.nat(3),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    size: fc.integer({ min: 1, max: 4 }),
    piece: fc.constantFrom(...alphabet),
  });
  return fc.tuple(valid, fc.array(edit, { maxLength: 3 })).map(([text, edits]) =>
    edits.reduce((now, { kind, at, size, piece }) => {
      const start = Math.floor(at * now.length);
      const before = now.slice(0, start);
      if (kind === 0) return before + piece + now.slice(start);
      if (kind === 1) return before + piece + now.slice(start + 1);
      if (kind === 2) return before + now.slice(start + size);
      return before + now.slice(start, start + size) + now.slice(start);
    }, text),
  );
}
