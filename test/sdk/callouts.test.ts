import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createProxy, type ClusterScript, type Proxy, type RequestInput } from "../../toolchain/hosts/index.js";

const project = fileURLToPath(new URL("filters/calls", import.meta.url));

/** What grpc status 3 and 7 carry, and what each answer of an HTTP cluster looks like. */
const CLUSTERS: Readonly<Record<string, ClusterScript>> = {
  auth: (request) => ({
    status: request.headers.get("x-from") ? 200 : 204,
    headers: { "x-user": request.path.startsWith("/check") ? "ann" : "none", "x-name": `A${request.path}` },
    body: request.headers.get("x-from")
      ? `${request.method} ${request.authority} ${Buffer.from(request.body).toString()}`
      : "",
  }),
  denies: () => ({ status: 401 }),
  slow: () => ({ status: 200, delay: 100, headers: { "x-name": "S" }, body: "slow" }),
  never: () => new Promise(() => {}),
  refuse: { refuses: true },
  empty: { hosts: false },
  reset: () => ({ reset: true }),
  big: () => ({ body: "x".repeat(2000) }),
  broken: () => ({ headers: { "content-length": "100" }, body: "short", reset: true }),
  e503: () => ({ status: 503, body: "try later" }),
  rpc: {
    grpc: async (call) => {
      if (call.method === "Say") {
        for await (const message of call.messages) {
          call.send(Buffer.from(`echo ${Buffer.from(message).toString()} ${call.metadata.get("x-meta")}`));
        }
        return call.finish({ status: 0 });
      }
      call.sendMetadata({ "x-initial": "i" });
      for await (const message of call.messages) call.send(message);
      call.finish({ status: 3, message: "enough", trailers: { "x-trailing": "t" } });
    },
  },
  fails: { grpc: (call) => call.finish({ status: 7, message: "no wäy: 100% sure" }) },
  bigrpc: {
    grpc: (call) => {
      call.send(Buffer.alloc(2000));
      call.finish({ status: 0 });
    },
  },
  truncated: {
    grpc: (call) => {
      call.sendRaw(Buffer.from([0, 0, 0, 0, 9, 1, 2]));
      call.finish({ status: 0 });
    },
  },
  neverrpc: { grpc: () => new Promise(() => {}) },
};

/** CallFailure. */
const [NONE, REFUSED, NO_HOST, UNAVAILABLE, TIMEOUT, , TOO_LARGE] = [0, 1, 2, 3, 4, 5, 6];
const POST: RequestInput = { method: "POST", body: "payload", trailers: { "x-t": "1" } };

for (const host of ["emulator", "envoy"] as const) {
  describe(`callouts on ${host}`, () => {
    let proxy: Proxy;
    before(async () => {
      proxy = await createProxy({ filter: project, host, clusters: CLUSTERS });
    });
    after(() => proxy.close());

    const send = async (path: string, input: RequestInput = {}) => {
      const from = proxy.logs().length;
      const response = await proxy.request({ path: `/${path}`, ...input });
      const logs = () =>
        proxy
          .logs()
          .slice(from)
          .map((line) => line.message);
      for (let tries = 0; tries < 200 && !logs().includes("over"); tries++) await sleep(10);
      return { response, logs: logs() };
    };

    for (const [what, input] of [
      ["a request", {}],
      ["a request with body and trailers", POST],
    ] as const) {
      it(`${what} waits for the answer, is changed and goes on`, async () => {
        const { response, logs } = await send("auth", input);
        assert.equal(response.status, 200);
        assert.equal(response.upstream?.headers.get("x-user"), "ann");
        assert.equal(Buffer.from(response.upstream!.body).toString(), "body" in input ? "payload" : "");
        assert.deepEqual([...response.upstream!.trailers], "body" in input ? [["x-t", "1"]] : []);
        assert.ok(logs[0]!.startsWith("answer 200 POST auth.example.test who is it?"), logs[0]);
        assert.equal(logs[1], "after resume 2", "the headers are gone");
      });
    }

    it("a request is answered from the callback", async () => {
      await proxy.cluster("auth", () => ({ status: 401 }));
      const { response } = await send("auth", POST);
      await proxy.cluster("auth", CLUSTERS["auth"]!);
      assert.equal(response.status, 403);
      assert.equal(response.headers.get("x-why"), "auth");
      assert.equal(response.upstream, null);
    });

    it("a response waits for the answer, is changed and goes on", async () => {
      const { response } = await send("response");
      assert.equal(response.headers.get("x-checked"), "204");
    });

    const FAILURES: readonly (readonly [path: string, failure: number, status: number, length: number])[] = [
      ["to/slow", NONE, 200, 4],
      ["to/e503", NONE, 503, 9],
      ["to/unknown", REFUSED, 0, 0],
      ["to/empty", NO_HOST, 0, 0],
      ["to/never", TIMEOUT, 504, 24],
      ["to/big", TOO_LARGE, 200, 0],
    ];
    for (const [path, failure, status, length] of FAILURES) {
      it(`${path}: failure ${failure}`, async () => {
        const { response, logs } = await send(path);
        assert.equal(logs[0], `stream 7:${failure}:${status}:${length}`);
        assert.equal(response.upstream?.headers.get("x-failure"), String(failure));
      });
    }
    for (const path of ["to/refuse", "to/reset"]) {
      it(`${path}: no connection`, async () => {
        const { logs } = await send(path);
        assert.match(logs[0]!, new RegExp(`^stream 7:${UNAVAILABLE}:503:\\d\\d+$`));
      });
    }
    it("an answer that breaks off is a failure", async () => {
      const { logs } = await send("to/broken");
      assert.match(logs[0]!, /^stream 7:[35]:/);
    });

    it("a header that is not allowed fails the call", async () => {
      assert.equal((await send("badheader")).logs[0], `stream 0:${REFUSED}:0:0`);
    });

    it("every call of a callback that cannot be sent fails at its end, however many there are", async () => {
      assert.equal((await send("manyfail")).response.text(), `done${` ${REFUSED}//`.repeat(200)}`);
    });

    it("several calls have one continuation, failures and empty groups too", async () => {
      assert.equal((await send("group")).response.text(), "done 0/A/one/ 1// 0/S/slow");
      assert.equal((await send("emptygroup")).response.text(), "done");
    });

    it("resumes once, however many answers come", async () => {
      const { response, logs } = await send("twice", POST);
      assert.equal(response.status, 200);
      assert.equal(Buffer.from(response.upstream!.body).toString(), "payload");
      assert.deepEqual([...response.upstream!.trailers], [["x-t", "1"]]);
      assert.equal(logs.filter((line) => line === "trailers").length, 1);
    });

    it("drops what comes for a stream that was answered or is over", async () => {
      assert.equal((await send("replied")).response.status, 418);
      await send("gone");
      await sleep(200);
      assert.deepEqual(
        proxy
          .logs()
          .slice(-3)
          .filter((line) => line.message.startsWith("stream")),
        [],
      );
    });

    it("a plugin gets the answers to its own calls", async () => {
      const from = proxy.logs().length;
      await send("root");
      const logs = () => proxy.logs().slice(from);
      for (let tries = 0; tries < 200 && logs().every((line) => !line.message.startsWith("root")); tries++)
        await sleep(10);
      assert.ok(logs().some((line) => /^root 9:0:204:0 \d+$/.test(line.message)));
    });

    it("a tick wakes streams that wait", async () => {
      for (const input of [{}, POST]) {
        const request = send("tick", input);
        if (host === "emulator") {
          await sleep(50);
          await proxy.advance(50);
        }
        const { response } = await request;
        assert.equal(response.upstream?.headers.get("x-woken"), "yes");
      }
    });

    it("resume inside the callback is Continue", async () => {
      const { response } = await send("resumeinside", POST);
      assert.equal(Buffer.from(response.upstream!.body).toString(), "payload");
    });

    const RPCS: readonly (readonly [string, RegExp])[] = [
      ["rpc", /^grpc 0 0 {2}echo hello data$/],
      ["fails", /^grpc 0 7 no wäy: 100% sure $/],
      ["unknown", new RegExp(`^grpc ${NO_HOST} 14 {2}$`)],
      ["empty", new RegExp(`^grpc ${NO_HOST} 14 {2}$`)],
      ["refuse", /^grpc 0 14 upstream connect error/],
      ["neverrpc", /^grpc 0 14 upstream request timeout/],
      ["bigrpc", new RegExp(`^grpc ${TOO_LARGE} 0 {2}$`)],
      ["truncated", /^grpc 0 13 /],
    ];
    for (const [cluster, expected] of RPCS) {
      it(`gRPC call to ${cluster}`, async () => {
        assert.match((await send(`grpc/${cluster}`)).response.text(), expected);
      });
    }

    it("a gRPC stream has metadata, messages both ways, trailers and an end", async () => {
      assert.equal(
        (await send("stream")).response.text(),
        "closed 3 enough; initial i; message 1; message second; trailing t; after end 2",
      );
    });

    it("a gRPC stream ends with its request", async () => {
      const { response } = await send("streamgone");
      assert.equal(response.status, 200);
    });
  });
}
