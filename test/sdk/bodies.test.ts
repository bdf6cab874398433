import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "../../toolchain/build/index.js";
import { createProxy, type Proxy, type RequestInput } from "../../toolchain/hosts/index.js";

const project = fileURLToPath(new URL("filters/bodies", import.meta.url));

for (const host of ["emulator", "envoy"] as const) {
  describe(`bodies on ${host}`, () => {
    let proxy: Proxy;
    let answer = "from upstream";

    before(async () => {
      await build(project);
      proxy = await createProxy({
        filter: project,
        host,
        upstream: () => ({ body: answer }),
      });
    });
    after(() => proxy.close());

    async function send(path: string, body?: string, input: RequestInput = {}) {
      const from = proxy.logs().length;
      const response = await proxy.request({ method: body === undefined ? "GET" : "POST", path, body, ...input });
      const seen = response.upstream;
      return {
        status: response.status,
        text: response.text(),
        headers: response.headers,
        upstream: seen && Buffer.from(seen.body).toString(),
        upstreamHeaders: seen?.headers,
        logs: proxy
          .logs()
          .slice(from)
          .map((line) => line.message),
      };
    }

    it("inspects a request body and lets it pass unchanged", async () => {
      const got = await send("/request/inspect", "hello");
      assert.equal(got.status, 200);
      assert.equal(got.upstream, "hello");
      assert.equal(got.upstreamHeaders?.get("content-length"), "5");
      assert.deepEqual(got.logs, ["request body 5 whole"]);
    });

    it("denies by the body", async () => {
      const got = await send("/request/inspect", "deny");
      assert.equal(got.status, 403);
      assert.equal(got.text, "denied\n");
      assert.equal(got.upstream, null);
    });

    it("gives an empty whole body to a request without one", async () => {
      for (const mode of ["inspect", "hold"]) {
        const got = await send(`/request/${mode}`);
        assert.equal(got.status, 200);
        assert.deepEqual(got.logs, ["request body 0 whole"]);
      }
    });

    it("resizes a body when that was announced", async () => {
      const got = await send("/request/inspect/resize", "hello");
      assert.deepEqual(got.logs, ["request body 5 whole", "status 0"]);
      assert.equal(got.upstream, "hello and more");
      assert.equal(got.upstreamHeaders?.get("content-length"), null);
    });

    it("refuses to resize a body whose length the upstream was told", async () => {
      const got = await send("/request/inspect/fixed", "hello");
      assert.deepEqual(got.logs, ["request body 5 whole", "status 2"]);
      assert.equal(got.upstream, "hello");
    });

    it("holds headers until the body was read, and corrects content-length", async () => {
      const got = await send("/request/hold/change", "hello");
      assert.deepEqual(got.logs, ["request body 5 whole", "status 0"]);
      assert.equal(got.upstream, "hello and more");
      assert.equal(got.upstreamHeaders?.get("x-body"), "hello");
      assert.equal(got.upstreamHeaders?.get("content-length"), "14");
    });

    it("answers 413 above the limit, or passes by choice", async () => {
      for (const mode of ["inspect", "hold"]) {
        const rejected = await send(`/request/${mode}`, "x".repeat(17));
        assert.equal(rejected.status, 413);
        assert.equal(rejected.upstream, null);
        const passed = await send(`/request/${mode}/pass`, "x".repeat(17));
        assert.equal(passed.status, 200);
        assert.equal(passed.upstream, "x".repeat(17));
        assert.deepEqual(passed.logs, ["request body 17 part"]);
      }
    });

    it("transforms a stream piece by piece", async () => {
      const got = await send("/request/stream", "hello");
      assert.equal(got.status, 200);
      assert.match(got.upstream ?? "", /^hello!+$/);
    });

    it("replaces a body of 1 MB", async () => {
      const got = await send("/request/large", "a".repeat(1_000_000));
      assert.equal(got.status, 200);
      assert.equal(got.upstream, "x".repeat(1_000_000));
    });

    it("does the same to responses", async () => {
      const inspected = await send("/response/inspect");
      assert.equal(inspected.text, "from upstream");
      assert.deepEqual(inspected.logs, ["response body 13 whole"]);
      const fixed = await send("/response/inspect/fixed");
      assert.equal(fixed.text, "from upstream");
      assert.deepEqual(fixed.logs, ["response body 13 whole", "status 2"]);
      const resized = await send("/response/inspect/resize");
      assert.equal(resized.text, "from upstream and more");
      const held = await send("/response/hold/change");
      assert.equal(held.text, "from upstream and more");
      assert.equal(held.headers.get("x-body"), "from upstream");
      assert.equal(held.headers.get("content-length"), "22");
      const streamed = await send("/response/stream");
      assert.match(streamed.text, /^from upstream!+$/);
    });

    it("limits response bodies", async () => {
      answer = "y".repeat(17);
      const held = await send("/response/hold");
      assert.equal(held.status, 500);
      const passed = await send("/response/inspect/pass");
      assert.equal(passed.text, answer);
      answer = "from upstream";
    });

    it("answers in place of a held response, and not once its headers are gone", async () => {
      answer = "hide";
      const held = await send("/response/hold");
      assert.deepEqual(held.logs, ["response body 4 whole", "status 0"]);
      assert.equal(held.status, 502);
      assert.equal(held.text, "hidden\n");
      assert.equal(held.headers.get("x-hidden"), "yes");
      const gone = await send("/response/inspect");
      assert.deepEqual(gone.logs, ["response body 4 whole", "status 2"]);
      assert.equal(gone.text, "hide");
      answer = "from upstream";
    });
  });
}
