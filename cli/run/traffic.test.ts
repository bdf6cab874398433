import assert from "node:assert/strict";
import { test } from "node:test";
import { Lines } from "../../toolchain/hosts/headers.js";
import type { TracedMessage, TracedRequest } from "../../toolchain/hosts/envoy/index.js";
import type { HeaderLine } from "../../toolchain/hosts/types.js";
import { formatTraffic, trafficOf } from "./traffic.js";

const message = (headers: HeaderLine[], body = "", trailers: HeaderLine[] = []): TracedMessage => ({
  headers: new Lines(headers),
  body: Buffer.from(body),
  size: body.length,
  trailers: new Lines(trailers),
});
const start: HeaderLine[] = [
  [":method", "GET"],
  [":path", "/a"],
];
const traced: TracedRequest = {
  id: "1",
  started: 0,
  request: message([...start, ["x-a", "1"], ["x-b", "2"], ["x-a", "1"]], "12", [["x-t", "1"]]),
  requestAfter: message([...start, ["x-a", "1"], ["x-a", "3"], ["x-c", "4"]], "123", [["x-t", "2"]]),
  response: message([[":status", "200"]]),
  responseAfter: message([[":status", "200"]], "ok"),
  status: 200,
  details: "via_upstream",
  flags: "",
  milliseconds: 3,
};

test("lines that one side alone has are marked, duplicates one by one", () => {
  const { request } = trafficOf(traced);
  assert.deepEqual(
    request.lines.map(({ name, value, change }) => `${change} ${name} ${value}`),
    [
      ...["kept :method GET", "kept :path /a", "kept x-a 1", "removed x-b 2", "removed x-a 1", "added x-a 3"],
      "added x-c 4",
    ],
  );
});

test("the log has one line for the request and one for each change", () => {
  assert.deepEqual(formatTraffic(trafficOf(traced)), [
    "GET /a → 200 3 ms",
    "  request - x-b: 2",
    "  request - x-a: 1",
    "  request + x-a: 3",
    "  request + x-c: 4",
    "  request body of 2 bytes became one of 3",
    "  request - trailer x-t: 1",
    "  request + trailer x-t: 2",
    "  response body of 0 bytes became one of 2",
  ]);
});

test("who answered", () => {
  const by = (change: Partial<TracedRequest>): string => trafficOf({ ...traced, ...change }).by;
  assert.equal(by({}), "upstream");
  assert.equal(by({ requestAfter: null, response: null }), "filter");
  assert.equal(by({ details: "upstream_reset_before_response_started{connection_failure}" }), "proxy");
  assert.equal(by({ status: 0 }), "nobody");
  const nobody = trafficOf({ ...traced, status: 0, response: null, responseAfter: null, flags: "DC" });
  assert.equal(formatTraffic(nobody)[0], "GET /a → no answer DC 3 ms");
  assert.equal(nobody.response, null);
});

test("what a client sends does not steer the terminal", () => {
  const evil = trafficOf({
    ...traced,
    request: message([
      [":method", "GET"],
      [":path", "/\u001b[2J\r\u009b\u202e"],
    ]),
    requestAfter: null,
    response: null,
  });
  assert.equal(formatTraffic(evil)[0], "GET /\\x1b[2J\\x0d\\x9b\\x202e → 200 by the filter 3 ms");
});
