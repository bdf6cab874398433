import assert from "node:assert/strict";
import type { Fuzzed } from "../fuzz.js";
import { httpDate, protoDuration, rfc3339 } from "../oracles/times.js";

export const FUZZED: Fuzzed[] = [
  {
    name: "times and durations",
    driver: "time",
    export: "verdict",
    corpus: [
      "2026-03-04T05:06:07Z",
      "1985-04-12T23:20:50.52+01:30",
      "1990-12-31T15:59:60-08:00",
      "0000-02-29t00:00:00.123456789012z",
      "Sun, 06 Nov 1994 08:49:37 GMT",
      "Sunday, 06-Nov-94 08:49:37 GMT",
      "Sun Nov  6 08:49:37 1994",
      "Fri, 31 Dec 9999 23:59:60 GMT",
      "1h30m0.5s",
      "-2562047h47m16.854775807s",
      "1.5µs250ns3ms",
      "-9223372036.854775807s",
      "315576000000.000000001s",
    ],
    dictionary: [
      "60",
      "Feb",
      "29",
      "GMT",
      "Thursday",
      "T",
      "Z",
      "-00:00",
      "+23:59",
      ".",
      "s",
      "ms",
      "us",
      "µs",
      "h",
      "m",
      "ns",
    ],
    check(input, result, program) {
      assert.ok(result < 100, `verdict ${result}`);
      const text = input.toString("latin1");
      assert.equal(program.bytesOrNull("rfc3339", input)?.toString() ?? null, rfc3339(text));
      const now = 1767225600;
      const date = program.bigint("httpDate", input, BigInt(now));
      assert.equal(date === INVALID ? null : Number(date), httpDate(text, now));
      const duration = program.bigint("protoDuration", input);
      assert.equal(duration === INVALID ? null : duration, protoDuration(text));
    },
    oracle: "regular expressions and Date",
  },
];

const INVALID = -(1n << 63n);
