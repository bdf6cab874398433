/* Callouts, gRPC and TCP: their filters are those of callouts.test.ts and tcp.test.ts. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createProxy, type ClusterScript, type Proxy } from "../../../toolchain/hosts/index.js";
import { until, type Bench, type Scenarios } from "./bench.js";

export const callsProject = fileURLToPath(new URL("../filters/calls", import.meta.url));
export const tcpProject = fileURLToPath(new URL("../filters/tcp", import.meta.url));

const CLUSTERS: Readonly<Record<string, ClusterScript>> = {
  auth: () => ({ status: 200, headers: { "x-user": "ann" }, body: "it is ann" }),
  fails: { grpc: (call) => call.finish({ status: 7, message: "no way" }) },
  rpc: {
    grpc: async (call) => {
      call.sendMetadata({ "x-initial": "i" });
      for await (const message of call.messages) call.send(message);
      call.finish({ status: call.method === "Say" ? 0 : 3, message: "enough", trailers: { "x-trailing": "t" } });
    },
  },
};

async function answer(bench: Bench, path: string): Promise<string> {
  await using proxy = await createProxy({ filter: callsProject, host: bench.host, clusters: CLUSTERS });
  return (await proxy.request({ path: `/${path}` })).text();
}

const streamed = async (bench: Bench): Promise<void> =>
  assert.equal(
    await answer(bench, "stream"),
    "closed 3 enough; initial i; message 1; message second; trailing t; after end 2",
  );

async function calledOut(bench: Bench): Promise<void> {
  await using proxy = await createProxy({ filter: callsProject, host: bench.host, clusters: CLUSTERS });
  const response = await proxy.request({ path: "/auth" });
  assert.equal(response.upstream?.headers.get("x-user"), "ann");
}

/** The stream is gone before the server has answered: it sees the call being cancelled. */
async function cancelled(bench: Bench): Promise<void> {
  let gone = (): boolean => false;
  const rpc: ClusterScript = {
    grpc: async (call) => {
      gone = () => call.cancelled;
      await new Promise(() => {});
    },
  };
  await using proxy = await createProxy({ filter: callsProject, host: bench.host, clusters: { rpc } });
  await proxy.request({ path: "/streamgone" });
  await until(() => gone());
}

async function halfClosed(bench: Bench): Promise<void> {
  let ended = false;
  const rpc: ClusterScript = {
    grpc: async (call) => {
      for await (const _ of call.messages);
      ended = true;
      call.finish({ status: 0 });
    },
  };
  await using proxy = await createProxy({ filter: callsProject, host: bench.host, clusters: { rpc } });
  assert.match((await proxy.request({ path: "/streamclose" })).text(), /^closed 0 /);
  assert.ok(ended);
}

/** Sends hello over a connection, ends it, and gives the filter's log. */
async function connected(bench: Bench): Promise<readonly string[]> {
  await using proxy: Proxy = await createProxy({ filter: tcpProject, host: bench.host, config: { mark: "changes" } });
  const client = await proxy.tcp();
  await client.write("hello");
  await client.waitFor(9);
  assert.equal(client.text(), "[<hello>]");
  await client.end();
  await client.closed();
  const logs = (): string[] => proxy.logs().map((line) => line.message);
  for (let tries = 0; tries < 200 && !logs().includes("done"); tries++) await sleep(10);
  return logs();
}

const tcp = (line: string) => async (bench: Bench) => {
  const logs = await connected(bench);
  assert.ok(logs.includes(line), `${line} in: ${logs.join("; ")}`);
};

export const CALLS: Scenarios = {
  proxy_http_call: calledOut,
  async proxy_get_status(bench) {
    assert.equal(await answer(bench, "grpc/fails"), "grpc 0 7 no way ");
  },
  async proxy_grpc_call(bench) {
    assert.equal(await answer(bench, "grpc/rpc"), "grpc 0 0  hello");
  },
  proxy_grpc_stream: streamed,
  proxy_grpc_send: streamed,
  proxy_grpc_cancel: cancelled,
  proxy_grpc_close: halfClosed,
  proxy_on_http_call_response: calledOut,
  proxy_on_grpc_receive_initial_metadata: streamed,
  proxy_on_grpc_receive: streamed,
  proxy_on_grpc_receive_trailing_metadata: streamed,
  proxy_on_grpc_close: streamed,
};

export const TCP: Scenarios = {
  proxy_on_new_connection: tcp("new"),
  proxy_on_downstream_data: tcp("down hello"),
  proxy_on_upstream_data: tcp("up <hello>"),
  proxy_on_downstream_connection_close: tcp("down closed 1"),
  proxy_on_upstream_connection_close: tcp("up closed 0"),
};
