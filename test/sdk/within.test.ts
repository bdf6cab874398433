/* Callbacks that come within a host call, and a host that does not make the streams known: neither may touch another
 * callback's or another stream's state. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createProxy } from "../../toolchain/hosts/index.js";
import { moduleOf } from "./program.js";

const SOURCE = `
import { HeadersAction, HttpFilter, HttpCall, HttpCallResponse, GrpcStream, GrpcStatus, HeaderMap, NoConfig, Plugin, registerHttpFilter, log } from "meshwasm/sdk";
class P extends Plugin<NoConfig> {}
class S extends GrpcStream {
  constructor(private f: F) { super("hostless", "a.B", "C"); }
  onInitialMetadata(m: HeaderMap): void { log.info("meta"); }
  onClose(s: GrpcStatus, m: string): void { log.info("closed " + s.toString()); this.f.request.resume(); }
}
class F extends HttpFilter<P> {
  private garbage: string = "";
  onRequestHeaders(e: bool): HeadersAction {
    for (let i = 0; i < 20000; i++) this.garbage = i.toString() + "some garbage";
    const s = new S(this); const kept = this.request.headers.get(":path"); s.open(this);
    log.info("after " + kept! + " " + (this.request.headers.get(":path") || "gone")!);
    return HeadersAction.StopIteration;
  }
}
registerHttpFilter<F, P, NoConfig>();
`;

const folder = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
const filter = join(folder, "within.wasm");
before(async () => writeFileSync(filter, await moduleOf({ "assembly/index.ts": SOURCE })));
after(() => rmSync(folder, { recursive: true }));

for (const host of ["emulator", "envoy"] as const) {
  describe(`within a host call on ${host}`, () => {
    const clusters = { hostless: { hosts: false } } as const;

    it("a gRPC stream that cannot be opened leaves the callback as it is, and is closed behind it", async () => {
      await using proxy = await createProxy({ host, filter, clusters });
      assert.equal((await proxy.request({ path: "/a" })).status, 200);
      assert.deepEqual(
        proxy.logs().map(({ message }) => message),
        ["after /a /a", "closed 14"],
      );
    });

    it("streams whose contexts the host does not make known are refused", async () => {
      const capabilities = [
        "proxy_on_request_headers",
        "proxy_get_header_map_pairs",
        "proxy_send_local_response",
        "malloc",
      ];
      await using proxy = await createProxy({ host, filter, clusters, capabilities });
      assert.equal((await proxy.request()).status, 500);
    });
  });
}
