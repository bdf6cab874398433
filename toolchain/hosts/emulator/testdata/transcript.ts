import type { Proxy, ProxyOptions, RequestInput, UpstreamResponse } from "../../types.js";

/** A scenario for the probe: its program, what the upstream says by path, the requests in order. */
export interface Scenario {
  readonly rootId?: string;
  readonly program: readonly string[];
  readonly upstream?: Readonly<Record<string, UpstreamResponse>>;
  readonly requests: readonly RequestInput[];
}

export interface Exchange {
  readonly request: string;
  /** Status and header lines, "" when there was no answer. */
  readonly response: readonly string[];
  readonly body: string;
  readonly upstream: readonly string[];
  /** Of the response, then of the request as the upstream got it; only when there are any. */
  readonly trailers?: readonly string[];
  readonly logs: readonly string[];
}

const VOLATILE: readonly [RegExp, string][] = [
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID"],
  [/(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/g, "DATE"],
  // What the Envoy host adds for itself.
  [/ \[x-meshwasm-connection=\d+\]/g, ""],
  [/(x-envoy-upstream-service-time(: |=))\d+/g, "$1N"],
];

function stable(text: string): string {
  return VOLATILE.reduce((s, [pattern, put]) => s.replace(pattern, put), text);
}

export function optionsOf(scenario: Scenario): Pick<ProxyOptions, "config" | "rootId" | "upstream"> {
  return {
    config: scenario.program.join("\n"),
    rootId: scenario.rootId,
    upstream: (request) =>
      scenario.upstream?.[request.path] ?? { body: "upstream", headers: { "content-type": "text/x" } },
  };
}

/** What the scenario does on a host, free of what differs from run to run. */
export async function play(proxy: Proxy, scenario: Scenario): Promise<{ start: string[]; exchanges: Exchange[] }> {
  let seen = 0;
  const logs = (): string[] => {
    const lines = proxy.logs().slice(seen);
    seen += lines.length;
    // What a host says of a trap is not the filter's: not every host keeps it.
    return lines.filter((l) => !l.message.startsWith("Function: ")).map((l) => stable(`${l.level} ${l.message}`));
  };
  const start = logs();
  const exchanges: Exchange[] = [];
  for (const input of scenario.requests) {
    const request = `${input.method ?? "GET"} ${input.path ?? "/"}`;
    try {
      const r = await proxy.request(input);
      const u = r.upstream;
      const trailers = [...r.trailers.toJSON(), ...(u?.trailers.toJSON() ?? [])].map(([n, v]) => `${n}: ${v}`);
      exchanges.push({
        request,
        response: [String(r.status), ...r.headers.toJSON().map(([n, v]) => stable(`${n}: ${v}`))],
        body: Buffer.from(r.body).toString("latin1"),
        upstream:
          u === null
            ? []
            : [
                `${u.method} ${u.path} ${u.authority}`,
                ...u.headers.toJSON().map(([n, v]) => stable(`${n}: ${v}`)),
                Buffer.from(u.body).toString("latin1"),
              ],
        ...(trailers.length === 0 ? {} : { trailers }),
        logs: logs(),
      });
    } catch (error) {
      exchanges.push({
        request,
        response: ["", (error as Error).message.split("\n")[0]!],
        body: "",
        upstream: [],
        logs: logs(),
      });
    }
  }
  return { start, exchanges };
}
