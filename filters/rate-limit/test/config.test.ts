import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import type { ProxyOptions } from "meshwasm/testing";
import { DOWNSTREAM, filter, one, start } from "./support.js";

const each = async (options: ProxyOptions, check: (options: ProxyOptions) => Promise<void>): Promise<void> => {
  for (const downstream of DOWNSTREAM) await check({ ...options, downstream });
};

test("RL-25: every wrong configuration is refused with its path", async () => {
  const two = {
    limits: [
      { name: "a", requests: 1, per: "1s" },
      { name: "a", requests: 2, per: "1s" },
    ],
  };
  for (const [config, reason] of [
    [{}, /limits/],
    [{ limits: [] }, /\$\.limits/],
    [one({ colour: 1 }), /\$\.limits\[0\]/],
    [one({ name: "" }), /\$\.limits\[0\]\.name/],
    [one({ name: 'a"b' }), /\$\.limits\[0\]\.name/],
    [one({ name: "a b" }), /\$\.limits\[0\]\.name/],
    [two, /\$\.limits\[1\]\.name/],
    [one({ requests: 0 }), /\$\.limits\[0\]\.requests/],
    [one({ requests: 1.5 }), /\$\.limits\[0\]\.requests/],
    [one({ per: undefined }), /\$\.limits\[0\]\.per/],
    [one({ per: "0s" }), /\$\.limits\[0\]\.per/],
    [one({ per: "-1s" }), /\$\.limits\[0\]\.per/],
    [one({ per: "1us" }), /\$\.limits\[0\]\.per/],
    [one({ per: "745h" }), /\$\.limits\[0\]\.per/],
    [one({ per: "soon" }), /\$\.limits\[0\]\.per/],
    [one({ requests: 1000001, per: "1s" }), /\$\.limits\[0\]\.requests/],
    [one({ requests: 1, per: "744h", burst: 1000 }), /\$\.limits\[0\]\.burst/],
    [one({ algorithm: "fixedWindow", burst: 5 }), /\$\.limits\[0\]\.burst/],
    [one({ algorithm: "slidingWindow", burst: 5 }), /\$\.limits\[0\]\.burst/],
    [one({ algorithm: "concurrency", burst: 5 }), /\$\.limits\[0\]\.burst/],
    [one({ algorithm: "concurrency", per: "1s" }), /\$\.limits\[0\]\.per/],
    [one({ algorithm: "concurrency", cost: { response: "x" } }), /\$\.limits\[0\]\.cost/],
    [one({ algorithm: "leakyBucket" }), /\$\.limits\[0\]\.algorithm/],
    [one({ key: ["nothing"] }), /\$\.limits\[0\]\.key\[0\]/],
    [one({ key: ["response:x"] }), /\$\.limits\[0\]\.key\[0\]/],
    [one({ key: ["cel:1 +"] }), /\$\.limits\[0\]\.key\[0\]/],
    [one({ cost: -1 }), /\$\.limits\[0\]\.cost/],
    [one({ cost: { selector: "status" } }), /\$\.limits\[0\]\.cost\.selector/],
    [one({ cost: { response: "a b" } }), /\$\.limits\[0\]\.cost\.response/],
    [one({ match: { sel: "path" } }), /\$\.limits\[0\]\.match/],
    [one({ match: { sel: "path", regex: "(" } }), /\$\.limits\[0\]\.match\.regex/],
    [one({ maxKeys: 0 }), /\$\.limits\[0\]\.maxKeys/],
    [one({ maxKeys: 1000001 }), /\$\.limits\[0\]\.maxKeys/],
    [one({}, { exempt: [{ sel: "status", exact: "200" }] }), /\$\.exempt\[0\]/],
    [one({}, { jitter: "-1s" }), /\$\.jitter/],
    [one({}, { jitter: "2h" }), /\$\.jitter/],
    [one({}, { headers: "all" }), /\$\.headers/],
    [one({}, { ipv6Prefix: 0 }), /\$\.ipv6Prefix/],
    [one({}, { trustedHops: -1 }), /\$\.trustedHops/],
    [one({}, { deny: { status: 200 } }), /\$\.deny\.status/],
    [one({}, { deny: { headers: { "a b": "1" } } }), /\$\.deny\.headers/],
    ["", /JSON|limits/],
    ["{", /./],
  ] as const) {
    await each({ config }, (options) =>
      assert.rejects(
        async () => (await start(options)).close(),
        (error: Error) => reason.test(error.message),
        JSON.stringify(config),
      ),
    );
  }
});

test("RL-16: no rate limit service is asked: there is none that could be down", async () => {
  const rls = { cluster: "ratelimit", domain: "d" };
  await each({ config: one({}, { rls }) }, (options) =>
    assert.rejects(async () => (await start(options)).close(), /rls/),
  );
  const page = readFileSync(`${filter}/README.md`, "utf8");
  assert.match(page.split("\n").slice(0, 8).join(" "), /per proxy.*N replicas/);
});

test("RL-32: the configurations of the README are taken", async () => {
  const text = readFileSync(`${filter}/README.md`, "utf8");
  const configs = [...text.matchAll(/^```yaml\n(.*?)^```$/gms)]
    .filter((match) => /^(mode|limits):/.test(match[1]!))
    .map((match) => parse(match[1]!) as object);
  assert.ok(configs.length >= 2);
  for (const config of configs)
    await each({ config }, async (options) => {
      await using proxy = await start(options);
      assert.equal((await proxy.request()).status, 200);
    });
});
