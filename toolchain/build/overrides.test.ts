import assert from "node:assert/strict";
import { test } from "node:test";
import { compile } from "./compile.js";
import { BuildError, formatDiagnostics } from "./errors.js";
import { Host } from "./testdata/host.js";
import { makeProject, SMALLEST } from "./testdata/project.js";
import { readWasm } from "./wasm.js";

const IMPORTS = `import { Config, DataAction, HeadersAction, HttpFilter, JsonReader, log, NoConfig, Plugin, registerHttpFilter, RootContext, TrailersAction } from "meshwasm/sdk";\n`;
const PLUGIN = "class P extends Plugin<NoConfig> {}\n";
const REGISTER = "registerHttpFilter<F, P, NoConfig>();\n";
const HEADERS = "onRequestHeaders(end: bool): HeadersAction { return HeadersAction.Continue; }";
const STATE = ["proxy_on_context_create", "proxy_on_delete"];

async function moduleOf(source: string, files: Record<string, string> = {}): Promise<Uint8Array> {
  try {
    return (await compile(makeProject({ "assembly/index.ts": IMPORTS + source, ...files }))).wasm;
  } catch (error) {
    if (error instanceof BuildError) error.message += `\n${formatDiagnostics(error.diagnostics)}`;
    throw error;
  }
}

/** The shape exports these callbacks beside what every module has, and no other. */
function shape(name: string, source: string, callbacks: readonly string[], files: Record<string, string> = {}): void {
  test(name, async () => {
    const { exports } = readWasm(await moduleOf(source, files));
    assert.deepEqual(
      exports.map((e) => e.name).sort(),
      ["_initialize", "malloc", "memory", "proxy_abi_version_0_2_1", ...callbacks].sort(),
    );
  });
}

shape("one callback and no state", SMALLEST.slice(SMALLEST.indexOf("class P")), ["proxy_on_response_headers"]);

shape(
  "methods that are no callback, accessors and statics are no state",
  `${PLUGIN}class F extends HttpFilter<P> {
    static seen: i32 = 0;
    get size(): i32 { return F.seen; }
    onRequestheaders(end: bool): void {}
    toString(): string { return "F"; }
    helper(): i32 { return this.size; }
    onRequestBody(size: u32, end: bool): DataAction { return this.helper() > 5 ? DataAction.StopIterationNoBuffer : DataAction.Continue; }
  }\n${REGISTER}`,
  ["proxy_on_request_body"],
);

shape(
  "a field of the stream",
  `${PLUGIN}class F extends HttpFilter<P> { path: string = ""; ${HEADERS} }\n${REGISTER}`,
  ["proxy_on_request_headers", ...STATE],
);

shape(
  "every callback of a stream",
  `${PLUGIN}class F extends HttpFilter<P> {
    ${HEADERS}
    onRequestBody(size: u32, end: bool): DataAction { return DataAction.Continue; }
    onRequestTrailers(): TrailersAction { return TrailersAction.Continue; }
    onResponseHeaders(end: bool): HeadersAction { return HeadersAction.Continue; }
    onResponseBody(size: u32, end: bool): DataAction { return DataAction.Continue; }
    onResponseTrailers(): TrailersAction { return TrailersAction.Continue; }
    onLog(): void {}
  }\n${REGISTER}`,
  [
    ...["proxy_on_request_headers", "proxy_on_request_body", "proxy_on_request_trailers", "proxy_on_log"],
    ...["proxy_on_response_headers", "proxy_on_response_body", "proxy_on_response_trailers"],
  ],
);

shape(
  "a plugin with onTick",
  `class P extends Plugin<NoConfig> { onTick(): void {} onConfigure(): bool { this.setTickPeriod(100); return true; } }
  class F extends HttpFilter<P> {}\n${REGISTER}`,
  ["proxy_on_tick", "proxy_on_configure", ...STATE],
);

shape(
  "a plugin with a field",
  `class P extends Plugin<NoConfig> { seen: i32 = 0; }
  class F extends HttpFilter<P> { onLog(): void { this.plugin.seen++; } }\n${REGISTER}`,
  ["proxy_on_log", ...STATE],
);

shape(
  "a plugin with onDone",
  `class P extends Plugin<NoConfig> { onDone(): bool { return false; } }
  class F extends HttpFilter<P> { ${HEADERS} }\n${REGISTER}`,
  ["proxy_on_request_headers", "proxy_on_done", ...STATE],
);

shape(
  "a configuration and nothing else",
  `import { C } from "./config";
  class P extends Plugin<C> {}
  class F extends HttpFilter<P> {}
  registerHttpFilter<F, P, C>();`,
  ["proxy_on_configure", ...STATE],
  {
    "assembly/config.ts":
      'import { Config, JsonReader } from "meshwasm/sdk";\nexport class C extends Config { decode(json: JsonReader): bool { return json.beginObject() && !json.nextKey(true) && json.ok; } }\n',
  },
);

shape(
  "overrides of a middle class in another file, over two levels",
  `import { Middle } from "./middle";
  class F extends Middle { onLog(): void { super.onLog(); } }
  registerHttpFilter<F, P, NoConfig>();
  import { P } from "./middle";`,
  ["proxy_on_log", "proxy_on_request_headers", "proxy_on_response_body"],
  {
    "assembly/middle.ts": `${IMPORTS}export ${PLUGIN}
      abstract class Upper extends HttpFilter<P> { ${HEADERS} }
      export class Middle extends Upper { onResponseBody(size: u32, end: bool): DataAction { return DataAction.Continue; } }`,
  },
);

shape(
  "overrides and a field of generic middle classes",
  `abstract class M<T extends RootContext> extends HttpFilter<T> { kept: i32 = 0; ${HEADERS} }
  abstract class N<C extends Config> extends Plugin<C> { onTick(): void {} }
  class P extends N<NoConfig> {}
  class F extends M<P> {}\n${REGISTER}`,
  ["proxy_on_request_headers", "proxy_on_tick", ...STATE],
);

shape(
  "a generic middle class without state",
  `abstract class M<T extends RootContext> extends HttpFilter<T> { ${HEADERS} }\n${PLUGIN}class F extends M<P> {}\n${REGISTER}`,
  ["proxy_on_request_headers"],
);

shape(
  "a class that is not registered adds nothing",
  `import { Other } from "./other";
  export { Other };
  ${PLUGIN}class F extends HttpFilter<P> { ${HEADERS} }
  export class Draft extends F { seen: i32 = 0; onLog(): void {} }
  ${REGISTER}`,
  ["proxy_on_request_headers"],
  {
    "assembly/other.ts": `${IMPORTS}export class Q extends Plugin<NoConfig> { onTick(): void {} }
      export class Other extends HttpFilter<Q> { onResponseBody(size: u32, end: bool): DataAction { return DataAction.Continue; } }`,
  },
);

shape(
  "a class that is registered by another name, or by a generic function",
  `import { Other as Mine } from "./other";
  import { P } from "./other";
  function make<T extends HttpFilter<P>>(id: string): void { registerHttpFilter<T, P, NoConfig>(id); }
  class F extends HttpFilter<P> { ${HEADERS} }
  registerHttpFilter<Mine, P, NoConfig>("a");
  make<F>("b");`,
  ["proxy_on_configure", "proxy_on_request_headers", "proxy_on_response_body", ...STATE],
  {
    "assembly/other.ts": `${IMPORTS}export ${PLUGIN}
      export class Other extends HttpFilter<P> { onResponseBody(size: u32, end: bool): DataAction { return DataAction.Continue; } }`,
  },
);

test("two filters without state are told apart by root_id", async () => {
  const filter = (name: string) => `class ${name} extends HttpFilter<P> {
    onRequestHeaders(end: bool): HeadersAction { log.info("${name}"); return HeadersAction.Continue; }
  }\nregisterHttpFilter<${name}, P, NoConfig>("${name.toLowerCase()}");\n`;
  const wasm = await moduleOf(PLUGIN + filter("A") + filter("B"));
  const names = readWasm(wasm).exports.map((e) => e.name);
  for (const name of STATE) assert.ok(names.includes(name), name);
  const host = new Host(wasm);
  const streamOf = (rootId: string, id: number): string[] => {
    host.rootId = rootId;
    host.call("proxy_on_context_create", id, 0);
    host.call("proxy_on_context_create", id + 1, id);
    host.call("proxy_on_request_headers", id + 1, 0, 1);
    return host.takeTexts();
  };
  assert.deepEqual(streamOf("a", 1), ["A"]);
  assert.deepEqual(streamOf("b", 3), ["B"]);
  assert.deepEqual(streamOf("c", 5), []);
  assert.deepEqual(host.replies, [{ status: 500, body: "" }], "the stream of an unknown filter does not pass");
});

test("one class under two names is two filters", async () => {
  const source = `${PLUGIN}class F extends HttpFilter<P> { ${HEADERS} }
    registerHttpFilter<F, P, NoConfig>("a");\nregisterHttpFilter<F, P, NoConfig>("b");\n`;
  const names = readWasm(await moduleOf(source)).exports.map((e) => e.name);
  for (const name of STATE) assert.ok(names.includes(name), name);
});

test("onDone and onLog of a filter without state are for its streams, not for its plugin", async () => {
  const wasm = await moduleOf(`${PLUGIN}class F extends HttpFilter<P> {
    onDone(): void { log.info("done " + this.contextId.toString()); }
    onLog(): void { log.info("log " + this.contextId.toString()); }
  }\n${REGISTER}`);
  assert.ok(readWasm(wasm).exports.some((e) => e.name === "proxy_on_done"));
  const host = new Host(wasm);
  host.call("proxy_on_context_create", 1, 0);
  host.call("proxy_on_context_create", 2, 1);
  for (const id of [2, 1]) {
    host.call("proxy_on_log", id);
    assert.equal(host.call("proxy_on_done", id), 1);
    host.call("proxy_on_delete", id);
  }
  assert.deepEqual(host.takeTexts(), ["log 2", "done 2"]);
});
