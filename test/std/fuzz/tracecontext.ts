import assert from "node:assert/strict";
import type { Fuzzed } from "../fuzz.js";
import { parentModel, stateModel, stateText } from "../oracles/tracecontext.js";

export const FUZZED: Fuzzed[] = [
  {
    name: "trace context",
    driver: "tracecontext",
    export: "verdict",
    corpus: [
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03",
      "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe-what-comes",
      "00-00000000000000000000000000000001-0000000000000001-00",
      "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
      "a=1, ,0@b=x y ,fw529a3039@dt=FfffffefffffA;:!,a=2",
      Array.from({ length: 32 }, (_, i) => `k${i}=v`).join(","),
    ],
    dictionary: ["00", "ff", "-", "0000000000000000", ",", "=", " ", "\t", "k=v,", "@", "A"],
    check(input, result, program) {
      assert.ok(result < 8, `verdict ${result}`);
      const text = input.toString("latin1");
      assert.equal(program.bytesOrNull("parent", input)?.toString() ?? null, parentModel(text));
      const model = stateModel(text);
      assert.equal(program.number("read", input), Number(model !== null));
      if (model) assert.equal(program.text("written", 0x7fffffff), stateText(model));
    },
    oracle: "regular expressions",
  },
];
