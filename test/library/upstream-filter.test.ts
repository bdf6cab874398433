/* header-rewrite behind the router, as an upstream filter of a cluster: the route that was chosen stays. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { join } from "node:path";
import { build } from "../../toolchain/build/index.js";
import { config as envoyConfig } from "../../toolchain/hosts/envoy/index.js";
import { createProxy, type EnvoyObject } from "../../toolchain/hosts/index.js";

const filter = join(import.meta.dirname, "../../filters/header-rewrite");
const OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const CODEC = "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec";
/** By it the request would take another route. */
const RULES = {
  request: [
    { op: "set", name: "x-version", value: "2" },
    { op: "set", name: "x-seen", value: "${path}" },
  ],
  path: [{ prefix: "/old", with: "/new" }],
  response: [{ op: "set", name: "x-rewritten", value: "${status}" }],
};

/** Adds a route for the changed request, which says so. */
function routes(bootstrap: EnvoyObject): void {
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if (Array.isArray((value as { virtual_hosts?: unknown }).virtual_hosts)) {
      for (const host of (value as { virtual_hosts: EnvoyObject[] }).virtual_hosts) {
        const [route] = host["routes"] as EnvoyObject[];
        const named = (name: string): EnvoyObject => ({
          response_headers_to_add: [{ header: { key: "x-route", value: name } }],
        });
        const headers = [{ name: "x-version", string_match: { exact: "2" } }];
        host["routes"] = [
          { ...route, ...named("second"), match: { prefix: "/", headers } },
          { ...route, ...named("first") },
        ];
      }
    }
    Object.values(value).forEach(walk);
  };
  walk(bootstrap);
}

test("HD-19: in front of the router the route is chosen again, behind it the route stays", async () => {
  const { wasm } = await build(filter);
  const object = envoyConfig.staticFilter({
    name: "behind-the-router",
    code: { file: wasm },
    config: new TextEncoder().encode(JSON.stringify(RULES)),
    failurePolicy: "FAIL_CLOSED",
  });
  const behind = (bootstrap: EnvoyObject): void => {
    const { clusters } = (bootstrap as { static_resources: { clusters: EnvoyObject[] } }).static_resources;
    clusters.find(({ name }) => name === "upstream")!["typed_extension_protocol_options"] = {
      [OPTIONS]: {
        "@type": `type.googleapis.com/${OPTIONS}`,
        explicit_http_config: { http_protocol_options: {} },
        http_filters: [object, { name: "codec", typed_config: { "@type": CODEC } }],
      },
    };
  };
  for (const [place, route] of [
    ["in front", "second"],
    ["behind", "first"],
  ] as const) {
    await using proxy = await createProxy({
      host: "envoy",
      filter,
      config: place === "in front" ? RULES : { mode: "off" },
      patch: (bootstrap) => {
        routes(bootstrap);
        if (place === "behind") behind(bootstrap);
        return bootstrap;
      },
    });
    const response = await proxy.request({ path: "/old/x" });
    const { upstream } = response;
    assert.deepEqual(
      [response.status, response.headers.get("x-route"), response.headers.get("x-rewritten")],
      [200, route, "200"],
      place,
    );
    assert.deepEqual(
      [upstream?.path, upstream?.headers.get("x-version"), upstream?.headers.get("x-seen")],
      ["/new/x", "2", "/old/x"],
      place,
    );
  }
});
