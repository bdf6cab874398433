import assert from "node:assert/strict";
import { cpSync, mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { check } from "./check.js";
import { compile } from "./compile.js";
import { BuildError, formatDiagnostics, type Diagnostic } from "./errors.js";
import { packageRoot } from "./package-root.js";
import { Host } from "./testdata/host.js";
import { makeProject, OPTIMISED, SMALLEST } from "./testdata/project.js";

async function failure(files: Record<string, string | null>, dir = makeProject(files)): Promise<BuildError> {
  try {
    await compile(dir);
  } catch (error) {
    assert.ok(error instanceof BuildError, String(error));
    assert.equal(error.message.split("\n").length, 1);
    return error;
  }
  throw new assert.AssertionError({ message: "it compiles" });
}

/** Place and code of each diagnostic. */
function places(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map((d) => `${d.file}:${d.line}:${d.column} ${d.severity} ${d.code}`);
}

/** The smallest filter with these statements in its callback. */
function doing(statements: string, declarations = ""): string {
  return `${declarations}${SMALLEST.replace("    this.response", `${statements}\n    this.response`)}`;
}

test("a type error is shown at its place", async () => {
  const source = SMALLEST.replace("return HeadersAction.Continue;", 'return "no";');
  const error = await failure({ "assembly/index.ts": source });
  assert.equal(error.message, "1 AssemblyScript error; fix it and build again");
  assert.deepEqual(error.diagnostics, [
    {
      file: "assembly/index.ts",
      line: 6,
      column: 12,
      code: "TS2322",
      severity: "error",
      message: "Type '~lib/string/String' is not assignable to type 'i32'.",
      excerpt: '    6 |     return "no";\n      |            ^^^^',
    },
  ]);
  assert.equal(
    formatDiagnostics(error.diagnostics),
    "assembly/index.ts:6:12: error TS2322: Type '~lib/string/String' is not assignable to type 'i32'.\n" +
      '    6 |     return "no";\n      |            ^^^^',
  );
});

test("a syntax error is shown at its place", async () => {
  const { diagnostics } = await failure({ "assembly/index.ts": `${SMALLEST}\nclass {\n` });
  assert.ok(diagnostics.length > 0);
  assert.equal(diagnostics[0]!.file, "assembly/index.ts");
  assert.equal(diagnostics[0]!.line, 11);
  assert.equal(diagnostics[0]!.code, "TS1003");
  assert.match(diagnostics[0]!.excerpt, /^ {3}11 \| class \{\n/);
});

test("errors in a second file, with characters beyond ASCII, tabs and CR LF before them", async () => {
  const error = await failure({
    "assembly/index.ts": `import { helper } from "./lib/helper";\n${doing("    helper();\n    missing();")}`,
    "assembly/lib/helper.ts":
      '// \u{1f600} é\r\nexport function helper(): void {\r\n\tconst é: i32 = "x"; nothing();\r\n}\r\n',
  });
  assert.equal(error.message, "3 AssemblyScript errors; fix them and build again");
  assert.deepEqual(places(error.diagnostics).sort(), [
    "assembly/index.ts:7:5 error TS2304",
    "assembly/lib/helper.ts:3:17 error TS2322",
    "assembly/lib/helper.ts:3:22 error TS2304",
  ]);
  const shown = error.diagnostics.find((d) => d.column === 17)!.excerpt.split("\n");
  assert.equal(shown[0], '    3 | \tconst é: i32 = "x"; nothing();\r');
  assert.equal(shown[1]!.trim(), "|                 ^^^");
});

test("an import that is not there", async () => {
  const { diagnostics } = await failure({ "assembly/index.ts": `import { a } from "./nowhere";\na();\n${SMALLEST}` });
  assert.deepEqual(places(diagnostics), ["assembly/index.ts:1:19 error TS6054"]);
  assert.match(diagnostics[0]!.message, /nowhere/);
  const named = await failure({
    "assembly/index.ts": `import { Nothing } from "meshwasm/sdk";\nnew Nothing();\n${SMALLEST}`,
  });
  assert.deepEqual(places(named.diagnostics), [
    "assembly/index.ts:1:10 error TS2305",
    "assembly/index.ts:2:5 error TS2304",
  ]);
  const foreign = await failure({ "assembly/index.ts": `import { b } from "left-pad";\nb();\n${SMALLEST}` });
  assert.deepEqual(places(foreign.diagnostics), ["assembly/index.ts:1:19 error TS6054"]);
});

test("a module that registers no filter", async () => {
  const message =
    "assembly/index.ts registers no filter; call registerHttpFilter<Filter, Plugin, Config>() in it, or import the file that does";
  assert.equal((await failure({ "assembly/index.ts": "" })).message, message);
  const unregistered = SMALLEST.slice(0, SMALLEST.indexOf("registerHttpFilter<"));
  assert.equal((await failure({ "assembly/index.ts": unregistered })).message, message);
  assert.equal((await failure({ "assembly/index.ts": unregistered, "assembly/other.ts": SMALLEST })).message, message);
  const elsewhere = makeProject({ "assembly/index.ts": 'import "./other";\n', "assembly/other.ts": SMALLEST });
  assert.deepEqual(check((await compile(elsewhere)).wasm), []);
});

test("the SDK by a relative path is refused, and by its name in every form taken", async () => {
  const dir = makeProject();
  const path = relative(join(dir, "assembly"), join(packageRoot, "sdk/index"));
  const source = SMALLEST.replace('"meshwasm/sdk"', JSON.stringify(path));
  const error = await failure({}, makeProject({ "assembly/index.ts": source }));
  assert.match(
    error.message,
    /is imported by a relative path, which would compile the SDK twice; import from "meshwasm\/sdk" instead$/,
  );
  const index = SMALLEST.replace('"meshwasm/sdk"', '"meshwasm/sdk/index"');
  assert.deepEqual(check((await compile(makeProject({ "assembly/index.ts": index }))).wasm), []);
});

test("an installed package is taken from the project's node_modules", async () => {
  const dir = makeProject();
  mkdirSync(join(dir, "node_modules/meshwasm"), { recursive: true });
  for (const item of ["sdk", "package.json", "asconfig.json"]) {
    cpSync(join(packageRoot, item), join(dir, "node_modules/meshwasm", item), { recursive: true });
  }
  const { inputs, wasm } = await compile(dir);
  const inner = inputs.map((path) => relative(dir, path));
  assert.ok(inner.includes("assembly/index.ts") && inner.includes("node_modules/meshwasm/sdk/index.ts"));
  assert.deepEqual(
    inner.filter((path) => path.startsWith("..")),
    [],
  );
  assert.deepEqual(check(wasm), []);
});

test("what a filter cannot have is refused in words of ours", async () => {
  const source = doing(
    "    process.exit(1);\n    console.time('a');\n    console.timeEnd('a');\n    console.timeLog('a');",
  );
  const { diagnostics } = await failure({ "assembly/index.ts": source });
  assert.deepEqual(diagnostics.map((d) => `${d.file}:${d.line}:${d.column} ${d.message}`).sort(), [
    "assembly/index.ts:5:5 process.exit is not available in a filter: return from the callback, or answer with sendLocalResponse",
    "assembly/index.ts:6:5 console.time is not available in a filter: use performance.now()",
    "assembly/index.ts:7:5 console.timeEnd is not available in a filter: use performance.now()",
    "assembly/index.ts:8:5 console.timeLog is not available in a filter: use performance.now()",
  ]);
  assert.equal(diagnostics[0]!.excerpt, "    5 |     process.exit(1);\n      |     ^^^^^^^^^^^^");
});

test("what the proxy can offer works, and nothing is imported that Envoy lacks", async () => {
  const statements = `
    console.log("log"); console.warn("warn"); console.error("error"); console.debug("debug"); console.info("info");
    console.assert(false, "assert"); console.assert(true, "never");
    trace("trace", 2, 1.5, 2);
    const random = Math.random();
    log.info((random >= 0 && random < 1).toString());
    log.info(Date.now().toString());
    log.info(performance.now().toString());
    const bytes = new Uint8Array(70000);
    crypto.getRandomValues(bytes);
    let last = 0;
    for (let i = 65536; i < bytes.length; i++) last |= bytes[i];
    log.info((last != 0).toString());
    log.info(new Date(0).toISOString());
    if (endOfStream) abort("on purpose");`;
  const source = `import { log } from "meshwasm/sdk";\n${doing(statements)}`;
  const { wasm, warnings } = await compile(makeProject({ "assembly/index.ts": source, ...OPTIMISED }));
  assert.deepEqual(check(wasm), []);
  assert.deepEqual(warnings, []);
  const host = new Host(wasm);
  assert.equal(host.call("proxy_on_response_headers", 1, 0, 0), 0);
  const lines = host.takeLogs().map((line) => `${line.level} ${line.bytes.toString()}`);
  assert.deepEqual(lines, [
    ...["2 log", "3 warn", "4 error", "1 debug", "2 info", "4 assert", "0 trace 1.5 2.0"],
    ...["2 true", "2 1700000000123", "2 1700000000123.4568", "2 true", "2 1970-01-01T00:00:00.000Z"],
  ]);
  const broken = () => host.call("proxy_on_response_headers", 1, 0, 1);
  assert.throws(broken, WebAssembly.RuntimeError);
  const { level, bytes } = host.takeLogs().at(-1)!;
  assert.equal(level, 5);
  assert.match(bytes.toString(), /^abort: on purpose$/);
});

test("what aborts a filter is logged with its place before it traps", async () => {
  const source = doing("    assert(!endOfStream, 'never at the end');\n    abort();");
  const host = new Host((await compile(makeProject({ "assembly/index.ts": source }))).wasm);
  for (const [end, message] of [
    [1, "abort: never at the end at assembly/index.ts:5:5"],
    [0, "abort: "],
  ] as const) {
    assert.throws(() => host.call("proxy_on_response_headers", 1, 0, end), WebAssembly.RuntimeError);
    assert.deepEqual(
      host.takeLogs().map((line) => `${line.level} ${line.bytes.toString()}`),
      [`5 ${message}`],
    );
  }
});

test("the module carries its map and names its inputs", async () => {
  const dir = makeProject({ "assembly/index.ts": `import "./other";\n${SMALLEST}`, "assembly/other.ts": "" });
  const { sourceMap, inputs, wasm } = await compile(dir);
  const map = JSON.parse(sourceMap) as { sources: string[]; version: number };
  assert.equal(map.version, 3);
  assert.ok(map.sources.some((s) => s.endsWith("assembly/index.ts")));
  const own = inputs.map((path) => relative(dir, path)).filter((path) => !path.startsWith(".."));
  assert.deepEqual(own.sort(), ["assembly/index.ts", "assembly/other.ts"]);
  assert.deepEqual((await compile(dir)).wasm, wasm, "the same input gives the same module");
});

test("warnings do not fail a build", async () => {
  const source = doing(
    "    const unsafe = changetype<usize>(this);\n    WARNING('look here');\n    if (!unsafe) unreachable();",
  );
  const { warnings } = await compile(makeProject({ "assembly/index.ts": source }));
  assert.deepEqual(places(warnings), ["assembly/index.ts:6:5 warning AS102"]);
  assert.equal(warnings[0]!.message, "look here");
});

test("an asconfig.json that cannot be read is one line", async () => {
  const messages: Record<string, RegExp> = {
    "{": /^the AssemblyScript compiler failed: Asconfig is not valid json: /,
    "[]": /^the AssemblyScript compiler failed: /,
    '{"extends":"no-such-package/asconfig.json"}': /^the AssemblyScript compiler failed: Cannot find module /,
    '{"options":{"noEmit":true}}': /^the AssemblyScript compiler wrote no module$/,
  };
  for (const [text, message] of Object.entries(messages)) {
    assert.match((await failure({ "asconfig.json": text })).message, message, text);
  }
});

test("options that a filter cannot do without win over asconfig.json", async () => {
  const options = { runtime: "stub", exportStart: "begin", outFile: "other.wasm", sourceMap: "x" };
  const { wasm } = await compile(makeProject({ "asconfig.json": JSON.stringify({ options }) }));
  assert.deepEqual(wasm, (await compile(makeProject())).wasm);
});
