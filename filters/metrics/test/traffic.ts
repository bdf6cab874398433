/* Traffic of many kinds, what our metrics say of it, and what Envoy's own counters say. */

import type { Proxy, RequestInput, UpstreamResponse } from "meshwasm/testing";
import { start } from "./support.js";

export interface Comparison {
  readonly requests: number;
  /** Kind of request → how often. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly ours: Readonly<Record<string, number>>;
  readonly envoys: Readonly<Record<string, number>>;
}

type Admin = { admin(path: string): Promise<{ status: number; body: string }> };

/** GET on the admin interface of the Envoy behind a proxy. */
export const admin = (proxy: Proxy, path: string): Promise<{ status: number; body: string }> =>
  (proxy as unknown as Admin).admin(path);

interface Kind {
  readonly answer: UpstreamResponse;
  readonly input?: RequestInput;
  /** The client gives up. */
  readonly aborts?: true;
}

const GRPC = { method: "POST", headers: { "content-type": "application/grpc", te: "trailers" } };
const KINDS: Readonly<Record<string, Kind>> = {
  "200": { answer: { body: "ok" } },
  "204": { answer: { status: 204 } },
  "302": { answer: { status: 302, headers: { location: "/" } } },
  "404": { answer: { status: 404 } },
  "503 of the upstream": { answer: { status: 503 } },
  HEAD: { answer: {}, input: { method: "HEAD" } },
  POST: {
    answer: { body: "x".repeat(3000), trailers: { "x-t": "1" } },
    input: { method: "POST", body: "y".repeat(2000) },
  },
  "gRPC with trailers": {
    answer: { headers: { "content-type": "application/grpc" }, body: "", trailers: { "grpc-status": "0" } },
    input: GRPC,
  },
  "gRPC, trailers only": {
    answer: { headers: { "content-type": "application/grpc", "grpc-status": "13" } },
    input: GRPC,
  },
  "upstream resets": { answer: { reset: true } },
  "local reply": { answer: {}, input: { path: "/private" } },
  "client resets": { answer: { delay: 10_000 }, aborts: true },
};

/** `pick` chooses the kind of each request. The proxy is an Envoy. */
export async function compareCounters(
  downstream: "http1" | "http2",
  requests: number,
  pick: (kinds: number) => number,
  blocker: string,
): Promise<Comparison> {
  const names = Object.keys(KINDS);
  const kinds: Record<string, number> = {};
  const labels = { class: { field: "codeClass" }, flags: { field: "responseFlags" } };
  let answer: UpstreamResponse = {};
  await using proxy = await start({
    host: "envoy",
    downstream,
    config: { metrics: [{ name: "n", type: "counter", labels }] },
    plugins: [{ filter: blocker, config: { blockedPath: "/private" }, position: "before" }],
    upstream: () => answer,
  });
  for (let i = 0; i < requests; i++) {
    const name = names[pick(names.length)]!;
    const kind = KINDS[name]!;
    kinds[name] = (kinds[name] ?? 0) + 1;
    answer = kind.answer;
    if (kind.aborts) {
      const control = new AbortController();
      const request = proxy.request({ ...kind.input, signal: control.signal }).catch(() => {});
      setTimeout(() => control.abort(new Error("given up")), 30);
      await request;
    } else await proxy.request(kind.input);
  }
  let both = await read(proxy);
  for (let tries = 0; tries < 80 && both.ours["total"] !== requests; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    both = await read(proxy);
  }
  return { requests, kinds, ...both };
}

async function read(proxy: Proxy): Promise<Pick<Comparison, "ours" | "envoys">> {
  const ours: Record<string, number> = { total: 0, "2xx": 0, "3xx": 0, "4xx": 0, "5xx": 0, reset: 0 };
  for (const [name, value] of Object.entries((await proxy.metrics()).toJSON().counters)) {
    const match = /^n\.class=\.=(\w+);\.;flags=\.=([^;]*);\.;$/.exec(name);
    if (!match) continue;
    ours["total"]! += value;
    if (match[1] !== "none") ours[match[1]!]! += value;
    if (/^(DC|DR)$|\b(DC|DR)\b/.test(match[2]!)) ours["reset"]! += value;
  }
  const { body } = await admin(proxy, "/stats?format=json&filter=downstream_rq_(total|[2345]xx|rx_reset)$");
  const stats = (JSON.parse(body) as { stats: { name: string; value: number }[] }).stats;
  const envoys: Record<string, number> = {};
  for (const { name, value } of stats) {
    const key = name.split("downstream_rq_")[1]!;
    // Of the listener under test: the admin interface counts its own requests under another prefix.
    if (/^http\.(?!admin)/.test(name))
      envoys[key === "rx_reset" ? "reset" : key] = (envoys[key === "rx_reset" ? "reset" : key] ?? 0) + value;
  }
  return { ours, envoys };
}
