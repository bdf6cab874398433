/* What filters of the library share beside conditions and templates: secrets, services, refusals, identity, counts. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  createProxy,
  labelled,
  type ClusterScript,
  type Proxy,
  type ProxyOptions,
} from "../../toolchain/hosts/index.js";

const filter = fileURLToPath(new URL("common", import.meta.url));
const identity = fileURLToPath(new URL("../../filters/header-rewrite", import.meta.url));

for (const host of ["emulator", "envoy"] as const) {
  const start = (config: object, more: ProxyOptions = {}): Promise<Proxy> =>
    createProxy({ host, filter, config, ...more });
  const status = async (proxy: Proxy, key?: string): Promise<number> =>
    (await proxy.request(key === undefined ? {} : { headers: { "x-key": key } })).status;

  describe(`what filters share, on ${host}`, () => {
    test("a secret: text, variable, hash", async () => {
      const sha256 = createHash("sha256").update("sesame").digest("hex");
      for (const secret of ["sesame", { env: "KEY" }, { sha256 }, { sha256: sha256.toUpperCase() }]) {
        await using proxy = await start({ secret }, { env: { KEY: "sesame" } });
        assert.deepEqual(
          [
            await status(proxy, "sesame"),
            await status(proxy, "sesam"),
            await status(proxy, "sesame2"),
            await status(proxy),
          ],
          [200, 403, 403, 403],
        );
        assert.ok(!proxy.logs().some(({ message }) => message.includes("sesame")));
      }
    });

    test("an identity goes to later filters", async () => {
      const request = [
        { op: "set", name: "x-identity", value: "${identity}" },
        { op: "set", name: "x-groups", value: "${group}" },
        { op: "set", name: "x-sub", value: "${claim:sub}" },
      ];
      const plugins = [{ filter: identity, config: { request }, position: "after" as const, rootId: "later" }];
      await using proxy = await start({ secret: "a" }, { plugins });
      const { upstream } = await proxy.request({ headers: { "x-key": "a", "x-identity": "root" } });
      const seen = ["x-identity", "x-groups", "x-sub"].map((name) => upstream?.headers.get(name));
      assert.deepEqual(seen, ["key", "a, b", "key"]);
    });

    test("a refusal: problem, JSON, text, a body and headers of one's own, gRPC, HEAD", async () => {
      await using proxy = await start({ secret: "a" });
      const refused = async (deny?: object, input: object = {}) => {
        await proxy.reconfigure({ secret: "a", ...(deny ? { deny } : {}) });
        return proxy.request({ path: "/<script>", headers: { "x-key": "<script>" }, ...input });
      };
      const problem = await refused();
      assert.deepEqual(JSON.parse(problem.text()), { type: "about:blank", title: "Forbidden", status: 403 });
      assert.equal(problem.headers.get("content-type"), "application/problem+json");
      assert.equal(problem.headers.get("www-authenticate"), "Key");
      const json = await refused({ format: "json", status: 401 });
      assert.deepEqual([json.status, json.text()], [401, '{"error":"Forbidden"}\n']);
      const text = await refused({ format: "text", status: 404 });
      assert.deepEqual(
        [text.status, text.text(), text.headers.get("content-type")],
        [404, "Forbidden\n", "text/plain; charset=utf-8"],
      );
      const headers = { "x-help": "https://help.example", "Content-Type": "text/html" };
      const own = await refused({ body: "<h1>No</h1>", headers });
      assert.deepEqual(
        [own.text(), own.headers.all("content-type"), own.headers.get("x-help")],
        ["<h1>No</h1>", ["text/html"], "https://help.example"],
      );
      const call = { method: "POST", headers: { "content-type": "application/grpc", te: "trailers" } };
      const grpc = await refused({ grpcStatus: 16 }, call);
      assert.deepEqual([grpc.status, grpc.headers.get("grpc-status")], [200, "16"]);
      assert.equal((await refused(undefined, call)).headers.get("grpc-status"), "7");
      const head = await refused(undefined, { method: "HEAD" });
      assert.deepEqual([head.status, head.body.length], [403, 0]);
    });

    test("what is decided is counted; shadow refuses nothing", async () => {
      await using proxy = await start({ secret: "a" });
      assert.deepEqual([await status(proxy, "a"), await status(proxy)], [200, 403]);
      await proxy.reconfigure({ secret: "a", mode: "shadow" });
      assert.deepEqual([await status(proxy, "a"), await status(proxy)], [200, 200]);
      const metrics = await proxy.metrics();
      assert.equal(metrics.counter("meshwasm_common_allowed"), 2);
      assert.equal(metrics.counter(labelled("meshwasm_common_denied", { reason: "key" })), 1);
      assert.equal(metrics.counter(labelled("meshwasm_common_shadow_denied", { reason: "key" })), 1);
    });

    test("labels of the configuration on the filter's counts", async () => {
      const labels = { where: "edge", tenant: "${header:x-tenant|default=none}" };
      await using proxy = await start({ secret: "a", metrics: { labels } });
      const send = (key: string, tenant?: string) =>
        proxy.request({ headers: { "x-key": key, ...(tenant === undefined ? {} : { "x-tenant": tenant }) } });
      await send("a", "blue");
      await send("a");
      await send("b", "blue;.;reason=.=x;.;");
      for (let i = 0; i < 1100; i++) await send("a", `t${i}`);
      const counters = (await proxy.metrics()).toJSON().counters;
      const at = (name: string, values: Record<string, string>): number | undefined =>
        counters[labelled(`meshwasm_common_${name}`, values)];
      assert.equal(at("allowed", { tenant: "blue", where: "edge" }), 1);
      assert.equal(at("allowed", { tenant: "none", where: "edge" }), 1);
      assert.equal(at("denied", { reason: "key", tenant: "blue_._reason_._x_._", where: "edge" }), 1);
      // A thousand are counted apart, and what is more together.
      assert.equal(at("allowed", { tenant: "other", where: "other" }), 102);
      assert.equal(
        Object.values(counters).reduce((a, b) => a + b),
        1103,
      );
      for (const [wrong, reason] of [
        [{ le: "a" }, "$.metrics.labels.le: is no name of a label: letters, digits and _, and not le or quantile"],
        [{ "a-b": "a" }, '$.metrics.labels["a-b"]: is no name of a label'],
        [{ reason: "a" }, "$.metrics.labels.reason: ends as the label reason"],
        [{ my_reason: "a" }, "$.metrics.labels.my_reason: ends as the label reason"],
        [{ a: "${nothing}" }, "$.metrics.labels.a: ${…} is not a selector"],
        [{ a: "${response:x}" }, "$.metrics.labels.a: ${…} there is no response yet"],
        [{ a: "${body:/x}" }, "$.metrics.labels.a: ${…} this filter does not read bodies"],
        [{ a: 1 }, "$.metrics.labels.a: must be a string"],
        [{ a: "", b: "", c: "", d: "", e: "", f: "" }, "$.metrics.labels: must have at most 5 items"],
      ] as const)
        await assert.rejects(proxy.reconfigure({ metrics: { labels: wrong } }), (error: Error) => {
          assert.ok(error.message.includes(reason.replace(" items", "")), error.message);
          return true;
        });
    });

    test("a service: cluster and URL, authority, path, failure", async () => {
      const seen: string[] = [];
      const answering: ClusterScript = ({ authority, path }) => {
        seen.push(`${authority}${path}`);
        return { status: path.startsWith("/no") ? 401 : 200 };
      };
      const clusters = { auth: answering, "outbound|8443||auth.test": answering, down: { refuses: true } as const };
      await using proxy = await start({ upstream: { cluster: "auth" } }, { clusters });
      const ask = async (upstream: object, more: object = {}): Promise<number> => {
        await proxy.reconfigure({ upstream, ...more });
        return status(proxy);
      };
      assert.equal(await ask({ cluster: "auth", authority: "a.example", path: "/x?y=1" }), 200);
      assert.equal(await ask({ cluster: "auth", path: "/no" }), 403);
      assert.equal(await ask({ url: "https://auth.test:8443/check" }), 200);
      assert.equal(await ask({ cluster: "outbound|8443||auth.test" }), 200);
      assert.deepEqual(seen, ["a.example/x?y=1", "auth/no", "auth.test:8443/check", "auth.test/"]);
      assert.equal(await ask({ cluster: "down" }), 403);
      assert.equal(await ask({ cluster: "nowhere" }), 403);
      assert.equal(await ask({ cluster: "down" }, { onError: "allow" }), 200);
      assert.equal((await proxy.metrics()).counter(labelled("meshwasm_common_error", { reason: "upstream" })), 3);
    });

    test("retries are Envoy's own", async () => {
      let asked = 0;
      const clusters: Record<string, ClusterScript> = { auth: () => (++asked < 3 ? { status: 503 } : { status: 200 }) };
      await using proxy = await start({ upstream: { cluster: "auth", retries: 2, timeout: "3s" } }, { clusters });
      assert.equal(await status(proxy), 200);
      assert.equal(asked, 3);
      asked = 1;
      await proxy.cluster("auth", () => (++asked < 3 ? { reset: true } : { status: 200 }));
      assert.equal(await status(proxy), 200);
      asked = 0;
      await proxy.cluster("auth", () => (asked++, { status: 404 }));
      assert.deepEqual([await status(proxy), asked], [403, 1]);
    });

    test("what is wrong is refused with its path", async () => {
      await using proxy = await start({});
      for (const [config, reason] of [
        [{ secret: "" }, /\$\.secret: must have at least 1/],
        [{ secret: { env: "NOT_THERE" } }, /\$\.secret\.env: the proxy has no environment variable NOT_THERE/],
        [{ secret: { sha256: "x".repeat(64) } }, /\$\.secret\.sha256: must be 64 hexadecimal digits/],
        [{ secret: { env: "A", sha256: "b" } }, /\$\.secret/],
        [{ upstream: {} }, /\$\.upstream/],
        [{ upstream: { cluster: "a", path: "x" } }, /\$\.upstream\.path: must begin with \//],
        [{ upstream: { cluster: "a", timeout: "0s" } }, /\$\.upstream\.timeout: must be above 0/],
        [{ upstream: { url: "ftp://a/" } }, /\$\.upstream\.url: must begin with https/],
        [{ upstream: { url: "https://user@a/" } }, /\$\.upstream\.url: must be a host/],
        [{ deny: { status: 200 } }, /\$\.deny\.status: must be at least 400/],
        [{ deny: { headers: { "a b": "c" } } }, /\$\.deny\.headers\["a b"\]: is not a header name/],
        [{ deny: { headers: { "content-length": "1" } } }, /\$\.deny\.headers\["content-length"\]: /],
        [{ deny: { headers: { a: "b\r\nset-cookie: c" } } }, /\$\.deny\.headers\["a"\]: has a control character/],
      ] as const) {
        await assert.rejects(proxy.reconfigure(config), reason, JSON.stringify(config));
      }
    });
  });
}
