/* The rows of the table: what does a workload's job, and as which Envoy filter. */

import { statSync } from "node:fs";
import { join } from "node:path";
import { build } from "../../toolchain/build/index.js";
import { config as envoyConfig } from "../../toolchain/hosts/envoy/index.js";
import { buildFloor, buildProxyRuntime, buildRust, Unavailable, type Modules, type Say } from "./peers.js";
import { COPIED, type WorkloadId } from "./workloads.js";

type JsonObject = envoyConfig.JsonObject;

export type RowId =
  "none" | "native" | "lua" | "floor" | "floor-lines" | "meshwasm" | "proxy-runtime" | "rust" | "rust-lines";

export const ROW_TITLES: Readonly<Record<RowId, string>> = {
  none: "no filter",
  native: "native header_mutation",
  lua: "Lua",
  floor: "AssemblyScript by hand (the floor)",
  "floor-lines": "the same, reading all lines",
  meshwasm: "meshwasm",
  "proxy-runtime": "@solo-io/proxy-runtime",
  rust: "Rust (proxy-wasm crate)",
  "rust-lines": "Rust, reading all lines",
};

export interface Row {
  readonly id: RowId;
  /** Filters before the router. */
  readonly filters: Readonly<Record<WorkloadId, readonly JsonObject[]>>;
  /** Size of the module in bytes, if it is one. */
  readonly bytes: Readonly<Record<WorkloadId, number>> | null;
}

export interface Rows {
  readonly rows: readonly Row[];
  /** Rows that cannot be measured here, with the reason and the next step. */
  readonly missing: ReadonlyMap<RowId, string>;
}

/** Builds everything. A peer that cannot be built becomes a reason. */
export async function prepareRows(wanted: readonly RowId[], say: Say): Promise<Rows> {
  const rows: Row[] = [];
  const missing = new Map<RowId, string>();
  const peer = async (id: RowId, make: () => Promise<Modules>, rootId = ""): Promise<void> => {
    if (!wanted.includes(id)) return;
    try {
      rows.push(wasmRow(id, await make(), rootId));
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      missing.set(id, error.message);
    }
  };
  rows.push({ id: "none", filters: { a: [], b: [] }, bytes: null });
  if (wanted.includes("native")) rows.push({ id: "native", filters: { a: [mutationA], b: [mutationB] }, bytes: null });
  if (wanted.includes("lua")) rows.push({ id: "lua", filters: { a: [lua(LUA_A)], b: [lua(LUA_B)] }, bytes: null });
  say("building the AssemblyScript filters");
  const a = await build(filterDir("a"));
  const b = await build(filterDir("b"));
  const callbacks = { a: a.manifest.callbacks, b: b.manifest.callbacks };
  await peer("floor", () => buildFloor(callbacks, "first line"));
  await peer("floor-lines", () => buildFloor(callbacks, "all lines"));
  await peer("meshwasm", () => Promise.resolve({ a: a.wasm, b: b.wasm }));
  await peer("proxy-runtime", () => buildProxyRuntime(say), "bench");
  await peer("rust", () => buildRust(say, "first line"));
  await peer("rust-lines", () => buildRust(say, "all lines"));
  return { rows, missing };
}

/** Sizes of the smallest modules, without and with configuration, in bytes. */
export async function helloSizes(): Promise<{ plain: number; config: number }> {
  const plain = await build(filterDir("hello"));
  const config = await build(filterDir("hello-config"));
  return { plain: plain.manifest.size, config: config.manifest.size };
}

function filterDir(name: string): string {
  return join(import.meta.dirname, "filters", name);
}

function wasmRow(id: RowId, modules: Modules, rootId: string): Row {
  const filter = (workload: WorkloadId): JsonObject =>
    envoyConfig.staticFilter({
      name: "bench",
      rootId,
      // A VM of its own: nothing is shared between the rows.
      vmId: `${id}-${workload}`,
      code: { file: modules[workload] },
      config: null,
      // After a trap every answer is an error, so that none is measured.
      failurePolicy: "FAIL_CLOSED",
    });
  return {
    id,
    filters: { a: [filter("a")], b: [filter("b")] },
    bytes: { a: statSync(modules.a).size, b: statSync(modules.b).size },
  };
}

const TYPE = "type.googleapis.com/envoy.extensions.filters.http";

function mutation(mutations: JsonObject): JsonObject {
  return {
    name: "envoy.filters.http.header_mutation",
    typed_config: { "@type": `${TYPE}.header_mutation.v3.HeaderMutation`, mutations },
  };
}

function append(key: string, value: string, append_action: string): JsonObject {
  return { append: { header: { key, value }, append_action } };
}

const REPLACE = "OVERWRITE_IF_EXISTS_OR_ADD";

const mutationA = mutation({
  request_mutations: [append("x-bench-tenant", "%REQ(x-tenant)%", REPLACE)],
  response_mutations: [append("x-bench-added", "1", "APPEND_IF_EXISTS_OR_ADD"), { remove: "x-bench-removed" }],
});

/** It cannot ask whether a header is there, so it reads only those that it copies. */
const mutationB = mutation({
  request_mutations: COPIED.map(([name, from]) => append(name, `%REQ(${from})%`, REPLACE)),
});

function lua(inline_string: string): JsonObject {
  return {
    name: "envoy.filters.http.lua",
    typed_config: { "@type": `${TYPE}.lua.v3.Lua`, default_source_code: { inline_string } },
  };
}

const LUA_A = `
function envoy_on_request(handle)
  local headers = handle:headers()
  local tenant = headers:get("x-tenant")
  if tenant ~= nil then headers:replace("x-bench-tenant", tenant) end
end
function envoy_on_response(handle)
  local headers = handle:headers()
  headers:add("x-bench-added", "1")
  headers:remove("x-bench-removed")
end
`;

const LUA_B = `
function envoy_on_request(handle)
  local headers = handle:headers()
  local method = headers:get(":method")
  local path = headers:get(":path")
  local agent = headers:get("user-agent")
  local language = headers:get("accept-language")
  local tenant = headers:get("x-tenant")
  local id = headers:get("x-request-id")
  if method ~= nil and path ~= nil and agent ~= nil and language ~= nil and tenant ~= nil and id ~= nil then
    headers:replace("x-bench-path", path)
    headers:replace("x-bench-tenant", tenant)
    headers:replace("x-bench-id", id)
  end
end
`;
