/* rate-limit's token bucket beside Envoy's own local_ratelimit: one Envoy, pairs of listeners with the same limit, the same
 * requests to both at the same time. */

import http from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "../../toolchain/build/index.js";
import { config as envoyConfig, EnvoyProcess, findEnvoy, workDirectory } from "../../toolchain/hosts/envoy/index.js";
import { randomFrom } from "../bench/stats.js";

type JsonObject = envoyConfig.JsonObject;

const ROOT = join(import.meta.dirname, "../..");
const TYPE = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";
const ALWAYS = { default_value: { numerator: 100, denominator: "HUNDRED" } };

export interface Outcome {
  readonly limits: number;
  readonly requests: number;
  readonly bothAllow: number;
  readonly bothDeny: number;
  /** A token became whole between the two: one had it, the other got it with the next request. */
  readonly apart: number;
  /** Most by which what one had admitted since both were full was ahead of the other, in tokens. */
  readonly farthest: number;
}

/** One bucket: its size, and in how many milliseconds it fills. */
interface Bucket {
  readonly size: number;
  readonly fillMs: number;
}

/** `count` requests over several limits. `spoil` makes ours another one, to see that a difference shows. */
export async function compareBuckets(
  seed: number,
  count: number,
  say: (line: string) => void,
  spoil: (limit: object) => object = (limit) => limit,
): Promise<Outcome> {
  const { wasm } = await build(join(ROOT, "filters/rate-limit"));
  const next = randomFrom(seed);
  const buckets: Bucket[] = Array.from({ length: 8 }, () => ({
    size: 1 + Math.floor(next() * 20),
    fillMs: 200 + 100 * Math.floor(next() * 15),
  }));
  const upstream = http.createServer((_, response) => response.end());
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as { port: number };
  const native = ({ size, fillMs }: Bucket): JsonObject => ({
    name: "local_ratelimit",
    typed_config: {
      "@type": TYPE,
      stat_prefix: "native",
      token_bucket: { max_tokens: size, tokens_per_fill: size, fill_interval: `${fillMs / 1000}s` },
      filter_enabled: ALWAYS,
      filter_enforced: ALWAYS,
    },
  });
  const ours = ({ size, fillMs }: Bucket, i: number): JsonObject => {
    const limit = { name: `limit-${i}`, algorithm: "tokenBucket", requests: size, per: `${fillMs}ms` };
    return envoyConfig.staticFilter({
      name: "rate-limit",
      code: { file: wasm },
      config: new TextEncoder().encode(JSON.stringify({ limits: [spoil(limit)] })),
      failurePolicy: "FAIL_CLOSED",
    });
  };
  const listener = (name: string, filter: JsonObject): JsonObject => ({
    ...envoyConfig.listener({ filters: [filter] }),
    name,
  });
  const envoy = await findEnvoy({ onProgress: say });
  const proxy = await EnvoyProcess.start({
    envoy: envoy.path,
    directory: workDirectory(),
    bootstrap: envoyConfig.bootstrap({
      listeners: buckets.flatMap((bucket, i) => [
        listener(`native-${i}`, native(bucket)),
        listener(`ours-${i}`, ours(bucket, i)),
      ]),
      clusters: [envoyConfig.cluster({ name: envoyConfig.UPSTREAM_CLUSTER, host: "127.0.0.1", port })],
    }),
  });
  const agent = new http.Agent({ keepAlive: true });
  const total = { requests: 0, bothAllow: 0, bothDeny: 0, apart: 0, farthest: 0 };
  try {
    const run = async (bucket: Bucket, i: number, most: number): Promise<void> => {
      const addresses = await Promise.all([`native-${i}`, `ours-${i}`].map((name) => proxy.listenerAddress(name)));
      const own = randomFrom(seed + i + 1);
      const perToken = bucket.fillMs / bucket.size;
      let ahead = 0;
      let denied = performance.now();
      for (let n = 0; n < most; n++) {
        // Now and then a pause in which some tokens, or all, come back.
        if (own() < 0.25) await sleep(own() * perToken * (own() < 0.1 ? 3 * bucket.size : 3));
        const [theirs, mine] = await Promise.all(addresses.map((address) => ask(agent, address)));
        total.requests++;
        // Both may have been full since: a token that one had more is nothing then.
        if (performance.now() - denied > (bucket.size - 2) * perToken) ahead = 0;
        if (!theirs || !mine) denied = performance.now();
        if (theirs && mine) total.bothAllow++;
        else if (!theirs && !mine) total.bothDeny++;
        else {
          total.apart++;
          ahead += mine ? 1 : -1;
          total.farthest = Math.max(total.farthest, Math.abs(ahead));
        }
      }
    };
    await Promise.all(buckets.map((bucket, i) => run(bucket, i, Math.ceil(count / buckets.length))));
  } finally {
    agent.destroy();
    await proxy.stop();
    upstream.closeAllConnections();
    upstream.close();
  }
  return { limits: buckets.length, ...total };
}

function ask(agent: http.Agent, address: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(`http://${address}`);
    http
      .get({ host: hostname, port, agent, headers: { host: "example.test" } }, (response) => {
        response.resume().on("end", () => {
          if (response.statusCode === 200 || response.statusCode === 429) resolve(response.statusCode === 200);
          else reject(new Error(`status ${response.statusCode}`));
        });
      })
      .on("error", reject);
  });
}
