import { fileURLToPath } from "node:url";
import { createProxy, labelled, type Histogram, type Proxy, type ProxyOptions } from "meshwasm/testing";

export const filter = fileURLToPath(new URL("..", import.meta.url));
export const DOWNSTREAM = ["http1", "http2"] as const;

export const start = (options: ProxyOptions = {}): Promise<Proxy> => createProxy({ filter, ...options });

type Labels = Readonly<Record<string, string>>;

/** What has been counted; 0 when there is no such series. Waits until there is something, since a request is counted at its end. */
export async function counted(proxy: Proxy, name: string, labels: Labels = {}, least = 1): Promise<number> {
  const key = Object.keys(labels).length ? labelled(name, labels) : name;
  return (
    (await until(
      async () => (await proxy.metrics()).counter(key) ?? 0,
      (n) => n >= least,
    )) ?? 0
  );
}

export async function recorded(proxy: Proxy, name: string, labels: Labels = {}, least = 1): Promise<Histogram | null> {
  const key = Object.keys(labels).length ? labelled(name, labels) : name;
  return until(
    async () => (await proxy.metrics()).histogram(key),
    (found) => (found?.count ?? 0) >= least,
  );
}

/** Asks again until it is so, for a while; the last answer in any case. */
async function until<T>(ask: () => Promise<T>, enough: (value: T) => boolean): Promise<T> {
  let value = await ask();
  for (let tries = 0; tries < 40 && !enough(value); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    value = await ask();
  }
  return value;
}

/** A histogram's values lie between these two. */
export function within(found: Histogram | null, low: number, high: number): boolean {
  return found !== null && found.bins.every(({ from, width }) => from + width >= low && from <= high);
}
