/* What the probe goes through on both hosts. */

import { HARMFUL, type Harm } from "./differences.js";
import type {
  ClusterScript,
  Proxy,
  ProxyOptions,
  RequestInput,
  TcpHandler,
  UpstreamHandler,
  UpstreamResponse,
} from "../../toolchain/hosts/index.js";

export interface Scenario {
  readonly name: string;
  /** `beside`: vm_id of a second plugin of the same module. */
  readonly options: Partial<ProxyOptions> & { readonly beside?: string };
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
  ...[0, 1].map((type) => `reply then continue ${type}`),
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
  ...[99, 100, 101, 103, 204, 304, 600, 999, 1000].map((status) => `reply ${status}`),
];

function acts(phase: string): Scenario {
  return {
    name: `actions in ${phase}`,
    options: { ...http, vmConfig: "acts" },
    async play(first, write, restart) {
      let proxy = first;
      // At the end of a stream a reply does the same harm, whatever it is.
      const over = ["log", "done", "delete"].includes(phase);
      for (const action of ACTIONS.filter((each) => !over || !/^reply (\d|then)/.test(each))) {
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
  write(`${key} verdict`, await outcome(proxy, input, harm));
}

/** "harm", if the emulator refuses by name what Envoy really comes to harm by. */
function outcome(proxy: Proxy, input: RequestInput, harm: Harm): Promise<string> {
  return proxy.host === "emulator" ? refusal(proxy, input) : harmed(proxy, input, harm);
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
    if (harm === "framing" && answer.status !== 200) return "harm";
    if (harm === "split" && answer.headers.get("x-split") !== null) return "harm";
    if (harm === "twice" && upstreamRequests > before + 1) return "harm";
    text = String(answer.status);
  } catch (error) {
    if (harm === "twice" || harm === "framing") return "harm";
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

/** Lines that say how a message is framed or routed, which a filter writes or takes away. */
const FRAMING = {
  request_headers: [
    ...["put", "add"].flatMap((how) =>
      [
        "transfer-encoding: chunked",
        "content-length: 3",
        "content-length: x",
        "connection: close",
        "connection: x-probe",
        "upgrade: websocket",
        "keep-alive: 1",
        "proxy-connection: close",
        "te: trailers",
        "te: x",
        "expect: 100-continue",
        ":method: PUT",
        ":path: /x",
        ":path: no-slash",
        ":scheme: https",
        ":authority: other",
        "host: other",
        ":unknown: x",
      ].map((line) => `${how} 0 ${line}`),
    ),
    ...[":method", ":path", ":authority", ":scheme", "host", "content-length", "transfer-encoding"].map(
      (name) => `remove 0 ${name}`,
    ),
  ],
  response_headers: [
    ...["put", "add"].flatMap((how) =>
      [
        "transfer-encoding: chunked",
        "content-length: 3",
        "content-length: x",
        "connection: close",
        "connection: x-up",
        "upgrade: websocket",
        "keep-alive: 1",
        "te: trailers",
        "trailer: x-t",
        ":status: 201",
        ":status: 204",
        ":status: 304",
        ":status: 101",
        ":status: 99",
        ":status: x",
        ":unknown: x",
      ].map((line) => `${how} 2 ${line}`),
    ),
    ...[":status", "content-length", "transfer-encoding"].map((name) => `remove 2 ${name}`),
  ],
} as const;

function framing(phase: keyof typeof FRAMING, downstream: "http1" | "http2"): Scenario {
  return {
    name: `framing in ${phase}, ${downstream}`,
    options: { ...http, vmConfig: "acts", downstream },
    async play(proxy, write) {
      for (const action of FRAMING[phase]) {
        for (const input of [WHOLE, { path: "/short" }]) {
          const key = `${phase} ${action}`;
          // Whether Envoy still gets the answer out before it resets the stream is chance.
          if (downstream === "http2" && action === "remove 0 :method" && "body" in input) continue;
          const place = `${key}, ${"body" in input ? "whole" : "short"}`;
          const told = { ...input, headers: { "x-act": key } };
          const harm = HARMFUL[key];
          if (harm === undefined) await exchange(proxy, place, told, write);
          else write(`${place} verdict`, await outcome(proxy, told, harm));
        }
      }
    },
  };
}

const PATHS = [
  ..."/a/../b /a/./b /a//b //a /// /a/..;/b /a/;x/../c /a;v=1/../b /%2e%2e/a /a/%2e%2e/b /a/%2e/b /a%2fb /a%2Fb /a%5cb".split(
    " ",
  ),
  ..."/a\\b /a\\..\\b /a/.. /a/. /.. /. /../.. /% /%zz /%00 /a%00b /a?b=../c /a/../?x=/../ /A/%41 /a%20b /a'b /a%7eb /~a".split(
    " ",
  ),
  ..."/a/.../b /a/..x/b /%252e%252e/a /a%2F%2e%2e%2Fb /a/%2E%2E;x/b /a//../b /a/b/../../.. /a{b} /a%7Bb%7D /a|b /a^b".split(
    " ",
  ),
  ..."/a/b/..//c /a/b//../c /;/a /a/;/b /a/..;x=1 /a/%2e%2e%2f%2e%2e/b /a%2f%2fb /a%5c%5cb /a%2f..%2fb /a/%2e%2e?q /a?".split(
    " ",
  ),
  ..."/a/.;x/b /a/..;/..;/b /a/..;a;b/c /..;/a /a/..%3b/b /a/..;%2fb /a\\..;/b /a/..;/ /a/...;/b /a/b..;/c /a/;..;/b // /a// /".split(
    " ",
  ),
  ...["/a<b>", '/a"b"', "/a`b", "/a%3fb", "/a%23b", "/a%25b", "/a+b", "/a:b@c", "/a,b!c*d(e)", "/a=b&c", "/[a]"],
];

const paths = (connectionManager: NonNullable<ProxyOptions["connectionManager"]>): Scenario => ({
  name: `paths with ${JSON.stringify(connectionManager)}`,
  options: { ...http, vmConfig: "acts", connectionManager },
  async play(proxy, write) {
    for (const path of PATHS) {
      const answer = await proxy.request({ path, timeout: 2000 }).catch((error: Error) => error);
      const shownAs = answer instanceof Error ? "reset" : `${answer.status} ${answer.headers.get("location") ?? ""}`;
      const upstream = answer instanceof Error || answer.upstream === null ? "nothing" : answer.upstream.path;
      write(`${path} verdict`, `${shownAs} upstream ${upstream}`);
    }
  },
});

const SLASHES = ["KEEP_UNCHANGED", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"] as const;
const PATH_OPTIONS = [
  { mergeSlashes: true },
  ...[false, true].flatMap((normalizePath) =>
    SLASHES.map((pathWithEscapedSlashesAction) => ({ normalizePath, pathWithEscapedSlashesAction })),
  ),
  { normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: "UNESCAPE_AND_FORWARD" as const },
];

/** How bodies come, in how many callbacks. */
const bodies = (downstream: "http1" | "http2"): Scenario => ({
  name: `bodies, ${downstream}`,
  options: {
    ...http,
    vmConfig: "acts",
    downstream,
    upstream: ({ path }) => {
      const size = Number(/r=(\d+)/.exec(path)?.[1] ?? 0);
      const headers = { "x-up": "1" };
      return { headers, body: "y".repeat(size), ...(path.includes("trailers") ? { trailers: { "x-t": "2" } } : {}) };
    },
  },
  async play(proxy, write) {
    for (const [i, input] of [
      { method: "POST", body: "" },
      { method: "POST", body: "x" },
      { method: "POST", body: "x".repeat(10_000) },
      { method: "POST", body: "x", trailers: { "x-t": "1" } },
      { method: "POST", trailers: { "x-t": "1" } },
      { method: "POST", body: "x", headers: { "content-length": "1" } },
      { method: "PUT", body: "x", path: "/r=5" },
      { method: "GET", path: "/r=5" },
      { method: "GET", path: "/r=10000" },
      { method: "GET", path: "/r=5/trailers" },
      { method: "GET", path: "/r=0/trailers" },
      { method: "HEAD", path: "/r=5" },
      { method: "DELETE", path: "/r=0" },
    ].entries())
      await exchange(proxy, `body ${i}`, input as RequestInput, write);
  },
});

/** More header bytes and lines than Envoy takes. */
const limits = (downstream: "http1" | "http2"): Scenario => ({
  name: `limits, ${downstream}`,
  options: { ...http, vmConfig: "acts", downstream },
  async play(proxy, write) {
    const many = (count: number): [string, string][] => Array.from({ length: count }, (_, i) => [`x-${i}`, "1"]);
    for (const [name, input] of [
      ["80 lines", { headers: many(80) }],
      ["120 lines", { headers: many(120) }],
      ["50 KiB in a line", { headers: [["x-big", "x".repeat(50 * 1024)]] }],
      ["59 KiB in a path", { path: `/${"x".repeat(59 * 1024)}` }],
      ["70 KiB in a path", { path: `/${"x".repeat(70 * 1024)}` }],
      ["70 KiB in a line", { headers: [["x-big", "x".repeat(70 * 1024)]] }],
      ["70 KiB in lines", { headers: many(70).map(([line]) => [line, "x".repeat(1000)]) }],
    ] as const) {
      const answer = await proxy.request({ ...(input as RequestInput), timeout: 3000 }).catch((error: Error) => error);
      write(`${name} verdict`, answer instanceof Error ? "reset" : `${answer.status} ${answer.text().slice(0, 40)}`);
    }
  },
});

const WHOLE_ANSWER: UpstreamResponse = {
  body: "from upstream",
  headers: { "x-up": "1" },
  trailers: { "x-t": "2" },
};
/** Fails twice, and answers the third time. */
const failing: UpstreamHandler = () => (++failures % 3 ? { status: 503, body: "not yet" } : WHOLE_ANSWER);
let failures = 0;

const AT: Readonly<Record<string, string>> = {
  "/begin": "http://example.test/end?x=1",
  "/first": "http://example.test/second?x=1",
  "/second?x=1": "http://other.test:81/third",
  "/third": "/relative",
  "/https": "https://example.test/a",
  "/relative": "/second",
  "/scheme": "ftp://example.test/a",
  "/wrong": "http://",
  "/space": " http://example.test/a",
  "/fragment": "http://example.test/a#b",
  "/host": "http://example.test",
  "/query": "http://example.test?x=1",
  "/user": "http://user@example.test/a",
  "/empty": "",
  "/dots": "http://example.test/a/../b//c",
  "/long": "http://example.test/first",
  "/longest": "http://example.test/long",
};
const redirecting: UpstreamHandler = ({ path }): UpstreamResponse => {
  const location = path.startsWith("/303") ? "http://example.test/a" : AT[path];
  if (location === undefined) return WHOLE_ANSWER;
  const headers: Record<string, string> = { location, "x-up": "302" };
  return { status: path === "/303" ? 303 : 302, headers, body: "elsewhere" };
};

/** Over HTTP/2 a body and trailers come when they come: the upstream may be connected by then. */
const whole = (downstream: "http1" | "http2"): RequestInput =>
  downstream === "http1" ? { ...WHOLE, timeout: 10_000 } : { headers: WHOLE.headers, timeout: 10_000 };

/** What Envoy's router does with an answer before any filter sees it. */
const routed = (downstream: "http1" | "http2"): Scenario[] => [
  {
    name: `every call in a stream that is sent once more, ${downstream}`,
    options: { ...http, downstream, route: { retries: 2 }, upstream: failing },
    play: (proxy, write) => exchange(proxy, "retried", whole(downstream), write),
  },
  {
    name: `every call in a stream that is redirected, ${downstream}`,
    options: { ...http, downstream, route: { internalRedirects: 2 }, upstream: redirecting },
    play: (proxy, write) => exchange(proxy, "redirected", { ...whole(downstream), path: "/begin" }, write),
  },
  {
    name: `retries, ${downstream}`,
    options: { ...http, vmConfig: "acts", downstream, route: { retries: 2 }, upstream: failing },
    async play(proxy, write) {
      await exchange(proxy, "short", {}, write);
      await exchange(proxy, "head", { method: "HEAD" }, write);
      await exchange(proxy, "whole", WHOLE, write);
      await exchange(proxy, "post", { method: "POST", body: "x" }, write);
      await exchange(proxy, "empty", { method: "POST" }, write);
    },
  },
  {
    name: `every call in a stream that is sent once more in vain, ${downstream}`,
    options: {
      ...http,
      downstream,
      route: { retries: 2 },
      upstream: () => ({ status: 500, body: "never", trailers: { "x-t": "2" } }),
    },
    play: (proxy, write) => exchange(proxy, "never", { timeout: 10_000 }, write),
  },
  {
    name: `resets and retries, ${downstream}`,
    options: { ...http, vmConfig: "acts", downstream, route: { retries: 2 }, upstream: () => ({ reset: true }) },
    async play(proxy, write) {
      await exchange(proxy, "short", {}, write);
      await exchange(proxy, "whole", WHOLE, write);
    },
  },
  {
    name: `redirects, ${downstream}`,
    options: { ...http, vmConfig: "acts", downstream, route: { internalRedirects: 2 }, upstream: redirecting },
    async play(proxy, write) {
      for (const path of [...Object.keys(AT), "/303"]) {
        await exchange(proxy, path, { path, headers: { "x-probe": "1" } }, write);
        await exchange(proxy, `${path} whole`, { ...WHOLE, path }, write);
      }
      const headers = { "x-forwarded-for": "203.0.113.1", "x-envoy-original-url": "http://forged/" };
      await exchange(proxy, "forged", { path: "/first", headers }, write);
      // Filters that change, answer or stop it.
      for (const action of ["set request", "reply", "pause", "close 0", "remove 0 :path", "put 0 :path: /x"]) {
        const key = `request_headers ${action}`;
        await exchange(proxy, key, { path: "/first", headers: { "x-act": key } }, write);
      }
    },
  },
];

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
    name: "every call behind a request that the connection manager answers",
    options: http,
    async play(proxy, write) {
      const headers = Array.from({ length: 120 }, (_, i) => [`x-${i}`, "1"] as const);
      await exchange(proxy, "many", { headers }, write);
      await exchange(proxy, "large", { path: `/${"x".repeat(70 * 1024)}` }, write);
      await exchange(proxy, "fragment", { path: "/a#b" }, write);
      await exchange(proxy, "no path", { path: "a" }, write);
      await exchange(proxy, "star", { path: "*", method: "OPTIONS" }, write);
    },
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
  ...["one", "two"].map((vmId): Scenario => ({
    name: vmId === "one" ? "two plugins in one VM" : "two plugins in a VM each",
    options: { ...http, vmConfig: "acts", vmId: "one", beside: vmId },
    async play(proxy, write) {
      await exchange(proxy, "first", WHOLE, write);
      await proxy.reconfigure("another configuration");
      await exchange(proxy, "second", WHOLE, write);
      await proxy.advance(300);
      // The numbers of VMs and roots are those in which they come.
      const entered = proxy.logs("beside").flatMap(({ message }) => /^§(\S+) enters$/.exec(message)?.[1] ?? []);
      write("order beside", entered.join(" "));
    },
  })),
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
  ...(["request_headers", "response_headers"] as const).flatMap((phase) =>
    (["http1", "http2"] as const).map((downstream) => framing(phase, downstream)),
  ),
  ...PATH_OPTIONS.map(paths),
  ...(["http1", "http2"] as const).flatMap(routed),
  ...(["http1", "http2"] as const).flatMap((downstream) => [bodies(downstream), limits(downstream)]),
  ...["reply", "close 0", "continue 0", "exit"].flatMap((action) => [
    atStart("configure", action),
    atStart("tick", action),
    atStart("context_create", action),
  ]),
];
