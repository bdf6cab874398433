/* Requests per second on the emulator beside Go's proxytest, with the same module, and with one of ours. */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createProxy } from "../../toolchain/hosts/index.js";
import { buildGo, buildProxytest, run } from "../peers/build.js";
import type { Section } from "./main.js";

const ROUNDS = 8;
const REQUESTS = 1000;
const HELLO = fileURLToPath(new URL("../../examples/hello", import.meta.url));
const HERE = fileURLToPath(new URL(".", import.meta.url));

interface Row {
  readonly host: string;
  readonly module: string;
  readonly perSecond: number[];
  measure(): Promise<number>;
}

export const emulator: Section = {
  name: "emulator",
  title: "The emulator's speed beside Go's proxytest",
  async run() {
    const go = buildGo();
    const proxytest = buildProxytest();
    const ours = async (filter: string, config: unknown): Promise<number> => {
      await using proxy = await createProxy({ host: "emulator", filter, config, logLevel: "warn" });
      const started = performance.now();
      for (let i = 0; i < REQUESTS; i++) await proxy.request();
      return REQUESTS / ((performance.now() - started) / 1000);
    };
    const rows: Row[] = [
      {
        host: "Go's proxytest (wazero)",
        module: "with proxy-wasm-go-sdk",
        perSecond: [],
        measure: () => Promise.resolve(Number(run(proxytest, [go, String(REQUESTS)], HERE))),
      },
      { host: "the emulator", module: "with proxy-wasm-go-sdk", perSecond: [], measure: () => ours(go, "hi") },
      {
        host: "the emulator",
        module: "examples/hello",
        perSecond: [],
        measure: () => ours(join(HELLO), { greeting: "hi" }),
      },
    ];
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < rows.length; i++) {
        const row = rows[(i + round) % rows.length]!;
        row.perSecond.push(await row.measure());
      }
    }
    const first = median(rows[0]!.perSecond);
    const lines = rows.map(({ host, module, perSecond }) => {
      const middle = median(perSecond);
      const best = Math.max(...perSecond);
      return `| ${host} | ${module} | ${shown(middle)} | ${shown(best)} | ${(middle / first).toFixed(2)} |`;
    });
    return `${ROUNDS} rounds of ${REQUESTS} requests, by turns. proxytest is called callback by callback, without a client, an
upstream, routing or limits; the emulator answers a whole HTTP request, its filter held by a limit of time and memory.

| host | module | requests per second, median | best | beside proxytest |
|---|---|---|---|---|
${lines.join("\n")}
`;
  },
};

const shown = (value: number): string => Math.round(value).toLocaleString("en-US");

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
