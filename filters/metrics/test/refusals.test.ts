import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";
import type { Proxy } from "meshwasm/testing";
import { filter, start } from "./support.js";

const counter = (more: object): object => ({ metrics: [{ name: "n", type: "counter", ...more }] });

describe("refusals", () => {
  let proxy: Proxy;
  before(async () => {
    proxy = await start();
  });
  after(() => proxy?.close());

  for (const [config, message] of [
    [{ mode: "on" }, '$.mode: must be one of "enforce", "shadow", "off"'],
    [{ preset: ["red"] }, '$: unknown key "preset"'],
    [{ presets: ["blue"] }, '$.presets[0]: must be one of "red", "otel", "istio"'],
    [{ presets: ["red", "red"] }, "$.presets[1]: is there twice"],
    [{ routes: ["users"] }, "$.routes[0]: must begin with /"],
    [{ routes: ["/a", "/{a}/{a}"] }, "$.routes[1]: has two variables of one name"],
    [{ labels: { a: "${body:model}" } }, "$.labels.a: ${…} must be body: and a JSON Pointer, /a/0/b"],
    [counter({ value: { sel: "body:/a~2" } }), "$.metrics[0].value.sel: must be body: and a JSON Pointer, /a/0/b"],
    [{ maxBodyBytes: 0 }, "$.maxBodyBytes: must be at least 1"],
    [{ maxBodyBytes: 1048577 }, "$.maxBodyBytes: must be at most 1048576"],
    [{ maxSeries: 0 }, "$.maxSeries: must be at least 1"],
    [{ match: { sel: "nothing", exact: "a" } }, /^\$\.match\.sel: is not a selector/],
    [{ match: { sel: "trailer:a", exact: "a" } }, /^\$\.match\.sel: trailers come behind the body/],
    [{ labels: { le: "a" } }, "$.labels.le: is no name of a label: letters, digits and _, and not le or quantile"],
    [
      { labels: { "a-b": "a" } },
      '$.labels["a-b"]: is no name of a label: letters, digits and _, and not le or quantile',
    ],
    [{ labels: { a: "${" } }, /^\$\.labels\.a: /],
    [{ labels: { a: "${header:a b}" } }, "$.labels.a: ${…} is not the name of a header"],
    [{ labels: { a: { field: "path" } } }, /^\$\.labels\.a\.field: must be one of "method", /],
    [{ labels: { a: 1 } }, "$.labels.a: must be a string or an object"],
    [{ presets: ["red"], labels: { verb: "a" } }, "$.labels.verb: is a label of meshwasm_requests"],
    [
      { labels: { a: "1" }, ...counter({ labels: { a: "2" } }) },
      "$.metrics[0].labels.a: is a label of all metrics already",
    ],
    [{ metrics: [{ name: "n" }] }, '$.metrics[0]: required key "type" is missing'],
    [
      { metrics: [{ name: "a b", type: "counter" }] },
      "$.metrics[0].name: must be letters, digits and _, the first no digit",
    ],
    [
      { metrics: [{ name: "1a", type: "counter" }] },
      "$.metrics[0].name: must be letters, digits and _, the first no digit",
    ],
    [
      { presets: ["red"], metrics: [{ name: "meshwasm_errors", type: "counter" }] },
      "$.metrics[0].name: there is a metric of this name",
    ],
    [
      { presets: ["otel"], metrics: [{ name: "http_server_active_requests", type: "counter" }] },
      "$.metrics[0].name: there is a metric of this name",
    ],
    [{ metrics: [{ name: "n", type: "gauge" }] }, "$.metrics[0]: a gauge or a histogram needs a value"],
    [{ metrics: [{ name: "n", type: "histogram" }] }, "$.metrics[0]: a gauge or a histogram needs a value"],
    [counter({ value: { field: "code" } }), /^\$\.metrics\[0\]\.value\.field: must be one of "duration"/],
    [counter({ value: { sel: "x" } }), /^\$\.metrics\[0\]\.value\.sel: is not a selector/],
    [counter({ value: { sel: "cel:1 +" } }), /^\$\.metrics\[0\]\.value\.sel: the host takes no such CEL expression/],
    [counter({ value: { field: "duration", sel: "path" } }), /^\$\.metrics\[0\]\.value/],
    [counter({ match: { sel: "path", regex: "(" } }), /^\$\.metrics\[0\]\.match/],
    [
      { labels: { api_code: "a" }, ...counter({ labels: { code: "b" } }) },
      "$: the label api_code ends with the label code, for which Envoy would take it",
    ],
    ["{", /^\$: /],
    ["[]", /^\$: must be an object/],
  ] as const) {
    test(`TM-19: ${JSON.stringify(config).slice(0, 70)}`, async () => {
      await assert.rejects(proxy.reconfigure(config), (error: Error) => {
        const reason = error.message.replace("configuration refused: ", "");
        if (typeof message === "string") assert.equal(reason, message);
        else assert.match(reason, message);
        return true;
      });
      assert.equal((await proxy.request()).status, 200, "the configuration before stays in force");
    });
  }

  test("TM-20: the configurations of the README are taken", async () => {
    const readme = readFileSync(`${filter}/README.md`, "utf8");
    const configs = [...readme.matchAll(/^```yaml\n(.*?)^```$/gms)]
      .map((match) => parse(match[1]!) as object)
      .filter((config) => "presets" in config || "metrics" in config);
    assert.ok(configs.length >= 3);
    for (const config of configs) {
      await proxy.reconfigure(config);
      assert.equal((await proxy.request()).status, 200);
    }
  });
});
