import assert from "node:assert/strict";
import { test } from "node:test";
import { DOWNSTREAM, start } from "./support.js";

const ALGORITHMS = ["gcra", "tokenBucket", "slidingWindow", "fixedWindow", "concurrency"];
const SEED = 20261127;

/** The same choices for the same seed. */
function chooser(seed: number) {
  let state = seed;
  const below = (most: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % most;
  };
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const text = (most: number, from: number, to: number): string =>
    String.fromCharCode(...Array.from({ length: below(most) }, () => from + below(to - from)));
  return { below, pick, text };
}

for (const downstream of DOWNSTREAM) {
  test(`RL-33: random requests and configurations never trap, ${downstream} (seed ${SEED})`, async () => {
    const { below, pick, text } = chooser(SEED);
    const limit = (name: string): object => {
      const algorithm = pick(ALGORITHMS);
      return {
        name,
        algorithm,
        requests: 1 + below(pick([3, 1e6])),
        ...(algorithm === "concurrency" ? {} : { per: pick(["1s", "12m", "744h"]) }),
        key: pick([[], ["header:x-key"], ["header:x-key", "query:k", "cookie:c"], ["path[2]"], ["ip", "claim:sub"]]),
        cost: pick<unknown>([1, 0, 1e9, { selector: "header:x-cost", min: 0 }, { selector: "query:k" }]),
        maxKeys: pick([1, 50]),
        scope: pick(["proxy", "worker"]),
        overflow: pick(["shared", "deny"]),
        whenAbsent: pick(["shared", "skip"]),
        shadow: below(4) === 0,
      };
    };
    let configs = 0;
    let requests = 0;
    for (let tries = 0; tries < 200 && configs < 8; tries++) {
      const config = {
        limits: Array.from({ length: 1 + below(4) }, (_, n) => limit(`l${n}`)),
        headers: pick(["ietf", "x-ratelimit", "none"]),
        trustedHops: below(3),
      };
      const proxy = await start({ downstream, config }).catch((error: Error) => {
        // So many in so short a time cannot be told apart.
        assert.match(error.message, /\$\.limits\[\d\]\./);
        return null;
      });
      if (proxy === null) continue;
      configs++;
      await using running = proxy;
      for (let n = 0; n < 40; n++) {
        const cost = pick(["0", "1", "-1", "1e9", "1e400", "9".repeat(30), text(8, 33, 127)]);
        const response = await running.request({
          path: `/${text(20, 36, 60)}/${text(9, 97, 123)}?k=${text(9, 48, 58)}&${text(30, 36, 60)}`.replaceAll(
            "#",
            "x",
          ),
          headers: [
            ["x-key", pick(["", "a", text(40, 33, 127), text(40, 160, 255)])],
            ["x-cost", cost],
            ["cookie", text(40, 33, 127)],
            ["x-forwarded-for", text(40, 46, 59)],
          ],
        });
        requests++;
        assert.ok([200, 429, 503].includes(response.status), response.toString());
        // What a trap makes has no body.
        if (response.status === 503) assert.match(response.text(), /Service Unavailable/, response.toString());
      }
      assert.deepEqual(
        running.logs().filter(({ level }) => level === "critical"),
        [],
      );
    }
    assert.equal(requests, 320);
  });
}
