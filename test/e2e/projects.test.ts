/* The tests of every library filter and example, on both hosts. */

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { meshwasm, root, succeeded } from "./support.js";

const projects = ["filters", "examples"].flatMap((room) =>
  readdirSync(join(root, room))
    .map((name) => `${room}/${name}`)
    .filter((dir) => existsSync(join(root, dir, "filter.yaml")) && existsSync(join(root, dir, "test"))),
);

test("there are projects in both rooms", () => {
  for (const room of ["filters/", "examples/"])
    assert.ok(
      projects.some((dir) => dir.startsWith(room)),
      room,
    );
});

for (const dir of projects) {
  describe(dir, () => {
    for (const host of ["emulator", "envoy"]) {
      test(host, async () => {
        const result = await meshwasm(["test", dir, "--host", host], { timeoutMs: 300_000 });
        succeeded(result, `meshwasm test ${dir} --host ${host}`);
        assert.match(result.stderr, host === "envoy" ? /^host: Envoy \d/m : /^host: emulator$/m);
        assert.match(result.stdout, /^(#|ℹ) pass [1-9]/m);
        // A test that is skipped proves nothing, unless this host cannot run it and the test says so.
        const skipped = Number(/^(?:#|ℹ) skipped (\d+)$/m.exec(result.stdout)![1]);
        const said = result.stdout.match(/(\(not run on [^)]*\) # SKIP|# SKIP not compared with vectors: .*)$/gm);
        assert.equal(skipped, said?.length ?? 0, result.stdout);
      });
    }
  });
}
