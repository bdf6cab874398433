/* The filter of filters/state on a real Envoy, and how it is asked. */

import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createProxy, type Proxy, type ProxyOptions } from "../../toolchain/hosts/index.js";

export const filter = fileURLToPath(new URL("filters/state", import.meta.url));

export function startState(options: ProxyOptions = {}): Promise<Proxy> {
  return createProxy({ filter, host: "envoy", ...options });
}

/** What the filter answers to an action with up to two arguments; values are latin1. In a chain, `plugin` says which. */
export async function ask(proxy: Proxy, action: string, a = "", b = "", plugin?: string): Promise<string> {
  const headers = { "x-a": a, "x-b": b, ...(plugin === undefined ? {} : { "x-plugin": plugin }) };
  const { body } = await proxy.request({ path: `/${action}`, headers });
  return Buffer.from(body).toString();
}

export function messages(proxy: Proxy): string[] {
  return proxy.logs().map((line) => line.message);
}

/** Waits up to 5 seconds. */
export async function eventually(what: string, condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 250; tries++) {
    if (condition()) return;
    await sleep(20);
  }
  throw new Error(`${what}: not within 5 s`);
}
