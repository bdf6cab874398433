/* `meshwasm init` on a terminal, and the projects that odd names, folders and descriptions become: each one builds. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";
import {
  cleanEnvironment,
  cli,
  freshFolder,
  linkPackages,
  makeProject,
  meshwasm,
  root,
  run,
  succeeded,
  type Finished,
} from "./support.js";

const folder = freshFolder();
const work = folder.path;
after(() => folder.remove());

/** Waits for each text on a pseudo-terminal of its own and types the answer; prints all output, ends with the exit code. */
const TERMINAL = `
import json, os, pty, select, signal, sys, time
steps, command = json.loads(sys.argv[1]), sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
import fcntl, struct, termios
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
seen, end = "", time.time() + 30
while True:
    if select.select([fd], [], [], 0.1)[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        text = data.decode("utf8", "replace")
        sys.stdout.write(text)
        seen += text
    if steps and steps[0][0] in seen:
        seen = ""
        time.sleep(0.15)
        os.write(fd, steps.pop(0)[1].encode())
    if time.time() > end:
        os.kill(pid, signal.SIGKILL)
        break
sys.stdout.flush()
status = os.waitpid(pid, 0)[1]
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
`;

type Answers = readonly (readonly [question: string, keys: string])[];

/** Runs `meshwasm init` as at a keyboard. */
function initOnTerminal(cwd: string, args: readonly string[], answers: Answers): Promise<Finished> {
  const env = cleanEnvironment({ TERM: "xterm", CI: undefined });
  const command = [process.execPath, cli, "init", ...args];
  return run("python3", ["-c", TERMINAL, JSON.stringify(answers), ...command], { cwd, env });
}

const ENTER = "\r";
const CTRL_C = "\u0003";
/** Empties the field, which holds the proposal. */
const CLEAR = "\u0015";

interface Made {
  readonly npm: { name: string; description: string; devDependencies: Record<string, string> };
  readonly yaml: { name: string; description: string };
}

function read(dir: string): Made {
  return {
    npm: JSON.parse(readFileSync(join(dir, "package.json"), "utf8")) as Made["npm"],
    yaml: parse(readFileSync(join(dir, "filter.yaml"), "utf8")) as Made["yaml"],
  };
}

describe("on a terminal", () => {
  test("the answers become the project", async () => {
    const answers: Answers = [
      ["Name of the filter", `${CLEAR}guard${ENTER}`],
      ["in one line", `${CLEAR}Keeps "them": out${ENTER}`],
    ];
    const result = succeeded(await initOnTerminal(work, ["asked"], answers));
    const { npm, yaml } = read(join(work, "asked"));
    assert.deepEqual([npm.name, yaml.name], ["guard", "guard"]);
    assert.deepEqual([npm.description, yaml.description], ['Keeps "them": out', 'Keeps "them": out']);
    assert.match(result.stdout, /npm install && npm test/);
  });

  test("Enter takes what is proposed", async () => {
    const answers: Answers = [
      ["Name of the filter", ENTER],
      ["in one line", ENTER],
    ];
    succeeded(await initOnTerminal(work, ["Proposed Name"], answers));
    const { npm, yaml } = read(join(work, "Proposed Name"));
    assert.equal(npm.name, "proposed-name");
    assert.equal(yaml.description, "The proposed-name filter.");
  });

  test("a name that cannot be one is asked for again", async () => {
    const answers: Answers = [
      ["Name of the filter", `${CLEAR}Not A Name${ENTER}`],
      ["lower-case letters", `${CLEAR}a-name${ENTER}`],
      ["in one line", ENTER],
    ];
    succeeded(await initOnTerminal(work, ["again"], answers));
    assert.equal(read(join(work, "again")).npm.name, "a-name");
  });

  test("what the flags say is not asked", async () => {
    const args = ["flags", "--name", "flagged", "--description", "By flag."];
    const { stdout } = succeeded(await initOnTerminal(work, args, []));
    assert.doesNotMatch(stdout, /Name of the filter|in one line/);
    assert.deepEqual(read(join(work, "flags")).yaml.name, "flagged");
    const { stdout: silent } = succeeded(await initOnTerminal(work, ["silent", "--yes"], []));
    assert.doesNotMatch(silent, /Name of the filter/);
  });

  for (const [title, answers] of [
    ["the first question", [["Name of the filter", CTRL_C]]],
    [
      "the second question",
      [
        ["Name of the filter", ENTER],
        ["in one line", `half an ans${CTRL_C}`],
      ],
    ],
  ] as [string, Answers][]) {
    test(`Ctrl-C at ${title} writes nothing`, async () => {
      const parent = join(work, `cancelled at ${title}`);
      mkdirSync(parent);
      const result = await initOnTerminal(parent, ["hello"], answers);
      assert.equal(result.code, 1, result.stdout);
      assert.match(result.stdout, /meshwasm: init was cancelled; nothing was written/);
      assert.doesNotMatch(result.stdout, /^ {4}at /m);
      assert.deepEqual(readdirSync(parent), []);
      assert.ok(
        result.stdout.lastIndexOf("\u001b[?25h") >= result.stdout.lastIndexOf("\u001b[?25l"),
        "cursor is shown",
      );
    });
  }
});

describe("a project from", () => {
  const cases: [title: string, args: string[], name: string, description?: string][] = [
    ["a name that begins with digits", ["2fa-gate", "--name", "2fa-gate"], "2fa-gate"],
    ["a name of digits and hyphens", ["digits", "--name", "1-2-3"], "1-2-3"],
    ["a name of one letter", ["one", "--name", "x"], "x"],
    ["the longest name", ["long", "--name", `a${"-b".repeat(31)}`], `a${"-b".repeat(31)}`],
    ["a folder with a name that is too long", ["n".repeat(100)], "n".repeat(63)],
    ["a folder in another script", ["фильтр"], "my-filter"],
    ["a folder with accents, blanks and signs", ["Größe & Maß (2)"], "gr-e-ma-2"],
    ["a name that the SDK has: Plugin", ["plugin"], "plugin"],
    ["a name that the SDK has: HttpFilter", ["http-filter"], "http-filter"],
    ["a name that the language has: String", ["string"], "string"],
    [
      "a description with quotes, colons and the end of a comment",
      ["described", "--description", `It's "quoted": a \\ */ { } # \${x} {{name}} $& 日本`],
      "described",
      `It's "quoted": a \\ */ { } # \${x} {{name}} $& 日本`,
    ],
    ["a description of several lines", ["lines", "--description", "one\n two\t three "], "lines", "one two three"],
    ["an empty description", ["empty", "--description", ""], "empty", ""],
  ];

  for (const [title, args, name, description] of cases) {
    test(title, async () => {
      const dir = await makeProject(join(work, args[0]!), ...args.slice(1));
      const { npm, yaml } = read(dir);
      assert.deepEqual([npm.name, yaml.name], [name, name]);
      const said = description ?? `The ${name} filter.`;
      assert.deepEqual([npm.description, yaml.description], [said, said]);
      succeeded(await meshwasm(["build", dir]), "build");
      const manifest = JSON.parse(readFileSync(join(dir, "build/manifest.json"), "utf8")) as { name: string };
      assert.equal(manifest.name, name);
    });
  }

  test("the template filter: its tests pass on both hosts, and the type checker is content", async () => {
    const dir = await makeProject(join(work, "my-gate"), "--template", "filter");
    assert.deepEqual(readdirSync(join(dir, "test")).sort(), [
      "filter.test.ts",
      "plan.test.ts",
      "plan.ts",
      "tsconfig.json",
    ]);
    for (const host of ["emulator", "envoy"]) {
      const { stdout } = succeeded(await meshwasm(["test", dir, "--host", host], { timeoutMs: 240_000 }), host);
      assert.match(stdout, /^(#|ℹ) pass 1[0-9]/m);
    }
    for (const part of ["assembly", "test"]) {
      const tsc = join(root, "node_modules/typescript/bin/tsc");
      assert.equal((await run(process.execPath, [tsc, "-p", part], { cwd: dir })).stdout, "", part);
    }
    const config = join(dir, "config.yaml");
    succeeded(await meshwasm(["validate", dir, "--config", config]));
    // What is published needs no other file.
    const file = join(dir, "config.schema.json");
    const { stdout } = succeeded(await meshwasm(["config", dir, "-o", join(dir, "mine.yaml")]));
    assert.match(stdout, /mine\.schema\.json/);
    assert.match(readFileSync(file, "utf8"), /"meshwasm\/filters\/common/);
    assert.doesNotMatch(readFileSync(join(dir, "mine.schema.json"), "utf8"), /meshwasm\/filters/);
  });

  test("names as odd as these pass their tests and the type checker", async () => {
    const tested = succeeded(await meshwasm(["test", "."], { cwd: join(work, "2fa-gate") }));
    assert.match(tested.stdout, /^(#|ℹ) pass [1-9]/m);
    for (const dir of ["2fa-gate", "described", "plugin"].map((name) => join(work, name))) {
      for (const part of ["assembly", "test"]) {
        const tsc = join(root, "node_modules/typescript/bin/tsc");
        const checked = await run(process.execPath, [tsc, "-p", part], { cwd: dir });
        assert.equal(checked.stdout, "", `${dir}/${part}`);
      }
    }
  });
});

describe("into", () => {
  before(() => mkdirSync(join(work, "into")));

  test("the current folder, with only .git in it", async () => {
    const dir = join(work, "into", "cloned");
    mkdirSync(join(dir, ".git"), { recursive: true });
    writeFileSync(join(dir, ".git", "HEAD"), "ref: refs/heads/main\n");
    const { stdout } = succeeded(await meshwasm(["init", "--yes"], { cwd: dir }));
    assert.match(stdout, /^made \.$/m);
    assert.equal(read(dir).npm.name, "cloned");
    assert.ok(existsSync(join(dir, ".git", "HEAD")));
  });

  test("a folder below ones that are not there", async () => {
    const dir = join(work, "into", "a/b/c");
    succeeded(await meshwasm(["init", dir, "--yes"]));
    linkPackages(dir);
    succeeded(await meshwasm(["build"], { cwd: dir }));
  });

  test("--package is the dependency", async () => {
    const spec = 'file:../meshwasm 1.0 "x".tgz';
    succeeded(await meshwasm(["init", "packaged", "--yes", "--package", spec], { cwd: join(work, "into") }));
    assert.equal(read(join(work, "into", "packaged")).npm.devDependencies["meshwasm"], spec);
    succeeded(await meshwasm(["init", "own", "--yes"], { cwd: join(work, "into") }));
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    assert.equal(read(join(work, "into", "own")).npm.devDependencies["meshwasm"], version, "exactly its own version");
  });
});
