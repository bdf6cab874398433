import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { BuildError } from "./errors.js";
import { readProject } from "./project.js";
import { makeProject } from "./testdata/project.js";

/** The message of the error, the folder's path written as DIR. */
function reason(dir: string): string {
  try {
    readProject(dir);
  } catch (error) {
    assert.ok(error instanceof BuildError, String(error));
    assert.equal(error.expected, true);
    return error.message.replaceAll(relative(process.cwd(), dir) || ".", "DIR");
  }
  return "accepted";
}

function reasonOf(yaml: string, files: Record<string, string> = {}): string {
  return reason(makeProject({ "filter.yaml": yaml, ...files }));
}

test("a folder that is no project says what is missing", () => {
  const dir = makeProject();
  assert.equal(
    reason(join(dir, "nowhere")),
    "DIR is not a folder; give a filter project's folder, or make one with: meshwasm init DIR",
  );
  assert.match(reason(join(dir, "filter.yaml")), /^DIR is not a folder/);
  const hint = "go to the project's folder, or make one with: meshwasm init";
  assert.equal(
    reason(makeProject({ "filter.yaml": null })),
    `DIR is not a filter project: filter.yaml is missing; ${hint}`,
  );
  assert.equal(
    reason(makeProject({ "assembly/index.ts": null })),
    `DIR is not a filter project: assembly/index.ts is missing; ${hint}`,
  );
});

test("filter.yaml that is no mapping", () => {
  for (const yaml of ["", "3", "- name: a", "text", "null", "# only a comment"]) {
    assert.equal(reasonOf(yaml), "DIR/filter.yaml: must be a mapping with at least: name", yaml);
  }
});

test("bad YAML is one line that names the file", () => {
  const bad = [
    "name: [",
    'name: "a',
    "name: a\nname: b",
    "name: a\n---\nname: b",
    "name: *anchor",
    "a: b: c",
    "\tname: a",
  ];
  for (const yaml of bad) {
    const message = reasonOf(yaml);
    assert.match(message, /^DIR\/filter\.yaml: [^\n]+$/, yaml);
  }
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
  for (let i = 0; i < 8; i++) {
    const [previous, next] = ["abcdefghi"[i]!, "bcdefghij"[i]!];
    bomb.push(`${next}: &${next} [${Array(9).fill(`*${previous}`).join(",")}]`);
  }
  assert.match(reasonOf(bomb.join("\n")), /^DIR\/filter\.yaml: [^\n]+$/);
});

test("unknown keys are refused by name", () => {
  assert.equal(
    reasonOf("name: a\nnmae: b"),
    'DIR/filter.yaml: unknown key "nmae"; known are: name, description, type, maxModuleBytes, phase, priority, failStrategy, annotations, mesh',
  );
  for (const key of ["1", "__proto__", "constructor"]) {
    assert.match(reasonOf(`name: a\n${key}: 1`), /^DIR\/filter\.yaml: unknown key /, key);
  }
});

test("values that are not allowed", () => {
  const name = "DIR/filter.yaml: name must be 1 to 63 lower-case letters, digits and inner hyphens";
  for (const bad of [
    "''",
    "Hello",
    "a_b",
    "-a",
    "a-",
    "a.b",
    "a/b",
    "3",
    "null",
    "[a]",
    "é",
    '"a\\n"',
    "a".repeat(64),
  ]) {
    assert.equal(reasonOf(`name: ${bad}`), name, bad);
  }
  assert.equal(reasonOf("description: x"), name);
  for (const good of ["a", "0", "a-b", "a--b", "a".repeat(63)]) assert.equal(reasonOf(`name: "${good}"`), "accepted");

  const with_ = (line: string) => reasonOf(`name: a\n${line}`);
  assert.equal(with_("type: udp"), "DIR/filter.yaml: type must be one of http, tcp");
  assert.equal(with_("phase: authn"), "DIR/filter.yaml: phase must be one of AUTHN, AUTHZ, STATS");
  assert.equal(with_("phase: [AUTHN]"), "DIR/filter.yaml: phase must be one of AUTHN, AUTHZ, STATS");
  assert.equal(
    with_("failStrategy: OPEN"),
    "DIR/filter.yaml: failStrategy must be one of FAIL_RELOAD, FAIL_CLOSED, FAIL_OPEN",
  );
  for (const bad of ["0", "-1", "1.5", "1e400", "'1'", "[]", "true"]) {
    assert.equal(
      with_(`maxModuleBytes: ${bad}`),
      "DIR/filter.yaml: maxModuleBytes must be a whole number of bytes above 0",
      bad,
    );
  }
  for (const bad of ["1.5", "'1'", "{}", ".nan"]) {
    assert.equal(with_(`priority: ${bad}`), "DIR/filter.yaml: priority must be a whole number", bad);
  }
  assert.equal(with_("description: 3"), "DIR/filter.yaml: description must be a string");
});

test("defaults, and everything that can be said", () => {
  const bare = makeProject();
  writeFileSync(join(bare, "package.json"), "{}");
  assert.deepEqual(readProject(bare), {
    dir: bare,
    name: "sample",
    version: "0.0.0",
    description: "",
    license: null,
    source: null,
    homepage: null,
    keywords: [],
    authors: [],
    annotations: {},
    mesh: null,
    type: "http",
    maxModuleBytes: 1024 * 1024,
    phase: null,
    priority: null,
    failStrategy: "FAIL_RELOAD",
    schemaFile: null,
    readmeFile: null,
  });
  const full = makeProject({
    "filter.yaml":
      "name: b\ndescription: does it\ntype: http\nmaxModuleBytes: 5\nphase: STATS\npriority: -3\nfailStrategy: FAIL_OPEN\nannotations:\n  org.example.team: edge\nmesh:\n  env: [TOKEN]\n",
    "package.json": JSON.stringify({
      version: "1.2.3",
      license: "MIT",
      homepage: "https://example.org/home",
      keywords: ["envoy", 3],
      author: "Ada <ada@example.org>",
      repository: { type: "git", url: "git+https://example.org/x.git" },
    }),
    "config.schema.json": "{}",
    "README.md": "",
  });
  assert.deepEqual(readProject(full), {
    dir: full,
    name: "b",
    version: "1.2.3",
    description: "does it",
    license: "MIT",
    source: "https://example.org/x",
    homepage: "https://example.org/home",
    keywords: ["envoy"],
    authors: [{ name: "Ada", email: "ada@example.org" }],
    annotations: { "org.example.team": "edge" },
    mesh: { env: ["TOKEN"] },
    type: "http",
    maxModuleBytes: 5,
    phase: "STATS",
    priority: -3,
    failStrategy: "FAIL_OPEN",
    schemaFile: join(full, "config.schema.json"),
    readmeFile: join(full, "README.md"),
  });
});

test("package.json of the folder above serves a filter that has none", () => {
  const above = makeProject({ "package.json": '{"version":"4.5.6","repository":"https://example.org/y"}' });
  const dir = join(above, "filters/inner");
  mkdirSync(join(dir, "assembly"), { recursive: true });
  writeFileSync(join(dir, "filter.yaml"), "name: inner\n");
  writeFileSync(join(dir, "assembly/index.ts"), "");
  assert.equal(readProject(dir).version, "4.5.6");
  assert.equal(readProject(dir).source, "https://example.org/y");
});

test("package.json that is no object is refused by name", () => {
  for (const text of ["{", "", "null", "3", '"text"']) {
    const expected = text.length < 2 && text !== "3" ? "is not valid JSON" : "must be a JSON object";
    assert.equal(reasonOf("name: a", { "package.json": text }), `DIR/package.json ${expected}`, text);
  }
});
