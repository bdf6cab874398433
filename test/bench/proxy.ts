/* The Envoy under test: one process, one worker, one listener per row and workload. Only one listener is under load at a
 * time, so the process's CPU time is that row's, and all rows share binary, caches and age of the process. */

import { config as envoyConfig, EnvoyError, EnvoyProcess, workDirectory } from "../../toolchain/hosts/envoy/index.js";
import { ask } from "./load.js";
import type { Row } from "./rows.js";
import { ECHO, requestTo, VERIFY_PATH, WORKLOADS, type Workload } from "./workloads.js";

type JsonObject = envoyConfig.JsonObject;

const TYPE = "type.googleapis.com/envoy.extensions.filters";

/** A row under a workload: where it listens. */
export interface Target {
  readonly row: Row;
  readonly workload: Workload;
  readonly address: string;
}

function header(key: string, value: string): JsonObject {
  return { header: { key, value }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" };
}

/** Envoy answers by itself, after the filters have seen the request and before they see the response. */
function listener(name: string, filters: readonly JsonObject[]): JsonObject {
  const route = (match: JsonObject, added: readonly JsonObject[]): JsonObject => ({
    match,
    direct_response: { status: 200 },
    response_headers_to_add: added,
  });
  const removed = WORKLOADS.flatMap(({ removes }) => (removes === null ? [] : [header(removes, "1")]));
  const echoes = WORKLOADS.flatMap(({ sets }) => sets.map((each) => header(`${ECHO}${each}`, `%REQ(${each})%`)));
  return {
    name,
    address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
    enable_reuse_port: false,
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              "@type": `${TYPE}.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: "bench",
              // What costs time in each request and has nothing to do with a filter.
              generate_request_id: false,
              route_config: {
                name: "bench",
                virtual_hosts: [
                  {
                    name: "all",
                    domains: ["*"],
                    routes: [route({ path: VERIFY_PATH }, [...removed, ...echoes]), route({ prefix: "/" }, removed)],
                  },
                ],
              },
              http_filters: [
                ...filters,
                { name: "envoy.filters.http.router", typed_config: { "@type": `${TYPE}.http.router.v3.Router` } },
              ],
            },
          },
        ],
      },
    ],
  };
}

const listenerName = (row: Row, workload: Workload): string => `${row.id}-${workload.id}`;

/** Starts Envoy with a listener for each row and workload. */
export async function startEnvoy(
  envoy: string,
  rows: readonly Row[],
  workloads: readonly Workload[],
): Promise<{ process: EnvoyProcess; targets: Target[] }> {
  const pairs = workloads.flatMap((workload) => rows.map((row) => ({ row, workload })));
  const process = await EnvoyProcess.start({
    envoy,
    bootstrap: envoyConfig.bootstrap({
      listeners: pairs.map(({ row, workload }) => listener(listenerName(row, workload), row.filters[workload.id])),
    }),
    directory: workDirectory(),
    timeoutMs: 60_000,
  });
  const targets: Target[] = [];
  for (const { row, workload } of pairs) {
    targets.push({ row, workload, address: await process.listenerAddress(listenerName(row, workload)) });
  }
  return { process, targets };
}

/** Why Envoy does not start with this row alone; null when it does. */
export async function refusal(envoy: string, row: Row, workloads: readonly Workload[]): Promise<string | null> {
  try {
    await (await startEnvoy(envoy, [row], workloads)).process.stop();
    return null;
  } catch (error) {
    if (error instanceof EnvoyError) return error.message;
    throw error;
  }
}

/** What is wrong with the answer to one request, as far as the filter's work shows in it; null when nothing is. */
export async function fault({ row, workload, address }: Target): Promise<string | null> {
  const { status, headers } = await ask(address, requestTo(VERIFY_PATH));
  if (status !== 200) return `answered ${status}`;
  const works = row.id !== "none";
  for (const name of workload.sets) {
    const seen = headers.get(ECHO + name);
    const wanted = works ? workload.expected(name) : null;
    if (seen !== wanted) return `${name} is ${seen ?? "missing"}, not ${wanted ?? "missing"}`;
  }
  const { adds, removes } = workload;
  if (adds !== null && headers.has(adds) !== works) return `${adds} is ${works ? "missing" : "there"}`;
  if (removes !== null && headers.has(removes) === works) return `${removes} is ${works ? "still there" : "missing"}`;
  return null;
}
