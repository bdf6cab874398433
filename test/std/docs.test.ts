/* The examples of docs/std.md do what their comments say: `expression; // value`, the value as JSON. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compileStd, StdProgram } from "./program.js";

const docs = readFileSync(new URL("../../docs/std.md", import.meta.url), "utf8");

/** Writes any value of the examples as JSON. */
const SHOW = `
function quoted(text: string): string {
  return '"' + text.replaceAll("\\\\", "\\\\\\\\").replaceAll('"', '\\\\"') + '"';
}
function show<T>(value: T): string {
  if (isReference<T>() && changetype<usize>(value) == 0) return "null";
  if (isString<T>()) return quoted(changetype<string>(changetype<usize>(value)));
  if (isArray<T>()) return "[" + changetype<string[]>(changetype<usize>(value)).map<string>((one) => quoted(one)).join(",") + "]";
  if (isReference<T>()) return '"something"';
  if (isBoolean<T>()) return value ? "true" : "false";
  if (isInteger<T>()) return (<i64>value).toString();
  return (<f64>value).toString();
}
`;

interface Example {
  readonly heading: string;
  readonly source: string;
  readonly expected: readonly { readonly line: string; readonly value: unknown }[];
}

/** Imports and classes stay where they are, all else goes into a function. */
function example(heading: string, code: string): Example {
  const outside: string[] = [];
  const inside: string[] = [];
  const expected: Example["expected"][number][] = [];
  let declaration = false;
  for (const line of code.replaceAll("meshwasm/sdk/std/", "./sdk/std/").split("\n")) {
    if (/^(import|export function|(abstract )?class) /.test(line)) declaration = true;
    if (declaration) {
      outside.push(line);
      if (/^}|;$/.test(line) && !/^ /.test(line)) declaration = false;
      continue;
    }
    const [, before, expression, comment] = /^(\s*(?:if \(.*?\) )?)([^\s].*); \/\/ (.*)$/.exec(line) ?? [];
    const value = comment === undefined ? undefined : parsed(comment);
    if (value === undefined) inside.push(line);
    else {
      inside.push(`${before}shown.push(show(${expression}));`);
      expected.push({ line: line.trim(), value });
    }
  }
  const run = `const shown = new Array<string>();\n${inside.join("\n")}\nreturn giveText("[" + shown.join(",") + "]");`;
  const source = `${outside.join("\n")}
import { giveText } from "./test/std/drivers/io";
${SHOW}
export function run(): usize {
${run}
}
`;
  return { heading, source, expected };
}

/** undefined for what is no JSON: a remark. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const examples = docs
  .split(/^(?=#+ )/m)
  .flatMap((section) =>
    [...section.matchAll(/^```ts\n(.*?)^```/gms)].map((match) => example(section.split("\n", 1)[0]!, match[1]!)),
  );

test("the examples of docs/std.md", async () => {
  const sources = Object.fromEntries(examples.map(({ source }, i) => [`example${i}.ts`, source]));
  const entry = examples.map((_, i) => `export { run as run${i} } from "./example${i}";`).join("\n");
  const wasm = await compileStd(["examples.ts", "test/std/drivers/io.ts"], ["-O1", "--exportStart=_start"], {
    ...sources,
    "examples.ts": entry,
  });
  const program = new StdProgram(new WebAssembly.Module(wasm as BufferSource));
  assert.ok(examples.length > 0);
  examples.forEach(({ heading, expected }, i) => {
    const shown = JSON.parse(program.text(`run${i}`)) as unknown[];
    assert.ok(expected.length > 0, `${heading}: an example without results`);
    expected.forEach(({ line, value }, j) => assert.deepEqual(shown[j], value, `${heading}: ${line}`));
    assert.equal(shown.length, expected.length, heading);
  });
});
