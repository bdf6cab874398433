import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "../../toolchain/build/index.js";
import { createProxy, type Proxy, type RequestInput, type UpstreamResponse } from "../../toolchain/hosts/index.js";

const project = fileURLToPath(new URL("filters/trailers", import.meta.url));
const TAIL = [
  ["x-tail", "one"],
  ["x-tail", "two"],
  ["x-gone", "1"],
] as const;

for (const host of ["emulator", "envoy"] as const) {
  describe(`trailers on ${host}`, () => {
    let proxy: Proxy;
    const answers = new Map<string, UpstreamResponse>();

    before(async () => {
      await build(project);
      proxy = await createProxy({
        filter: project,
        host,
        upstream: (request) => answers.get(request.path) ?? { body: "from upstream" },
      });
    });
    after(() => proxy.close());

    async function send(path: string, input: RequestInput = {}) {
      const from = proxy.logs().length;
      const response = await proxy.request({ path, ...input });
      const seen = response.upstream;
      return {
        status: response.status,
        text: response.text(),
        headers: response.headers,
        trailers: response.trailers.toJSON(),
        upstream: seen && Buffer.from(seen.body).toString(),
        upstreamHeaders: seen?.headers,
        upstreamTrailers: seen?.trailers.toJSON(),
        logs: proxy
          .logs()
          .slice(from)
          .map((line) => line.message),
      };
    }

    const post = (path: string, body?: string) => send(path, { method: "POST", body, trailers: TAIL });

    function answered(path: string, more: UpstreamResponse = {}) {
      answers.set(path, { body: "from upstream", trailers: TAIL, ...more });
      return send(path);
    }

    it("pass through unchanged when the filter leaves them alone", async () => {
      answers.set("/other", { body: "from upstream", trailers: TAIL });
      const got = await post("/other", "hello");
      assert.equal(got.upstream, "hello");
      assert.deepEqual(got.upstreamTrailers, TAIL);
      assert.equal(got.text, "from upstream");
      assert.deepEqual(got.trailers, TAIL);
      assert.equal(got.headers.get("content-length"), null);
    });

    it("are none where none were sent", async () => {
      const got = await send("/other", { method: "POST", body: "hello" });
      answers.delete("/other");
      const plain = await send("/other", { method: "POST", body: "hello" });
      assert.deepEqual(got.upstreamTrailers, []);
      assert.deepEqual(plain.trailers, []);
      assert.equal(plain.headers.get("content-length"), "13");
    });

    it("can follow no body at all", async () => {
      const got = await post("/request/plain");
      assert.deepEqual(got.logs, ["request trailers one|two"]);
      assert.equal(got.upstream, "");
      assert.deepEqual(got.upstreamTrailers, TAIL);
      const answer = await answered("/response/plain", { body: "" });
      assert.deepEqual(answer.logs, ["response trailers one|two"]);
      assert.deepEqual(answer.trailers, TAIL);
    });

    const EDITED = [
      "append 0",
      "set 0",
      "remove 0",
      "crlf 2",
      "pseudo 2",
      "x-tail=one;x-tail=two;x-tail=appended;x-set=\u00fc;",
    ];
    const LEFT = [
      ["x-tail", "one"],
      ["x-tail", "two"],
      ["x-tail", "appended"],
      ["x-set", "\u00c3\u00bc"],
    ];

    it("of a request are read, added to, set and removed", async () => {
      const got = await post("/request/edit", "hello");
      assert.deepEqual(got.logs, ["request trailers one|two", ...EDITED]);
      assert.equal(got.upstream, "hello");
      assert.deepEqual(got.upstreamTrailers, LEFT);
    });

    it("of a response are read, added to, set and removed", async () => {
      const got = await answered("/response/edit");
      assert.deepEqual(got.logs, ["response trailers one|two", ...EDITED]);
      assert.equal(got.text, "from upstream");
      assert.deepEqual(got.trailers, LEFT);
    });

    it("are given to the end of a body that has none, and only there", async () => {
      const got = await send("/request/last", {
        method: "POST",
        body: "hello",
        headers: { "transfer-encoding": "chunked" },
      });
      assert.deepEqual(got.logs, ["early 2", "last 0"]);
      assert.deepEqual(got.upstreamTrailers, [["x-last", "1"]]);
      assert.deepEqual((await send("/request/none")).logs, ["early 2"]);
    });

    it("end a request body that is inspected", async () => {
      const got = await post("/request/inspect", "hello");
      assert.deepEqual(got.logs, ["request body hello whole", "request trailers one|two"]);
      assert.equal(got.upstream, "hello");
      const replaced = await post("/request/inspect/resize/replace", "hello");
      assert.deepEqual(replaced.logs.slice(0, 2), ["request body hello whole", "replace 0"]);
      assert.equal(replaced.upstream, "something else");
      assert.deepEqual(replaced.upstreamTrailers, TAIL);
      const refused = await post("/request/inspect/replace", "hello");
      assert.deepEqual(refused.logs.slice(0, 2), ["request body hello whole", "replace 2"]);
      assert.equal(refused.upstream, "hello");
    });

    it("end a request body that is held, with its headers", async () => {
      const got = await post("/request/hold/replace", "hello");
      assert.deepEqual(got.logs, ["request body hello whole", "header 0", "replace 0", "request trailers one|two"]);
      assert.equal(got.upstreamHeaders?.get("x-body"), "hello");
      assert.equal(got.upstream, "something else");
      assert.deepEqual(got.upstreamTrailers, TAIL);
      const empty = await post("/request/hold");
      assert.deepEqual(empty.logs, ["request body  whole", "header 0", "request trailers one|two"]);
      assert.equal(empty.upstream, "");
      assert.deepEqual(empty.upstreamTrailers, TAIL);
    });

    it("end a body by which the request is denied", async () => {
      for (const mode of ["inspect", "hold"]) {
        const got = await post(`/request/${mode}/deny`, "hello");
        assert.deepEqual(got.logs.slice(0, 2), ["request body hello whole", "reply 0"]);
        assert.equal(got.status, 403);
        assert.equal(got.text, "denied by the body\n");
        assert.equal(got.upstream, null);
      }
    });

    it("do not lift the limit of a body", async () => {
      for (const mode of ["inspect", "hold"]) {
        const got = await post(`/request/${mode}`, "x".repeat(17));
        assert.equal(got.status, 413);
        assert.equal(got.upstream, null);
      }
      assert.equal((await answered("/response/hold/large", { body: "y".repeat(17) })).status, 500);
    });

    it("end a response body that is inspected or held", async () => {
      const inspected = await answered("/response/inspect/resize/replace");
      assert.deepEqual(inspected.logs, ["response body from upstream whole", "replace 0", "response trailers one|two"]);
      assert.equal(inspected.text, "something else");
      assert.deepEqual(inspected.trailers, TAIL);
      const held = await answered("/response/hold/replace");
      assert.deepEqual(held.logs, [
        "response body from upstream whole",
        "header 0",
        "replace 0",
        "response trailers one|two",
      ]);
      assert.equal(held.headers.get("x-body"), "from upstream");
      assert.equal(held.text, "something else");
      assert.deepEqual(held.trailers, TAIL);
    });

    it("end a held response body that is answered in its place", async () => {
      const got = await answered("/response/hold/deny");
      assert.deepEqual(got.logs.slice(0, 2), ["response body from upstream whole", "reply 0"]);
      assert.equal(got.status, 502);
      assert.equal(got.text, "hidden\n");
      assert.deepEqual(got.trailers, []);
    });

    it("of a request can be answered by a local reply", async () => {
      const got = await send("/request/reply", { method: "POST", body: "hello", trailers: { "x-verdict": "bad" } });
      assert.deepEqual(got.logs, ["request trailers ", "reply 0", "again 2"]);
      assert.equal(got.status, 403);
      assert.equal(got.text, "denied by the trailers: bad\n");
      assert.equal(got.upstream, null);
    });

    it("of a response come too late for a local reply", async () => {
      const got = await answered("/response/reply");
      assert.deepEqual(got.logs, ["response trailers one|two", "reply 2"]);
      assert.equal(got.status, 200);
      assert.equal(got.text, "from upstream");
      assert.deepEqual(got.trailers, TAIL);
    });

    it("let a paused request go on, with headers changed in their callback", async () => {
      const got = await post("/request/pause", "hello");
      assert.deepEqual(got.logs, ["request trailers one|two", "header 0"]);
      assert.equal(got.upstreamHeaders?.get("x-paused"), "1");
      assert.equal(got.upstream, "hello");
      assert.deepEqual(got.upstreamTrailers, TAIL);
    });

    it("stop a message until it is resumed", async () => {
      const got = await post("/request/stop/edit", "hello");
      assert.equal(got.logs.at(-1), "resume 0");
      assert.equal(got.status, 200);
      assert.equal(got.upstream, "hello");
      assert.deepEqual(got.upstreamTrailers, LEFT);
      const answer = await answered("/response/stop/edit");
      assert.equal(answer.logs.at(-1), "resume 0");
      assert.equal(answer.text, "from upstream");
      assert.deepEqual(answer.trailers, LEFT);
    });

    it("of a response can be read again in the log callback", async () => {
      const from = proxy.logs().length;
      await answered("/log");
      const said = () =>
        proxy
          .logs()
          .slice(from)
          .map((line) => line.message);
      for (let tries = 0; tries < 100 && said().length === 0; tries++) await new Promise((r) => setTimeout(r, 10));
      assert.deepEqual(said(), ["log one|two"]);
    });

    it("cannot go with a content-length", async () => {
      const headers = { "content-length": "5" };
      await assert.rejects(
        proxy.request({ method: "POST", path: "/other", headers, body: "hello", trailers: TAIL }),
        /The request has trailers and a content-length/,
      );
      await assert.rejects(
        answered("/other/length", { headers: { "content-length": "13" } }),
        /The upstream's answer has trailers and a content-length/,
      );
    });
  });
}
