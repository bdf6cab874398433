import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "../../toolchain/build/index.js";
import { createProxy, type HostName, type Proxy } from "../../toolchain/hosts/index.js";

const project = fileURLToPath(new URL("filters/trap", import.meta.url));
const lines = (file: string): string[] =>
  readFileSync(new URL(`filters/trap/assembly/${file}`, import.meta.url), "utf8").split("\n");

/** `assembly/<file>:<line>:` of the line with the mark, and the line itself. */
function marked(mark: string, file = "index.ts"): { place: string; text: string } {
  const at = lines(file).findIndex((line) => line.endsWith(`// ${mark}`));
  assert.ok(at >= 0, mark);
  return { place: `assembly/${file}:${at + 1}:`, text: lines(file)[at]! };
}

const TRAPS: [path: string, file: string][] = [
  ["index", "index.ts"],
  ["other-file", "table.ts"],
  ["unreachable", "index.ts"],
  ["division", "index.ts"],
  ["assertion", "index.ts"],
  ["recursion", "index.ts"],
];

before(() => build(project));

/** A VM that was loaded not long ago is not loaded again by Envoy. */
async function send(proxy: Proxy, host: HostName, path: string) {
  if (host === "envoy") await sleep(1600);
  return proxy.request({ path });
}

for (const host of ["emulator", "envoy"] as const satisfies HostName[]) {
  for (const [mark, file] of TRAPS) {
    test(`a trap shows the author's line: ${mark}, on ${host}`, async () => {
      const { place, text } = marked(mark, file);
      await using proxy = await createProxy({ filter: project, host });
      const response = await send(proxy, host, `/${mark}`);
      assert.throws(
        () => response.expect({ status: 200 }),
        (error: Error) => {
          assert.match(error.message, /^status: expected 200, got 503\n/);
          assert.ok(error.message.includes(place), error.message);
          assert.ok(error.message.includes(`| ${text}`), error.message);
          return true;
        },
      );
    });
  }

  test(`a trap while the configuration is taken is told with its line, on ${host}`, async () => {
    const { place } = marked("configure");
    await assert.rejects(createProxy({ filter: project, host, config: { trap: true } }), (error: Error) => {
      assert.ok(error.message.includes(` at ${place}`), error.message);
      assert.ok(!error.message.includes("\n") && !error.message.includes("0x"), error.message);
      return true;
    });
    await using proxy = await createProxy({ filter: project, host });
    await assert.rejects(proxy.reconfigure({ trap: true }), (error: Error) => error.message.includes(` at ${place}`));
    (await proxy.request()).expect({ status: 200 });
  });
}
