import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createTestAuthority } from "./certificates.js";
import { createProxy } from "./create.js";
import { compileTestFilter } from "./envoy/testdata/compile.js";
import type { HostName, Proxy, ProxyOptions } from "./types.js";

const directory = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
let filter = "";
let calls = "";
before(async () => {
  filter = await compileTestFilter(directory);
  calls = await compileTestFilter(directory, "calls");
});
after(() => rmSync(directory, { recursive: true, force: true }));

const HOSTS: readonly HostName[] = ["emulator", "envoy"];

for (const host of HOSTS) {
  const start = (options: ProxyOptions = {}): Promise<Proxy> =>
    createProxy({ filter, host, config: "main", name: "main", ...options });
  const property = (proxy: Proxy, name: string, more = {}) =>
    proxy.request({ path: "/property", headers: { "x-property": name }, ...more });

  test(`requests in flight at once are spread over the workers, on ${host}`, async () => {
    let open = 0;
    let all = (): void => {};
    const together = new Promise<void>((resolve) => (all = resolve));
    await using proxy = await start({
      filter: calls,
      concurrency: 3,
      config: "",
      clusters: {
        slow: async () => {
          if (++open === 6) all();
          await together;
          return {};
        },
      },
    });
    // Each worker's VM counts its requests from 1: three workers and six requests make 1, 1, 1, 2, 2, 2.
    const responses = await Promise.all(
      Array.from({ length: 6 }, () =>
        proxy.request({ path: "/call", headers: { "x-cluster": "slow", "x-path": "/", "x-timeout": "10000" } }),
      ),
    );
    const counts = responses.map((response) => response.headers.get("x-count"));
    assert.deepEqual(counts.sort(), ["1", "1", "1", "2", "2", "2"]);
    assert.equal((await proxy.metrics()).counter("calls.requests"), 6);
  });

  test(`further plugins run in their order, with their own configuration and log, on ${host}`, async () => {
    await using proxy = await start({
      plugins: [
        { filter, config: "first", name: "first", rootId: "r1", position: "before" },
        { filter, config: "last", name: "last", rootId: "r3" },
      ],
      rootId: "r2",
    });
    const response = await proxy.request({ path: "/x" });
    // On the way back the last in the chain comes first.
    response.expect({ headers: { "x-config": "last, main, first" } });
    await proxy.reconfigure("other");
    (await proxy.request()).expect({ headers: { "x-config": "last, other, first" } });
    for (const name of ["main", "first", "last"]) {
      assert.ok(proxy.logs(name).some((line) => line.message === "request /x"));
      assert.ok(proxy.logs(name).some((line) => line.message === `configured with ${name}`));
      assert.ok(
        !proxy.logs(name).some((line) => line.message === `configured with ${name === "main" ? "first" : "main"}`),
      );
    }
    assert.throws(() => proxy.logs("other"), /no plugin "other"/);
  });

  test(`a further plugin that refuses its configuration is told by its reason, on ${host}`, async () => {
    await assert.rejects(
      start({ plugins: [{ filter, config: "bad", name: "first", rootId: "r1" }] }),
      /config: \$: must not be bad/,
    );
  });

  test(`HTTP/2 from the client, on ${host}`, async () => {
    await using proxy = await start({
      downstream: "http2",
      upstream: (request) => ({
        headers: [
          ["x-two", "1"],
          ["x-two", "é"],
        ],
        body: `${request.method} ${request.authority} ${Buffer.from(request.body).length}`,
        trailers: { "x-tail": "end" },
      }),
    });
    const response = await proxy.request({
      method: "POST",
      authority: "two.test",
      headers: [
        ["X-A", "1"],
        ["x-a", "\u00ff"],
      ],
      body: "x".repeat(200_000),
      trailers: { "x-sent": "last" },
    });
    response.expect({
      status: 200,
      headers: { "x-config": "main" },
      body: "POST two.test 200000",
      trailers: { "x-tail": "end" },
      upstream: { trailers: { "x-sent": "last" } },
    });
    assert.deepEqual(response.headers.all("x-two"), ["1", "é"]);
    assert.deepEqual(response.upstream?.headers.all("x-a"), ["1", "\u00ff"]);
    (await proxy.request({ path: "/deny" })).expect({ status: 403, body: "denied\n", upstream: null });
    (await proxy.request({ method: "HEAD" })).expect({ status: 200, body: "" });
    const none = await proxy.request({ method: "POST", body: "abc" });
    assert.equal(none.upstream?.headers.get("content-length"), "3");
    await using asked = await start({ filter: calls, downstream: "http2" });
    (await property(asked, "request.protocol")).expect({ body: "HTTP/2" });
  });

  test(`settings of the connection manager, on ${host}`, async () => {
    await using plain = await start();
    assert.equal((await plain.request({ path: "/a/../b//c" })).upstream?.path, "/a/../b//c");
    await using proxy = await start({
      connectionManager: {
        normalizePath: true,
        mergeSlashes: true,
        pathWithEscapedSlashesAction: "REJECT_REQUEST",
        useRemoteAddress: true,
        trustedHops: 1,
      },
    });
    assert.equal((await proxy.request({ path: "/a/../b//c" })).upstream?.path, "/b/c");
    (await proxy.request({ path: "/a%2Fb" })).expect({ status: 400, upstream: null });
    const { upstream } = await proxy.request({ headers: { "x-forwarded-for": "1.2.3.4" } });
    // Behind it Envoy writes its own address in place of the loopback one.
    assert.match(upstream?.headers.get("x-forwarded-for") ?? "", /^1\.2\.3\.4,\d+\./);
    // With one trusted hop the client is who that hop says.
    assert.equal(upstream?.headers.get("x-envoy-external-address"), "1.2.3.4");
  });

  test(`settings of the route, on ${host}`, async () => {
    let tries = 0;
    await using retried = await start({
      route: { retries: 1 },
      upstream: () => (++tries % 2 ? { status: 500 } : { reset: true }),
    });
    assert.equal((await retried.request()).status, 503);
    assert.equal(tries, 2);
    await using redirected = await start({
      route: { internalRedirects: 1 },
      upstream: ({ path }) =>
        path === "/end"
          ? {}
          : { status: 302, headers: { location: `http://example.test/${path === "/a" ? "end" : "a"}` } },
    });
    const answer = await redirected.request({ path: "/a", method: "POST", body: "abc" });
    assert.deepEqual([answer.status, answer.upstream?.path, answer.upstream?.body.length], [200, "/end", 3]);
    assert.equal((await redirected.request({ path: "/b" })).status, 302, "once only");
    for (const route of [{ retries: -1 }, { internalRedirects: 1.5 }, { retries: 21 }, { hops: 1 }])
      await assert.rejects(start({ route }), /The option route\./);
  });

  test(`TLS with the proxy, on ${host}`, async () => {
    for (const downstream of ["http1", "http2"] as const) {
      await using proxy = await start({ filter: calls, tls: true, downstream });
      (await property(proxy, "connection.requested_server_name")).expect({ body: "example.test" });
      const named = { tls: { serverName: "other.test" } };
      (await property(proxy, "connection.requested_server_name", named)).expect({ body: "other.test" });
      (await property(proxy, "connection.tls_version")).expect({ body: /^TLSv1/ });
      (await property(proxy, "request.scheme")).expect({ body: "https" });
      assert.deepEqual((await property(proxy, "connection.mtls")).body, new Uint8Array([0]));
      (await property(proxy, "connection.dns_san_local_certificate")).expect({ body: "example.test" });
    }
    await using cleartext = await start();
    await assert.rejects(cleartext.request({ tls: {} }), /speaks no TLS/);
  });

  test(`mTLS: the client's certificate, on ${host}`, async () => {
    const authority = await createTestAuthority();
    const other = await createTestAuthority("CN=another");
    const id = "spiffe://test/ns/a/sa/b";
    const certificate = await authority.issue({ subject: "CN=client", uris: [id] });
    await using proxy = await start({ filter: calls, tls: { clientCa: authority.cert } });
    const peer = await property(proxy, "connection.uri_san_peer_certificate", { tls: { certificate } });
    peer.expect({ body: id });
    const mtls = await property(proxy, "connection.mtls", { tls: { certificate } });
    assert.deepEqual(mtls.body, new Uint8Array([1]));
    (await property(proxy, "connection.subject_peer_certificate", { tls: { certificate } })).expect({
      body: "CN=client",
    });
    for (const downstream of ["http1", "http2"] as const) {
      await using each = await start({ filter: calls, tls: { clientCa: authority.cert }, downstream });
      await assert.rejects(each.request(), /refused the TLS handshake: .*certificate required/);
      const foreign = { certificate: await other.issue() };
      await assert.rejects(each.request({ tls: foreign }), /refused the TLS handshake: .*unknown ca/);
    }
    await using optional = await start({
      filter: calls,
      tls: { clientCa: authority.cert, requireClientCertificate: false },
    });
    (await property(optional, "connection.uri_san_peer_certificate")).expect({ body: "none" });
  });

  test(`TLS before a TCP filter, on ${host}`, async () => {
    const tcp = await compileTestFilter(directory, "tcp");
    await using proxy = await start({ filter: tcp, config: "one", tls: true });
    const client = await proxy.tcp();
    await client.write("hello");
    assert.equal(Buffer.from(await client.waitFor(9)).toString(), "one:hello");
    const up = await client.upstream();
    client.reset();
    await up.closed();
  });

  test(`failure policies, on ${host}`, async () => {
    await using open = await start({ failurePolicy: "FAIL_OPEN" });
    (await open.request({ path: "/trap" })).expect({ status: 503 });
    (await open.request({ path: "/" })).expect({ status: 200, headers: { "x-config": null } });
    await using closed = await start({ failurePolicy: "FAIL_CLOSED" });
    (await closed.request({ path: "/trap" })).expect({ status: 503 });
    (await closed.request({ path: "/" })).expect({ status: 503, upstream: null });
  });
}

test("a filter that loops for ever ends neither the test nor close(), and is told, on Envoy", async () => {
  const proxy = await createProxy({ filter: calls, host: "envoy" });
  const started = Date.now();
  await assert.rejects(proxy.request({ path: "/loop", timeout: 2500 }), /No answer within 2.5 s[^]*an endless loop/);
  await proxy.close();
  assert.ok(Date.now() - started < 10_000);
});

test("native filters before and behind the filter, and a patch of the bootstrap, on Envoy", async () => {
  const setHeader = (name: string, value: string) => ({
    name: `set-${name}`,
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
      mutations: { request_mutations: [{ append: { header: { key: name, value } } }] },
    },
  });
  await using proxy = await createProxy({
    filter: calls,
    host: "envoy",
    needs: ["envoy"],
    nativeFilters: { before: [setHeader("x-property", "plugin_name")], after: [setHeader("x-behind", "yes")] },
    patch: (bootstrap) => ({ ...bootstrap, node: { id: "patched", cluster: "meshwasm" } }),
  });
  (await proxy.request({ path: "/property" })).expect({ body: "calls" });
  (await proxy.request({ path: "/up" })).expect({ upstream: { headers: { "x-behind": "yes" } } });
  (await proxy.request({ path: "/node" })).expect({ body: "patched" });
});

test("a patch that Envoy refuses is told in its words", async () => {
  await assert.rejects(
    createProxy({ filter: calls, host: "envoy", patch: (bootstrap) => ({ ...bootstrap, nonsense: 1 }) }),
    /nonsense/,
  );
});
