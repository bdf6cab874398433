import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { CaseFileError, readCases } from "./read.js";
import { caseTests } from "./run.js";

const SEED = 20261126;
const example = fileURLToPath(new URL("../../../examples/hello", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
writeFileSync(join(folder, "filter.yaml"), "name: x\n");
after(() => rmSync(folder, { recursive: true, force: true }));

function write(text: string, name = "a.case.yaml", dir = folder): string {
  const file = join(dir, name);
  writeFileSync(file, text);
  return file;
}

const WRONG: [what: string, text: string, place: string, message: RegExp][] = [
  ["an unknown key", "request: {}\nexpcted: {}\n", "2:1", /^unknown key "expcted"; there are name, config/],
  ["an unknown key deep in it", "request:\n  headers: {}\n  paht: /\n", "3:3", /^request: unknown key "paht"; there/],
  ["a number for text", "request:\n  headers:\n    x-a: 1\n", "3:5", /^request\.headers\.x-a: must be text/],
  ["a status that is none", "expected: { status: yes }\n", "1:13", /^expected\.status: must be a status/],
  ["a bad pattern", "expected:\n  body: { matches: '(' }\n", "2:3", /^expected\.body/],
  [
    "in the second case",
    "cases:\n  - request: {}\n  - request: {}\n    need: []\n",
    "4:5",
    /^cases\[1\]: unknown key "need"/,
  ],
  ["an unknown need", "needs: [clok]\nrequest: {}\n", "1:9", /^needs\[0\]: must be "clock" or "envoy"/],
  ["no way", "cases:\n  - name: x\n", "2:5", /^cases\[0\]: say what happens by/],
  ["two ways", "request: {}\nrefused: x\n", "1:1", /^say what happens by/],
  ["no case", "cases: []\n", "1:1", /^cases: must hold a case/],
  ["a list", "- request\n", "1:3", /^must be an object with/],
  ["nothing", "", "1:1", /^must be an object with/],
  ["broken YAML", "request: {\n", "2:1", /Flow map/],
  ["a key twice", "request: {}\nrequest: {}\n", "2:1", /unique/],
  ["a cluster of no kind", "clusters:\n  a: { grcp: {} }\nrequest: {}\n", "2:8", /^clusters\.a: unknown key "grcp"/],
  ["a step of no kind", "steps:\n  - tick: 5\n", "2:5", /^steps\[0\]\.tick: must be true/],
];
for (const [what, text, place, message] of WRONG) {
  test(`told with file and line: ${what}`, () => {
    const file = write(text);
    assert.throws(
      () => readCases(file),
      (error: Error) => {
        assert.ok(error instanceof CaseFileError);
        const start = `${relative(process.cwd(), file)}:${place}: `;
        assert.ok(error.message.startsWith(start), error.message);
        assert.match(error.message.slice(start.length), message);
        assert.ok(!error.message.includes("\n"));
        return true;
      },
    );
  });
}

test("a file that is not there, and one outside of a project", () => {
  assert.throws(() => readCases(join(folder, "none.case.yaml")), /cannot be read \(ENOENT\)/);
  const outside = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
  try {
    assert.throws(() => readCases(write("request: {}", "b.case.yaml", outside)), /lies in no filter project/);
  } finally {
    rmSync(outside, { recursive: true });
  }
});

test("aliases are followed, but not without end", () => {
  const [only] = readCases(write("options: &o { rootId: a }\nrequest: {}\nexpected: {}\n")).cases;
  assert.deepEqual(only!.input.options, { rootId: "a" });
  const bomb = ["config:", "  a: &a [x, x, x, x, x, x, x, x, x, x]"];
  for (let i = 1; i < 9; i++) {
    const [name, before] = [String.fromCharCode(97 + i), String.fromCharCode(96 + i)];
    bomb.push(`  ${name}: &${name} [${Array<string>(10).fill(`*${before}`).join(", ")}]`);
  }
  assert.throws(() => readCases(write(`${bomb.join("\n")}\nrequest: {}\n`)), /[aA]lias/);
});

test(`any text is read or refused with its place (seed ${SEED})`, () => {
  const line = fc.constantFrom(
    ...[
      "request:",
      "  path: /",
      "expected:",
      "  status: 200",
      "cases:",
      "  - name: a",
      "    request: {}",
      "- x",
      "{",
      "}",
    ],
    ...[
      "&a",
      "*a",
      "!!binary x",
      "? a",
      "__proto__: {}",
      "steps: [{advance: 1}]",
      "refused: x",
      "clusters: {a: {}}",
      "\t",
    ],
  );
  const text = fc.oneof(
    fc.array(line).map((lines) => lines.join("\n")),
    fc.string(),
  );
  fc.assert(
    fc.property(text, (source) => {
      const file = write(source);
      try {
        readCases(file);
      } catch (error) {
        assert.ok(error instanceof CaseFileError, String((error as Error).stack));
      }
    }),
    { seed: SEED, numRuns: 1000 },
  );
});

/** The tests of a file, by name, as a runner would get them. */
function testsOf(file: string): Map<string, () => Promise<void>> {
  const tests = new Map<string, () => Promise<void>>();
  const runner = (name: string, run: () => Promise<void>) => void tests.set(name, run);
  const skip = (name: string) => void tests.set(`skipped ${name}`, async () => {});
  caseTests(Object.assign(runner, { skip }) as unknown as Parameters<typeof caseTests>[0], file);
  return tests;
}

test("cases that hold, and each kind of failure with the case's line", async () => {
  const name = "own.case.yaml";
  const file = write(
    `
config: { greeting: hi, blockedPath: /private }
cases:
  - name: holds
    upstream: { status: 201, json: [1], headers: { x-up: "1" } }
    steps:
      - request: { path: /private }
        expected: { status: 403, body: "blocked\\n", upstream: null }
      - request: { json: { a: 1 } }
        expected:
          status: 201
          json: [1]
          headers: { x-hello: { matches: ^h }, x-up: "1", x-none: null }
          upstream: { method: POST, json: { a: 1 }, headers: { content-type: application/json } }
      - reconfigure: { greting: x }
        refused: unknown key
      - reconfigure: { greeting: other }
      - request: { body: !!binary /wA= }
        expected: { headers: { x-hello: other }, upstream: { body: !!binary /wA= } }
  - name: refused
    config: { greting: hi }
    refused: { matches: unknown key "greting" }
  - name: wrong status
    request: {}
    expected: { status: 404 }
  - name: not refused
    refused: anything
  - name: no error
    request: {}
    expected: { error: closed }
  - name: other reason
    config: { greting: hi }
    refused: other words
`,
    name,
    join(example, "test"),
  );
  try {
    const shown = relative(process.cwd(), file);
    const tests = testsOf(file);
    const run = (wanted: string): Promise<void> =>
      [...tests].find(([each]) => each.startsWith(`${wanted} (${shown}:`))![1]();
    await run("holds");
    await run("refused");
    const lines = readFileSync(file, "utf8").split("\n");
    const fails = (wanted: string, message: RegExp): Promise<void> =>
      assert.rejects(run(wanted), (error: Error) => {
        const line = lines.findIndex((each) => each.endsWith(`name: ${wanted}`)) + 1;
        assert.ok(error.message.startsWith(`${shown}:${line}: `), error.message);
        assert.match(error.message, message);
        return true;
      });
    await fails("wrong status", /status: expected 404, got 200\n\n> GET \/\n[^]*< 200/);
    await fails("not refused", /expected an error with anything, got none$/);
    await fails("no error", /expected an error with closed, got none\n\n> GET/);
    await fails("other reason", /expected an error with other words, got .*unknown key/);
  } finally {
    rmSync(file);
  }
});

test("the example in docs/testing.md does what it says", async () => {
  const docs = readFileSync(fileURLToPath(new URL("../../../docs/testing.md", import.meta.url)), "utf8");
  const text = /```yaml\n([^]*?)```/.exec(docs)![1]!;
  const file = write(text, "docs.case.yaml", join(example, "test"));
  const host = process.env["MESHWASM_HOST"];
  process.env["MESHWASM_HOST"] = "envoy";
  try {
    const tests = testsOf(file);
    assert.equal(tests.size, 4);
    for (const run of tests.values()) await run();
  } finally {
    rmSync(file);
    if (host === undefined) delete process.env["MESHWASM_HOST"];
    else process.env["MESHWASM_HOST"] = host;
  }
});

test("a case that the host cannot run is skipped with the reason", () => {
  const host = process.env["MESHWASM_HOST"];
  process.env["MESHWASM_HOST"] = "envoy";
  try {
    const [only] = testsOf(write("name: later\nneeds: [clock]\nrequest: {}\n")).keys();
    assert.match(only!, /^skipped later \(.*a\.case\.yaml:1\) \(not run on Envoy: it needs a clock/);
  } finally {
    if (host === undefined) delete process.env["MESHWASM_HOST"];
    else process.env["MESHWASM_HOST"] = host;
  }
});
