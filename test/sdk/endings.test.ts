/* Ends of streams that would hurt Envoy or the peer: a second end in one callback, bodies of the wrong length. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createProxy, type Proxy } from "../../toolchain/hosts/index.js";
import { moduleOf } from "./program.js";

const SOURCE = `
import { DataAction, HeaderLines, HttpCall, HttpCallResponse, HeadersAction, HttpBody, HttpFilter, log, NoConfig, OverLimit, Plugin, registerHttpFilter, Status, TrailersAction } from "meshwasm/sdk";
class P extends Plugin<NoConfig> {}
class F extends HttpFilter<P> {
  private todo: string = "";
  private say(what: string, status: Status): void { log.info(what + " " + (<i32>status).toString()); }
  private end(phase: string): bool {
    const steps = this.todo.split(" ");
    if (steps[0] != phase) return false;
    for (let i = 1; i < steps.length; i++) {
      if (steps[i] == "reset") this.say("reset", this.resetStream());
      else if (steps[i] == "reply") this.say("reply", this.sendLocalResponse(418, "short"));
      else if (steps[i] == "204" || steps[i] == "304") this.say("reply", this.sendLocalResponse(<u32>I32.parseInt(steps[i]), "a body"));
      else if (steps[i] == "framed") this.say("reply", this.sendLocalResponse(418, "short", new HeaderLines().add("Content-Length", "1").add("transfer-encoding", "chunked").add("x-a", "b")));
    }
    return true;
  }
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const todo = this.request.headers.get("x-do");
    if (todo !== null) this.todo = todo;
    log.info("host " + (this.request.headers.get("Host") || "none")! + " " + this.request.headers.lines("host").length.toString());
    this.end("request_headers");
    if (this.todo.startsWith("hold")) return this.request.holdBody(1000, OverLimit.Pass);
    if (this.todo.startsWith("stops")) return this.request.inspectBody(10, OverLimit.Pass);
    if (this.todo.startsWith("answered")) { this.sendLocalResponse(418); return this.request.holdBody(1000); }
    return HeadersAction.Continue;
  }
  onRequestBody(size: u32, endOfStream: bool): DataAction {
    if (this.todo.startsWith("hold")) this.say("later", this.request.body.append(Uint8Array.wrap(String.UTF8.encode("abc"))));
    this.end("request_body");
    return DataAction.Continue;
  }
  onWholeRequestBody(body: HttpBody): DataAction {
    log.info("whole");
    if (this.todo.startsWith("stops")) {
      log.info("stops " + body.isWhole.toString());
      new HttpCall("auth").path("/check").dispatch(this);
      return DataAction.StopIterationAndBuffer;
    }
    if (this.todo.startsWith("hold")) this.say("first", body.append(Uint8Array.wrap(String.UTF8.encode("abc"))));
    return DataAction.Continue;
  }
  onHttpCallResponse(response: HttpCallResponse): void {
    if (this.todo == "stops deny") this.say("reply", this.sendLocalResponse(403));
    else this.say("resume", this.request.resume());
  }
  onRequestTrailers(): TrailersAction { this.end("request_trailers"); return TrailersAction.Continue; }
  onResponseHeaders(endOfStream: bool): HeadersAction {
    if (this.end("response_headers")) return HeadersAction.Continue;
    return this.todo.startsWith("pass") ? this.response.holdBody(10, OverLimit.Pass) : HeadersAction.Continue;
  }
  onResponseBody(size: u32, endOfStream: bool): DataAction { this.end("response_body"); return DataAction.Continue; }
  onResponseTrailers(): TrailersAction {
    if (this.todo.startsWith("pass")) this.say("reply", this.sendLocalResponse(418));
    this.end("response_trailers");
    return TrailersAction.Continue;
  }
}
registerHttpFilter<F, P, NoConfig>();
`;

const folder = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
const filter = join(folder, "endings.wasm");
before(async () => writeFileSync(filter, await moduleOf({ "assembly/index.ts": SOURCE })));
after(() => rmSync(folder, { recursive: true }));

for (const host of ["emulator", "envoy"] as const) {
  describe(`ends of streams on ${host}`, () => {
    let proxy: Proxy;
    before(async () => {
      // Answers when the rest of the body has long come.
      const clusters = { auth: () => ({ body: "", delay: 300 }) };
      const upstream = () => ({ body: "x".repeat(100), trailers: { "x-t": "2" } });
      proxy = await createProxy({ host, filter, upstream, clusters, allowStopIteration: true });
    });
    after(() => proxy.close());
    const body = "a request";
    /** What the filter was told, and the answer's status, null when there was none. */
    async function ask(
      todo: string,
      input: { body?: string } = { body },
    ): Promise<{ said: string[]; status: number | null; text: string }> {
      const mark = proxy.logs().length;
      const request = { method: "POST", headers: { "x-do": todo }, trailers: { "x-t": "1" }, ...input };
      const answer = await proxy.request(request).catch(() => null);
      const said = proxy
        .logs()
        .slice(mark)
        .map(({ message }) => message);
      return {
        said: said.filter((line) => !line.startsWith("host ")),
        status: answer?.status ?? null,
        text: answer?.text() ?? "",
      };
    }

    for (const phase of ["request_headers", "request_body", "request_trailers", "response_headers"]) {
      it(`only the first end in one callback counts: ${phase}`, async () => {
        assert.deepEqual((await ask(`${phase} reply reset reply`)).said.slice(0, 3), ["reply 0", "reset 2", "reply 2"]);
        assert.deepEqual((await ask(`${phase} reset reset reply`)).said.slice(0, 3), ["reset 0", "reset 2", "reply 2"]);
        assert.equal((await ask("nothing")).status, 200, "Envoy is alive");
      });
    }

    it("a reset in the trailers of a response, whatever the callback returns", async () => {
      for (const phase of ["response_body", "response_trailers"])
        assert.equal((await ask(`${phase} reset`)).said[0], "reset 0", phase);
      assert.equal((await ask("nothing")).status, 200, "Envoy is alive");
    });

    it("a reply of 204 or 304 has no body", async () => {
      for (const code of ["204", "304"]) {
        const { status, text, said } = await ask(`request_headers ${code}`);
        assert.deepEqual([status, text, said[0]], [Number(code), "", "reply 0"]);
      }
    });

    it("a reply cannot be framed by its filter", async () => {
      const { status, text, said } = await ask("request_headers framed");
      assert.deepEqual([status, text, said[0]], [418, "short", "reply 2"]);
    });

    it("what was held and let pass keeps its length", async () => {
      const large = "y".repeat(5000);
      const mark = proxy.logs().length;
      const answer = await proxy.request({ method: "POST", headers: { "x-do": "hold" }, body: large });
      assert.equal(Buffer.from(answer.upstream!.body).toString(), large);
      const said = proxy
        .logs()
        .slice(mark)
        .map(({ message }) => message);
      assert.equal(said.includes("first 2"), true, said.join("; "));
      assert.ok(
        said.every((line) => line !== "later 0"),
        said.join("; "),
      );
    });

    it("a held body that is whole can still grow", async () => {
      const answer = await proxy.request({ method: "POST", headers: { "x-do": "hold" }, body: "small" });
      assert.equal(Buffer.from(answer.upstream!.body).toString(), "smallabc");
    });

    it("no reply once held headers have gone on", async () => {
      const { status, said, text } = await ask("pass");
      assert.deepEqual([status, text.length, said.at(-1)], [200, 100, "reply 2"]);
    });

    it("a body is not waited for when the stream was answered", async () => {
      const { status, said } = await ask("answered", {});
      assert.deepEqual([status, said], [418, []]);
    });

    it("the rest of a body that is stopped waits for the decision, trailers included", async () => {
      const large = "z".repeat(200_000);
      const denied = await ask("stops deny", { body: large });
      assert.deepEqual([denied.status, denied.said.at(-1)], [403, "reply 0"]);
      const answer = await proxy.request({
        method: "POST",
        headers: { "x-do": "stops" },
        body: large,
        trailers: { "x-t": "1" },
      });
      assert.equal(Buffer.from(answer.upstream!.body).toString(), large);
      assert.equal(answer.upstream!.trailers.get("x-t"), "1");
    });

    it("host is read as :authority", async () => {
      const mark = proxy.logs().length;
      await proxy.request({ authority: "shop.test" });
      assert.equal(proxy.logs()[mark]!.message, "host shop.test 1");
    });
  });
}
