import assert from "node:assert/strict";
import { test } from "node:test";
import { failureReason, filterMessage, parseLogLine } from "./log.js";

const plugin = { name: "my filter", rootId: "root", vmId: "" };

test("lines of the logger and lines past it", () => {
  assert.deepEqual(parseLogLine('{"l":"warning","c":"wasm","t":17,"m":"a\\nb \\"c\\""}'), {
    level: "warn",
    component: "wasm",
    message: 'a\nb "c"',
    thread: 17,
  });
  assert.deepEqual(parseLogLine("configuration OK"), {
    level: "info",
    component: "stdio",
    message: "configuration OK",
    thread: 0,
  });
  assert.equal(parseLogLine('{"l":1}').component, "stdio");
});

test("the filter's own lines are told from the host's", () => {
  const wasm = (message: string) => filterMessage({ level: "info", component: "wasm", message, thread: 0 }, plugin);
  assert.equal(wasm("wasm log my filter root: hi: there"), "hi: there");
  assert.equal(wasm("wasm log root: hi"), "hi");
  assert.equal(wasm("wasm log other root: hi"), null);
  assert.equal(wasm("Plugin my filter failed to load"), null);
  assert.equal(
    filterMessage({ level: "info", component: "main", message: "wasm log root: hi", thread: 0 }, plugin),
    null,
  );
});

test("the reason: the filter's word, then the Wasm host's, then Envoy's", () => {
  const lines = (["error wasm Wasm VM failed Failed to load Wasm module due to a missing import: env.seed"] as string[])
    .concat(
      "critical wasm Plugin my filter failed to load",
      "critical main error initializing configuration 'x.json': Unable to create Wasm plugin my filter",
    )
    .map((text) => {
      const [level, component, ...rest] = text.split(" ");
      return parseLogLine(JSON.stringify({ l: level, c: component, m: rest.join(" ") }));
    });
  assert.equal(failureReason(lines, plugin), "Failed to load Wasm module due to a missing import: env.seed");
  const own = parseLogLine('{"l":"error","c":"wasm","m":"wasm log root: $.a: unknown\\nkey"}');
  assert.equal(failureReason([own, ...lines, own], plugin), "$.a: unknown key");
  assert.equal(failureReason(lines.slice(1), plugin), null);
  const other = parseLogLine(
    `{"l":"critical","c":"main","m":"error initializing configuration 'x': route: unknown cluster 'y'"}`,
  );
  assert.equal(failureReason([other], plugin), "route: unknown cluster 'y'");
});
