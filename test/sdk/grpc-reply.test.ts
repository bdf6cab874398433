import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "../../toolchain/build/index.js";
import { createProxy, type HeaderLine, type Proxy } from "../../toolchain/hosts/index.js";

const project = fileURLToPath(new URL("filters/grpc-reply", import.meta.url));

/** gRPC's status for each HTTP status, as Envoy maps them. */
const MAPPED: readonly (readonly [code: number, grpc: number])[] = [
  [200, 2],
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [413, 2],
  [429, 14],
  [500, 2],
  [502, 14],
  [503, 14],
  [504, 14],
];

for (const host of ["emulator", "envoy"] as const) {
  describe(`local replies to gRPC requests on ${host}`, () => {
    let proxy: Proxy;

    before(async () => {
      await build(project);
      proxy = await createProxy({ filter: project, host });
    });
    after(() => proxy.close());

    async function reply(code: number, more: Record<string, string> = {}, type: string | null = "application/grpc") {
      const headers: HeaderLine[] = [["x-code", String(code)], ...Object.entries(more)];
      if (type !== null) headers.push(["content-type", type]);
      const response = await proxy.request({ method: "POST", path: "/service/Method", headers, body: "\0\0\0\0\0" });
      return {
        status: response.status,
        type: response.headers.get("content-type"),
        grpc: response.headers.get("grpc-status"),
        message: response.headers.get("grpc-message"),
        reason: response.headers.get("x-reason"),
        text: response.text(),
        upstream: response.upstream,
        trailers: response.trailers.toJSON(),
      };
    }

    it("have status 200 and a grpc-status that follows from the HTTP status", async () => {
      for (const [code, grpc] of MAPPED) {
        assert.deepEqual(
          await reply(code),
          {
            status: 200,
            type: "application/grpc",
            grpc: String(grpc),
            message: null,
            reason: "policy",
            text: "",
            upstream: null,
            trailers: [],
          },
          String(code),
        );
      }
    });

    it("carry the grpc-status that the filter gives, whatever the HTTP status", async () => {
      for (let grpc = 0; grpc <= 16; grpc++) {
        const got = await reply(403, { "x-grpc": String(grpc) });
        assert.equal(got.status, 200);
        assert.equal(got.grpc, String(grpc));
      }
    });

    it("carry the body as grpc-message, percent-encoded", async () => {
      assert.equal((await reply(403, { "x-body": "not you" })).message, "not you");
      const got = await reply(403, { "x-body": "50% \u00c3\u00bc" });
      assert.equal(got.message, "50%25 %C3%BC");
      assert.equal(got.text, "");
    });

    it("are known by the content-type", async () => {
      assert.equal((await reply(403, {}, "application/grpc+proto")).grpc, "7");
      for (const type of [null, "application/json", "application/grpc-web", "application/grpcx"]) {
        const got = await reply(403, { "x-grpc": "7", "x-body": "no" }, type);
        assert.equal(got.status, 403, String(type));
        assert.equal(got.grpc, null, String(type));
        assert.equal(got.text, "no", String(type));
        assert.equal(got.reason, "policy", String(type));
      }
    });

    it("are made in the response phase too", async () => {
      const got = await reply(200, { "x-late": "1" });
      assert.equal(got.status, 200);
      assert.equal(got.grpc, "14");
      assert.equal(got.message, "too late");
      assert.equal(got.text, "");
    });
  });
}
