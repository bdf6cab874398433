import { fileURLToPath } from "node:url";
import { createProxy, type Proxy, type ProxyOptions, type ProxyResponse, type RequestInput } from "meshwasm/testing";

export const filter = fileURLToPath(new URL("..", import.meta.url));
export const DOWNSTREAM = ["http1", "http2"] as const;

export const start = (options: ProxyOptions): Promise<Proxy> =>
  createProxy({ filter, upstream: () => ({ body: "ok" }), ...options });

/** A configuration with one limit, of 3 in 12 minutes if nothing else is said. */
export function one(limit: object = {}, more: object = {}): object {
  const timed = (limit as { algorithm?: string }).algorithm === "concurrency" ? {} : { per: "12m" };
  return { limits: [{ name: "main", requests: 3, ...timed, ...limit }], ...more };
}

/** How many of `count` requests pass. */
export async function passed(proxy: Proxy, count: number, input: RequestInput = {}): Promise<number> {
  let passes = 0;
  for (let i = 0; i < count; i++) {
    const { status } = await proxy.request(input);
    if (status === 200) passes++;
    else if (status !== 429) throw new Error(`status ${status}`);
  }
  return passes;
}

/** Status of each request, with `atOnce` at the same time. */
export async function statuses(proxy: Proxy, inputs: readonly RequestInput[], atOnce: number): Promise<number[]> {
  const found: number[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < inputs.length) {
        const i = next++;
        found[i] = (await proxy.request(inputs[i])).status;
      }
    }),
  );
  return found;
}

/** A header of a response, joined. */
export const field = (response: ProxyResponse, name: string): string | null => response.headers.get(name);
