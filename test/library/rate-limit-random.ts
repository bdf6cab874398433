/* rate-limit under configurations and requests of no sense, with time that jumps and shared data that others damage. */

import { RateLimitHost } from "./rate-limit-host.js";

const TIMED = ["gcra", "tokenBucket", "slidingWindow", "fixedWindow"] as const;

/** At least so many requests; a trap, or anything that the host does not take, is an error. Gives how many there were. */
export function randomRequests(module: WebAssembly.Module, seed: number, count: number): number {
  let state = seed;
  let requests = 0;
  const next = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  const pick = <T>(list: readonly T[]): T => list[next(list.length)]!;
  for (let done = 0; done < count;) {
    const algorithm = pick([...TIMED, "concurrency"]);
    const limits = Array.from({ length: 1 + next(4) }, (_, n) => ({
      name: `l${n}`,
      algorithm,
      requests: 1 + next(pick([3, 1e9])),
      ...(algorithm === "concurrency" ? {} : { per: pick(["1ms", "1s", "744h"]) }),
      key: pick([[], ["header:x-key"], ["header:x-key", "query:k", "cookie:c"], ["path[2]"]]),
      cost: pick<unknown>([1, 0, 1e9, { selector: "header:x-cost", min: 0 }]),
      maxKeys: pick([1, 50]),
      scope: pick(["proxy", "worker"]),
      overflow: pick(["shared", "deny"]),
      whenAbsent: pick(["shared", "skip"]),
      shadow: next(5) === 0,
    }));
    const host = new RateLimitHost(module, { limits, headers: pick(["ietf", "x-ratelimit", "none"]) }, true);
    if (!host.isConfigured) continue;
    done += 300;
    for (let n = 0; n < 300; n++) {
      const bytes = (): string =>
        Array.from({ length: next(pick([4, 40])) }, () => String.fromCharCode(32 + next(224))).join("");
      requests++;
      host.passes(
        [
          ["x-key", pick(["", "a", bytes()])],
          ["x-cost", pick(["0", "1", "-1", "1e9", "1e400", "9".repeat(30), bytes()])],
          ["cookie", bytes()],
        ],
        `/${bytes()}?k=${bytes()}`,
      );
      if (next(3) === 0) host.endAll();
      if (next(5) === 0) host.advance(next(pick([3, 100_000])));
      if (next(40) === 0)
        host.shared.forEach((item) => {
          const at = next(item.value.length + 1);
          item.value = Buffer.concat([
            item.value.subarray(0, at),
            Buffer.from([next(256)]),
            item.value.subarray(at + next(3)),
          ]);
        });
    }
  }
  return requests;
}
