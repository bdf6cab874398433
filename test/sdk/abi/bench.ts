import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  createProxy,
  type HostName,
  type Proxy,
  type ProxyOptions,
  type RequestInput,
} from "../../../toolchain/hosts/index.js";

export const project = fileURLToPath(new URL("../filters/abi", import.meta.url));

export const TAIL = { "x-tail": "end" };
const UPSTREAM = { body: "from upstream", trailers: TAIL };

/** What a host function does to a request, or a callback sees of it. */
export type Scenarios = Readonly<Record<string, (bench: Bench) => Promise<void>>>;

/** One proxy for all scenarios of a host, and what the filter logs. */
export class Bench {
  #proxy: Proxy | null = null;

  constructor(readonly host: HostName) {}

  start(mark = "first", options: ProxyOptions = {}): Promise<Proxy> {
    return createProxy({
      filter: project,
      host: this.host,
      rootId: "abi",
      config: { mark },
      upstream: () => UPSTREAM,
      ...options,
    });
  }

  async proxy(): Promise<Proxy> {
    return (this.#proxy ??= await this.start());
  }

  async close(): Promise<void> {
    await this.#proxy?.close();
  }

  /** Sends one request and waits for the end of its stream. */
  async send(path: string, input: RequestInput = {}, proxy?: Proxy) {
    const used = proxy ?? (await this.proxy());
    const from = used.logs().length;
    const response = await used.request({ path: `/${path}`, ...input });
    const logs = () =>
      used
        .logs()
        .slice(from)
        .map((line) => line.message);
    await until(() => logs().some((line) => line.endsWith("done")));
    return { response, logs: logs(), lines: used.logs().slice(from) };
  }
}

export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !condition(); tries++) await sleep(10);
  assert.ok(condition(), "within 2 s");
}
