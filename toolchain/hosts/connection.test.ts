import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createTestAuthority } from "./certificates.js";
import { createProxy } from "./create.js";
import { compileTestFilter } from "./envoy/testdata/compile.js";
import type { HostName, ProxyOptions, RequestInput, UpstreamHandler } from "./types.js";

/** What filter, client and upstream see of a connection must be the same on both hosts, line by line. */

const directory = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
let filter = "";
before(async () => {
  filter = await compileTestFilter(directory, "view");
});
after(() => rmSync(directory, { recursive: true, force: true }));

const CONNECTION = [
  ..."request.protocol request.scheme request.host request.path request.size source.address destination.address".split(
    " ",
  ),
  ..."connection.mtls connection.tls_version connection.requested_server_name connection.termination_details".split(
    " ",
  ),
  ..."subject_local subject_peer uri_san_local uri_san_peer dns_san_local dns_san_peer"
    .split(" ")
    .map((name) => `connection.${name}_certificate`),
  "connection.sha256_peer_certificate_digest",
  ..."response.code response.code_details response.flags response.size".split(" "),
];

/** Without what differs from run to run, and in an order in which it may be compared. */
function normal(text: string): string[] {
  return text
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
    .replace(/(service-time|date): .*/g, "$1: …")
    .split("\n")
    .map((line) => line.trimEnd());
}

interface Case {
  readonly title: string;
  readonly options: ProxyOptions;
  readonly requests: readonly RequestInput[];
}

async function seen(host: HostName, { options, requests }: Case): Promise<string[][]> {
  await using proxy = await createProxy({ filter, host, config: CONNECTION.join("\n"), name: "main", ...options });
  const all: string[][] = [];
  for (const request of requests) {
    const from = proxy.logs().length;
    const outcome = await proxy.request({ timeout: 5000, ...request }).then(String, (error: Error) => error.message);
    // What the filter logs at the end may come after the answer.
    if (host === "envoy") await proxy.advance(5);
    const logs = proxy
      .logs()
      .slice(from)
      .map(({ message }) => message);
    all.push([...normal(outcome.replace(/\nThe (filter|host) logged:[^]*/, "")), ...normal(logs.join("\n"))]);
  }
  return all;
}

function same(
  title: string,
  options: () => ProxyOptions | Promise<ProxyOptions>,
  requests: readonly RequestInput[],
): void {
  test(`${title}: the same on both hosts`, async () => {
    const each = { title, options: await options(), requests };
    const [emulator, envoy] = [await seen("emulator", each), await seen("envoy", each)];
    requests.forEach((request, i) => {
      assert.deepEqual(emulator[i], envoy[i], JSON.stringify({ ...request, tls: undefined }));
    });
  });
}

const upstream: UpstreamHandler = (request) =>
  request.path === "/reset"
    ? { reset: true }
    : {
        headers: [
          ["x-two", "1"],
          ["x-two", "2"],
          ["set-cookie", "a=1"],
          ["set-cookie", "b=2"],
          ["X-Up", " padded "],
          ["connection", "close"],
          ["keep-alive", "x"],
        ],
        body: "hello",
        ...(request.path === "/plain" ? {} : { trailers: { "x-tail": "end", "grpc-status": "3" } }),
      };

const messages: readonly RequestInput[] = [
  {
    path: "/a?b=c",
    headers: [
      ["X-A", "1"],
      ["Cookie", "a=1"],
      ["x-b", "between"],
      ["x-a", "2"],
      ["cookie", "b=2; c=3"],
      ["te", "trailers"],
      ["via", "x"],
      ["via", "y"],
      ["x-padded", " padded "],
    ],
  },
  { method: "POST", body: "abc", trailers: { "x-sent": "last" }, headers: { accept: "*/*" } },
  { method: "POST", body: "abc", headers: { host: "other.test" }, path: "/plain" },
  { method: "POST", body: "" },
  { method: "HEAD", path: "/plain" },
  { path: "/deny" },
  { path: "/deny", method: "POST", body: "abc", headers: { "content-type": "application/grpc", te: "trailers" } },
  { path: "/close" },
  { path: "/reset" },
  { path: "/a?b#c" },
];

for (const downstream of ["http1", "http2"] as const) {
  same(`messages by ${downstream}`, () => ({ downstream, upstream }), messages);
}

const paths = (
  "/a/../b//c?x=//y/../z /a%2Fb /a%5cb/..//%2e%2F //x// /./x/. /%2e%2e/a /a\\b http://abs.test/p//q/../r?z /a?b#c /é " +
  '/%zz /~a%7Eb%41?%2f%41 /a%00b /% * a /a%2F..%2Fb /a/..%2F%5c.. //..//a /a/... /a//.. /"<>^`{|} /%2e /a/b/.. /a/%2e?x'
).split(" ");

for (const connectionManager of [
  {},
  { normalizePath: true },
  { mergeSlashes: true },
  { pathWithEscapedSlashesAction: "REJECT_REQUEST" },
  { pathWithEscapedSlashesAction: "UNESCAPE_AND_REDIRECT" },
  { normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: "UNESCAPE_AND_FORWARD" },
  { normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: "UNESCAPE_AND_REDIRECT" },
] as const) {
  same(`paths with ${JSON.stringify(connectionManager)}`, () => ({ connectionManager }), [
    ...paths.map((path) => ({ path })),
    { method: "OPTIONS", path: "*" },
  ]);
}

const claimed = {
  "x-forwarded-proto": "https",
  ...Object.fromEntries(
    (
      "internal external-address original-path attempt-count decorator-operation retry-on max-retries force-trace " +
      "downstream-service-cluster upstream-rq-timeout-ms expected-rq-timeout-ms ip-tags upstream-alt-stat-name"
    )
      .split(" ")
      .map((name) => [`x-envoy-${name}`, "7"]),
  ),
  "x-request-id": "mine",
  "x-forwarded-host": "h",
  "x-forwarded-port": "99",
  "x-client-trace-id": "t",
  "x-forwarded-client-cert": "By=a",
};
const forwarded: readonly RequestInput[] = [
  {},
  ...[
    "1.2.3.4",
    "1.2.3.4, 5.6.7.8",
    "10.0.0.1,1.1.1.1,192.168.0.3",
    "garbage",
    "::1",
    "2001:db8::1, 127.0.0.1",
    "",
  ].map((value) => ({ headers: { "x-forwarded-for": value } })),
  {
    headers: [
      ["x-forwarded-for", "1.1.1.1"],
      ["x-forwarded-for", "2.2.2.2"],
    ],
  },
  { headers: { "x-forwarded-for": "10.0.0.9", ...claimed } },
  { headers: { "x-forwarded-proto": "ftp" } },
];

for (const connectionManager of [
  {},
  { trustedHops: 1 },
  { useRemoteAddress: true },
  { useRemoteAddress: true, trustedHops: 1 },
  { useRemoteAddress: true, trustedHops: 2 },
]) {
  for (const tls of [false, true]) {
    const over = tls ? " over TLS" : "";
    same(
      `who the client is${over}, with ${JSON.stringify(connectionManager)}`,
      () => ({ connectionManager, tls }),
      forwarded,
    );
  }
}

const authority = createTestAuthority();
const HOUR = 3_600_000;

for (const downstream of ["http1", "http2"] as const) {
  same(`names in TLS by ${downstream}`, () => ({ downstream, tls: true }), [
    {},
    { tls: { serverName: "Other.Test" } },
    { tls: { serverName: "" } },
    { authority: "127.0.0.1:80" },
    { authority: "a.b:443" },
    { headers: { "x-forwarded-proto": "http" } },
  ]);

  test(`certificates by ${downstream}: the same on both hosts`, async () => {
    const ca = await authority;
    const server = await ca.issue({
      subject: "O=Srv,CN=server",
      uris: ["spiffe://srv"],
      dns: ["example.test", "second.test"],
    });
    const certificates = [
      await ca.issue({
        subject: "CN=client, O=Org \\, Ünc+OU=x, C=DE",
        uris: ["spiffe://test/ns/a/sa/b", "https://two/x"],
        dns: ["d1.test", "d2.test"],
      }),
      await ca.issue({ subject: "CN=bare", uris: ["x:y"] }),
      await ca.issue({ notBefore: new Date(Date.now() - 2 * HOUR), notAfter: new Date(Date.now() - HOUR) }),
      await ca.issue({ notBefore: new Date(Date.now() + HOUR), notAfter: new Date(Date.now() + 2 * HOUR) }),
      await (await createTestAuthority("CN=another")).issue(),
      // An authority of the same name and another key.
      await (await createTestAuthority()).issue(),
    ];
    const requests = [{}, ...certificates.map((certificate) => ({ tls: { certificate } }))];
    for (const requireClientCertificate of [true, false]) {
      const tls = { certificate: server, clientCa: ca.cert, requireClientCertificate };
      const each = { title: "", options: { downstream, tls }, requests };
      assert.deepEqual(await seen("emulator", each), await seen("envoy", each));
    }
  });
}

test("a connection goes to the worker that has the fewest open, on both hosts", async () => {
  const calls = await compileTestFilter(directory, "calls");
  for (const host of ["emulator", "envoy"] as const) {
    await using proxy = await createProxy({
      filter: calls,
      host,
      concurrency: 2,
      clusters: { held: () => new Promise(() => {}), quick: () => ({}) },
    });
    const call = (cluster: string, signal?: AbortSignal) =>
      proxy.request({ path: "/call", headers: { "x-cluster": cluster, "x-path": "/", "x-timeout": "60000" }, signal });
    const abort = new AbortController();
    const held = call("held", abort.signal).catch(() => null);
    while ((await proxy.metrics()).counter("calls.requests") !== 1) await proxy.advance(1);
    // One worker is taken: all that come meanwhile go to the other one, whose VM counts them.
    const counts: (string | null)[] = [];
    for (let i = 0; i < 3; i++) {
      counts.push((await call("quick")).headers.get("x-count"));
      if (host === "envoy") await proxy.advance(20);
    }
    assert.deepEqual(counts, ["1", "2", "3"], host);
    abort.abort();
    await held;
  }
});
