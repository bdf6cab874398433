/* What the probe goes through on both hosts. */

import { HARMFUL, type Harm } from "./differences.js";
import type { ClusterScript, Proxy, ProxyOptions, RequestInput, TcpHandler } from "../../toolchain/hosts/index.js";

export interface Scenario {
  readonly name: string;
  readonly options: Partial<ProxyOptions>;
  /** Does what makes the phases come; what it writes is compared too. */
  play(proxy: Proxy, write: Write, restart: Restart): Promise<void>;
}

type Write = (key: string, value: string) => void;
/** A new proxy in place of one that has crashed. */
type Restart = () => Promise<Proxy>;

const clusters: Readonly<Record<string, ClusterScript>> = {
  calls: (request) => ({ body: `called ${request.path}`, headers: { "x-up": "1" }, trailers: { "x-t": "3" } }),
  hostless: { hosts: false },
  grpc: {
    grpc: async (call) => {
      call.sendMetadata({ "x-initial": "1" });
      for await (const message of call.messages) call.send(message);
      call.finish({ trailers: { "x-t": "4" } });
    },
  },
};

/** Answers the first piece, and ends when the client does: how TCP cuts what follows is not to be seen. */
const answering: TcpHandler = async (connection) => {
  let answered = false;
  for await (const _ of connection) {
    if (!answered) await connection.write("from upstream");
    answered = true;
  }
  await connection.end();
};

const WHOLE: RequestInput = {
  method: "POST",
  path: "/a?b=c",
  headers: [
    ["x-probe", "one"],
    ["x-probe", "two"],
    ["user-agent", "probe"],
  ],
  body: "request body",
  trailers: { "x-t": "1" },
};

const http: Partial<ProxyOptions> = {
  clusters,
  upstream: () => {
    upstreamRequests++;
    return { body: "from upstream", headers: { "x-up": "1" }, trailers: { "x-t": "2" } };
  },
};
let upstreamRequests = 0;

/** Header lines, sorted by name: in which order they come back is the client library's affair. */
const shown = (lines: Iterable<readonly [string, string]>): string =>
  [...lines]
    .map(([name, value]) => `${name}: ${value}`)
    .sort()
    .join("; ");

/** Envoy closes a connection after a reset only when a second has gone by. */
const CLOSES = /close|reply/;

async function exchange(proxy: Proxy, key: string, input: RequestInput, write: Write): Promise<void> {
  const timeout = CLOSES.test(key) ? 5000 : 700;
  let answer: Awaited<ReturnType<Proxy["request"]>>;
  try {
    answer = await proxy.request({ timeout, ...input });
  } catch (error) {
    // How the client words it is its own affair.
    return write(
      `${key} verdict`,
      /within|timeout|timed out|no whole answer/i.test((error as Error).message) ? "none" : "reset",
    );
  }
  write(`${key} verdict`, String(answer.status));
  write(`${key} headers`, shown(answer.headers));
  write(`${key} body`, Buffer.from(answer.body).toString("latin1"));
  write(`${key} trailers`, shown(answer.trailers));
  const { upstream } = answer;
  write(`${key} upstream`, upstream === null ? "nothing" : `${upstream.method} ${upstream.path} ${upstream.authority}`);
  if (upstream === null) return;
  write(`${key} upstream headers`, shown(upstream.headers));
  write(`${key} upstream body`, Buffer.from(upstream.body).toString("latin1"));
  write(`${key} upstream trailers`, shown(upstream.trailers));
}

const PHASES = [
  "request_headers",
  "request_body",
  "request_trailers",
  "response_headers",
  "response_body",
  "response_trailers",
  "log",
  "done",
  "delete",
];
const ACTIONS = [
  "reply",
  "reply and continue",
  "pause",
  ...[0, 1, 2].map((type) => `continue ${type}`),
  ...[0, 1, 2, 3].map((type) => `close ${type}`),
  ...[2, 3, 4, 99, -1].map((action) => `returns ${action}`),
  "set request",
  "set response",
  "set nothing",
  "big header",
  "split",
  "exit",
];

function acts(phase: string): Scenario {
  return {
    name: `actions in ${phase}`,
    options: { ...http, vmConfig: "acts" },
    async play(first, write, restart) {
      let proxy = first;
      for (const action of ACTIONS) {
        const key = `${phase} ${action}`;
        await act(proxy, key, { "x-act": key }, write);
        if (HARMFUL[key] === "crash") proxy = await restart();
      }
    },
  };
}

async function act(proxy: Proxy, key: string, headers: Record<string, string>, write: Write): Promise<void> {
  const harm = HARMFUL[key];
  if (harm === undefined) return exchange(proxy, key, { ...WHOLE, headers }, write);
  // The router sends a request without a body twice; of one with a body the second may never get whole.
  const input = harm === "twice" && key.includes(" continue 0") ? { headers } : { ...WHOLE, headers };
  write(`${key} verdict`, await (proxy.host === "emulator" ? refusal(proxy, input) : harmed(proxy, input, harm)));
}

/** The emulator does not do what harms Envoy: the test fails by name. */
async function refusal(proxy: Proxy, input: RequestInput): Promise<string> {
  try {
    return `no harm: ${(await proxy.request({ timeout: 1000, ...input })).status}`;
  } catch (error) {
    return /Envoy 1\.40/.test((error as Error).message) ? "harm" : (error as Error).message;
  }
}

/** Whether Envoy really comes to harm. */
async function harmed(proxy: Proxy, input: RequestInput, harm: Harm): Promise<string> {
  let text = "";
  const before = upstreamRequests;
  try {
    const answer = await proxy.request({ timeout: 1000, ...input });
    if (harm === "split" && answer.headers.get("x-split") !== null) return "harm";
    if (harm === "twice" && upstreamRequests > before + 1) return "harm";
    text = String(answer.status);
  } catch (error) {
    if (harm === "twice") return "harm";
    text = (error as Error).message;
  }
  if (harm !== "crash") return `no harm: ${text}`;
  try {
    return `no harm: ${text}, then ${(await proxy.request({ timeout: 1000 })).status}`;
  } catch (error) {
    const { message } = error as Error;
    return /ECONNREFUSED|not running|ended|\[critical\]/.test(message) ? "harm" : `no harm: ${message}`;
  }
}

/** Where there is no stream, an action is told by the VM's configuration. */
const atStart = (phase: string, action: string): Scenario => ({
  name: `${action} in ${phase}`,
  options: { ...http, vmConfig: `${phase} ${action}` },
  play: (proxy, write) => act(proxy, `${phase} ${action}`, {}, write),
});

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "every call in every phase of a stream",
    options: http,
    async play(proxy, write) {
      await exchange(proxy, "whole", { ...WHOLE, timeout: 10_000 }, write);
      await proxy.advance(200);
    },
  },
  {
    name: "every call, HTTP/2 and no body",
    options: { ...http, downstream: "http2", upstream: () => ({ status: 204, headers: { "x-up": "1" } }) },
    play: (proxy, write) => exchange(proxy, "short", { timeout: 10_000, headers: { "x-probe": "one" } }, write),
  },
  {
    name: "every call when callouts are answered",
    options: { ...http, vmConfig: "calls" },
    play: (proxy, write) => exchange(proxy, "called", { ...WHOLE, timeout: 10_000 }, write),
  },
  {
    name: "every call on a TCP connection",
    // The probe sets envoy.tcp_proxy.cluster: the connection goes to "calls".
    options: { clusters: { ...clusters, calls: { tcp: answering } }, protocol: "tcp" },
    async play(proxy, write) {
      const client = await proxy.tcp();
      await client.write("from the client");
      // What comes back is what the probe made of it on both ways.
      const back = await client.waitFor(1);
      write("tcp received", Buffer.from(back).toString("latin1"));
      await proxy.advance(200);
      await client.end();
      write("tcp closed", await client.closed());
    },
  },
  {
    name: "every call of a plugin that is replaced",
    options: http,
    async play(proxy, write) {
      // Ticks first: a DNS query that is under way when its plugin ends would crash Envoy.
      await proxy.advance(400);
      await proxy.reconfigure("another configuration");
      await exchange(proxy, "after", { ...WHOLE, timeout: 10_000 }, write);
    },
  },
  ...PHASES.map(acts),
  ...["reply", "close 0", "continue 0", "exit"].flatMap((action) => [
    atStart("configure", action),
    atStart("tick", action),
    atStart("context_create", action),
  ]),
];
