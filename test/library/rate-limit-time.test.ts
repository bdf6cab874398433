/* rate-limit when the wall clock is set, and when another writer leaves times from the future. Envoy's clock is set by
 * wall-clock.c; where there is no C compiler, this part of the test is skipped and says so. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createProxy, type Proxy } from "../../toolchain/hosts/index.js";
import { findEnvoy } from "../../toolchain/hosts/envoy/find.js";

const filter = fileURLToPath(new URL("rate-limit-damage", import.meta.url));
const TIMED = ["gcra", "tokenBucket", "slidingWindow", "fixedWindow"] as const;
const hasCompiler = process.platform === "linux" && spawnSync("cc", ["--version"]).status === 0;
const DAY = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
after(() => rmSync(folder, { recursive: true }));

/** Tables of the keyless limits, whose number of the algorithm is part of the name. */
const TABLES = TIMED.map((name, kind) => ["x-damage", `${name} ${kind + 1} 1 0`] as const);

/** Limits of three requests for each algorithm, by path: in `per`, and in a second. */
const config = (per: string): object => ({
  limits: TIMED.flatMap((algorithm) =>
    [algorithm, `${algorithm}-brief`].map((name) => ({
      name,
      match: { sel: "path", exact: `/${name}` },
      algorithm,
      requests: 3,
      per: name === algorithm ? per : "1s",
    })),
  ),
});

/** How many of five requests pass each limit. */
async function passes(proxy: Proxy, kind = ""): Promise<number[]> {
  const found: number[] = [];
  for (const name of TIMED) {
    const all = [1, 2, 3, 4, 5].map(() => proxy.request({ path: `/${name}${kind}` }));
    found.push((await Promise.all(all)).filter(({ status }) => status === 200).length);
  }
  return found;
}

/** All pass that may; on Envoy a window can end meanwhile. */
function full(host: string, found: readonly number[]): void {
  assert.ok(
    found.every((each) => each >= 3 && each <= (host === "envoy" ? 5 : 3)),
    `time goes on: ${found.join()}`,
  );
}

/** Waits until a window of so many seconds has still enough to go. */
async function inWindow(seconds: number, enough: number): Promise<void> {
  const gone = Date.now() % (seconds * 1000);
  if (gone > (seconds - enough) * 1000) await sleep(seconds * 1000 - gone + 50);
}

/** An Envoy whose wall clock can be set. */
async function clockEnvoy(): Promise<{ path: string; shift: (days: number) => void }> {
  const { path: envoy } = await findEnvoy({});
  const [library, clock, path] = ["clock.so", "clock", "envoy"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, join(import.meta.dirname, "wall-clock.c")]);
  const shift = (days: number): void => {
    const seconds = Buffer.alloc(8);
    seconds.writeBigInt64LE(BigInt((days * DAY) / 1000));
    writeFileSync(clock, seconds, { flag: existsSync(clock) ? "r+" : "w" });
  };
  shift(0);
  writeFileSync(path, `#!/bin/sh\nexec env LD_PRELOAD=${library} WALL_CLOCK=${clock} ${envoy} "$@"\n`, { mode: 0o755 });
  return { path, shift };
}

for (const downstream of ["http1", "http2"] as const) {
  for (const host of ["emulator", "envoy"] as const) {
    const where = `on ${host}, ${downstream}`;

    test(`RL-04: what stands in shared data is from the future, ${where}`, async () => {
      const damage = { filter, name: "rate-limit", rootId: "damage" };
      await inWindow(4, 2);
      await using proxy = await createProxy({ host, downstream, filter, config: config("4s"), plugins: [damage] });
      assert.deepEqual(await passes(proxy), [3, 3, 3, 3]);
      assert.equal((await proxy.request({ path: "/none", headers: TABLES })).status, 200);
      // It is over after two windows at most, and counts from then on.
      for (let i = 0; i < 2; i++) await proxy.advance(4600);
      full(host, await passes(proxy));
    });

    const lacks = host === "envoy" && !hasCompiler ? " (there is no C compiler to set Envoy's clock with)" : "";
    (lacks ? test.skip : test)(`RL-04: the clock is set back and ahead, ${where}${lacks}`, async () => {
      const faked = host === "envoy" ? await clockEnvoy() : null;
      await inWindow(300, 30);
      const envoy = faked === null ? {} : { envoyPath: faked.path };
      await using proxy = await createProxy({ host, downstream, filter, config: config("300s"), ...envoy });
      let at = 0;
      const set = async (days: number): Promise<void> => {
        if (faked === null) await proxy.shiftClock((days - at) * DAY);
        else faked.shift(days);
        at = days;
        if (faked === null) return;
        // Envoy makes its date twice in a second.
        let off = Infinity;
        for (let tries = 0; tries < 20 && off > 60_000; tries++) {
          await proxy.advance(200);
          const { headers } = await proxy.request({ path: "/none" });
          off = Math.abs(Date.parse(headers.get("date")!) - Date.now() - days * DAY);
        }
        assert.ok(off < 60_000, "Envoy's clock is set");
      };
      assert.deepEqual(await passes(proxy), [3, 3, 3, 3]);
      await set(-1);
      assert.deepEqual(await passes(proxy), [0, 0, 0, 0], "nothing is given anew");
      await set(1);
      assert.deepEqual(await passes(proxy), [0, 0, 0, 0], "nothing is given anew");
      for (const days of [1, -1, 0]) {
        await set(days);
        await proxy.advance(2100);
        const brief = await passes(proxy, "-brief");
        // Of a second that is over meanwhile.
        assert.ok(
          brief.every((each) => each >= 3 && each <= (host === "envoy" ? 5 : 3)),
          `time goes on: ${brief}`,
        );
      }
    });
  }
}
