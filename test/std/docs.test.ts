/* The examples of docs/std.md are compiled and run. A line `expression; // value` says what the expression is. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compileStd } from "./program.js";

const SUBJECTS = ["base64", "hex", "url", "cidr", "hash", "lru", "Fixed-slot table", "json", "number", "utf8"];

const sections = readFileSync(new URL("../../docs/std.md", import.meta.url), "utf8").split(/^## /m);
const examples = SUBJECTS.flatMap((subject) => {
  const section = sections.find((text) => text.startsWith(`${subject}\n`)) ?? "";
  return [...section.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => ({ subject, code: code! }));
});

/** The example as a module whose `example` fails at the first wrong value. */
function moduleOf(code: string): { source: string; checks: number } {
  const imports = [...code.matchAll(/^import [^;]*;$/gm)].map(([text]) =>
    text.replace('"meshwasm/sdk/std/', '"./sdk/std/'),
  );
  const body: string[] = [];
  let checks = 0;
  for (const line of code.replace(/^import [^;]*;$/gm, "").split("\n")) {
    const said = /^(.*?)([^ ].*); \/\/ ("[^"]*"|-?\d+|true|false|null)$/.exec(line);
    if (said) {
      const [, indent, expression, value] = said as unknown as [string, string, string, string];
      const [, condition = "", plain] = /^(if \(\w+\) )?(.*)$/.exec(expression)!;
      body.push(`${indent}${condition}assert((${plain}) == ${value}, ${JSON.stringify(line.trim())});`);
      checks++;
    } else body.push(line);
  }
  return { source: `${imports.join("\n")}\nexport function example(): void {\n${body.join("\n")}\n}\n`, checks };
}

test("each subject has an example", () => {
  assert.deepEqual(
    SUBJECTS.filter((subject) => !examples.some((example) => example.subject === subject)),
    [],
  );
});

examples.forEach(({ subject, code }, i) => {
  test(`the example of ${subject} (${i + 1}) says what is true`, async () => {
    const { source, checks } = moduleOf(code);
    assert.ok(checks > 0);
    const wasm = await compileStd(["example.ts"], ["--exportStart=_start"], { "example.ts": source });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource), {
      env: {
        abort(message: number) {
          const memory = instance.exports["memory"] as WebAssembly.Memory;
          const length = new DataView(memory.buffer).getUint32(message - 4, true);
          throw new Error(Buffer.from(memory.buffer, message, length).toString("utf16le"));
        },
      },
    });
    (instance.exports["_start"] as () => void)();
    (instance.exports["example"] as () => void)();
  });
});
