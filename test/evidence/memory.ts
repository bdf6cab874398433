import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { build } from "../../toolchain/build/index.js";
import { makeProject, OPTIMISED } from "../../toolchain/build/testdata/project.js";
import { config as envoyConfig, EnvoyProcess, findEnvoy, workDirectory } from "../../toolchain/hosts/envoy/index.js";
import type { Section } from "./main.js";

const REQUESTS = 1_000_000;
const STEP = 50_000;
const PAGE = 65_536;
const MIB = 1024 * 1024;
const LINES = 1024;

const FILTER = `import {
  DataAction, HeaderLines, HeadersAction, HttpBody, HttpFilter, memoryUsage, NoConfig, Plugin, registerHttpFilter,
} from "meshwasm/sdk";

class P extends Plugin<NoConfig> {}

class F extends HttpFilter<P> {
  private path: string = "";

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const headers = this.request.headers;
    const path = headers.get(":path");
    if (path === null) return HeadersAction.Continue;
    this.path = path;
    if (path == "/memory") {
      this.sendLocalResponse(200, "", figures(new HeaderLines(), "now"));
      return HeadersAction.StopIteration;
    }
    if (path == "/lines") {
      const lines = figures(new HeaderLines(), "before");
      let size = 0;
      for (let i = 0; i < headers.length; i++) size += headers.nameAt(i).length + headers.valueAt(i).length;
      const joined = headers.get("x-many");
      if (joined !== null) size += joined.length;
      lines.add("x-read", size.toString());
      this.sendLocalResponse(200, "", figures(lines, "after"));
      return HeadersAction.StopIteration;
    }
    const agent = headers.get("user-agent");
    headers.set("x-client", (agent === null ? "none" : agent) + " at " + path);
    headers.append("x-seen", headers.length.toString());
    headers.remove("x-drop");
    if (path.startsWith("/body")) return this.request.holdBody(${2 * MIB});
    return HeadersAction.Continue;
  }

  onWholeRequestBody(body: HttpBody): DataAction {
    if (this.path != "/body/large") {
      body.setText(body.text() + this.path);
      return DataAction.Continue;
    }
    const lines = figures(new HeaderLines(), "before");
    const bytes = body.bytes();
    bytes.fill(0x78);
    body.set(bytes);
    body.setText(body.text() + "!");
    lines.add("x-read", body.length.toString());
    this.sendLocalResponse(200, "", figures(lines, "after"));
    return DataAction.StopIterationNoBuffer;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.response.headers.set("x-path", this.path);
    return HeadersAction.Continue;
  }
}

function figures(lines: HeaderLines, when: string): HeaderLines {
  const usage = memoryUsage();
  lines.add("x-" + when + "-total", usage.total.toString());
  lines.add("x-" + when + "-managed", usage.managed.toString());
  return lines.add("x-" + when + "-from-host", usage.fromHost.toString());
}

registerHttpFilter<F, P, NoConfig>();
`;

/** One million requests through one VM of a real Envoy, and what single large callbacks take. */
export const memory: Section = {
  name: "memory",
  title: "Memory over a million requests",
  async run() {
    const project = makeProject({ ...OPTIMISED, "filter.yaml": "name: memory\n", "assembly/index.ts": FILTER });
    const { wasm } = await build(project);
    const say = (line: string): void => void process.stdout.write(`${line}\n`);
    const found = await findEnvoy({ onProgress: say });
    const envoy = await EnvoyProcess.start({
      envoy: found.path,
      bootstrap: envoyConfig.bootstrap({ listeners: [listener(wasm)] }),
      directory: workDirectory(),
      timeoutMs: 60_000,
    });
    try {
      const address = await envoy.listenerAddress("memory");
      const load = await Load.connect(address);
      const totals: number[] = [await total(address)];
      for (let done = 0; done < REQUESTS; done += STEP) {
        await load.run(STEP);
        totals.push(await total(address));
        say(`${done + STEP} requests: ${totals.at(-1)} bytes`);
      }
      load.close();
      const growth = totals.at(-1)! - totals[totals.length >> 1]!;
      if (growth > PAGE) throw new Error(`memory grew by ${growth} bytes in the last half: ${totals.join(", ")}`);
      const large = [
        [
          "a body of 1 MiB read as bytes and as text and replaced twice",
          await ask(address, "/body/large", "b".repeat(MIB)),
        ],
        [`${LINES} header lines (${LINES / 2} of one name) read one by one, and joined`, await ask(address, "/lines")],
      ] as const;
      const kib = (bytes: number): string => (bytes / 1024).toLocaleString("en-US", { maximumFractionDigits: 0 });
      const peaks = large.map(([what, answer]) => {
        const cell = (name: string): string =>
          ["before", "after"].map((when) => kib(Number(answer[`x-${when}-${name}`]))).join(" → ");
        return `| ${what} | ${cell("total")} | ${cell("managed")} | ${cell("from-host")} |`;
      });
      const after = await total(address);
      const shown = totals.map((bytes, i) => [i * STEP, bytes] as const).filter(([n]) => n % (2 * STEP) === 0);
      return `Envoy ${found.version}, one worker, HTTP/1.1 over ${CONNECTIONS} connections. Each request reads and changes headers of request and
response, one in eight has a body of 10 to 5,000 bytes that is held, read and replaced. Linear memory (\`memoryUsage().total\`)
in KiB; noted every ${STEP.toLocaleString("en-US")} requests.

| requests | ${shown.map(([n]) => n.toLocaleString("en-US")).join(" | ")} |
|---|${shown.map(() => "---|").join("")}
| KiB | ${shown.map(([, bytes]) => kib(bytes)).join(" | ")} |

Growth in the last half: ${growth} bytes; at most ${PAGE} are allowed.

One large callback after that, figures within it before and after, KiB:

| callback | linear memory | objects | held for the host |
|---|---|---|---|
${peaks.join("\n")}

After both, linear memory is ${kib(after)} KiB; what they used is free for the next.
`;
    } finally {
      await envoy.stop();
    }
  },
};

const TYPE = "type.googleapis.com/envoy.extensions.filters";

/** Envoy answers by itself when the filter has let a request go on. */
function listener(wasm: string): envoyConfig.JsonObject {
  const filter = envoyConfig.staticFilter({
    name: "memory",
    code: { file: wasm },
    config: null,
    // A trap shows as an answer other than 200.
    failurePolicy: "FAIL_CLOSED",
    allowOnHeadersStopIteration: true,
  });
  return {
    name: "memory",
    address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
    enable_reuse_port: false,
    per_connection_buffer_limit_bytes: 4 * MIB,
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              "@type": `${TYPE}.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: "memory",
              generate_request_id: false,
              max_request_headers_kb: 1024,
              common_http_protocol_options: { max_headers_count: 2 * LINES },
              route_config: {
                name: "memory",
                virtual_hosts: [
                  {
                    name: "all",
                    domains: ["*"],
                    routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
                  },
                ],
              },
              http_filters: [
                filter,
                { name: "envoy.filters.http.router", typed_config: { "@type": `${TYPE}.http.router.v3.Router` } },
              ],
            },
          },
        ],
      },
    ],
  };
}

const CONNECTIONS = 16;
/** Requests that are sent together over a connection, when the ones before are answered. Envoy closes at a third answer
 * that waits in its queue, and its direct responses all go there. */
const BATCH = 2;
const ANSWER = Buffer.from("HTTP/1.1 ");
const GOOD = "200 OK";

/** The same requests again and again, pipelined over HTTP/1.1. Requests with bodies are among them, unlike in the bench. */
class Load {
  readonly #sockets: net.Socket[] = [];
  #toSend = 0;
  #toAnswer = 0;
  #next = 0;
  #done: (error?: Error) => void = () => {};

  static async connect(address: string): Promise<Load> {
    const [host, port] = address.split(":");
    const load = new Load();
    for (let i = 0; i < CONNECTIONS; i++) {
      const socket = net.connect({ host, port: Number(port), noDelay: true });
      await once(socket, "connect");
      load.#follow(socket);
      load.#sockets.push(socket);
    }
    return load;
  }

  /** Sends `count` requests, rounded up to pairs, and waits for their answers. */
  run(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#done = (error) => (error ? reject(error) : resolve());
      this.#toSend = this.#toAnswer = Math.ceil(count / BATCH) * BATCH;
      for (const socket of this.#sockets) this.#send(socket);
    });
  }

  close(): void {
    this.#done = () => {};
    for (const socket of this.#sockets) socket.destroy();
  }

  #send(socket: net.Socket): void {
    if (!this.#toSend) return;
    this.#toSend -= BATCH;
    socket.write(REQUEST_PAIRS[this.#next++ % REQUEST_PAIRS.length]!);
  }

  #follow(socket: net.Socket): void {
    let open = 0;
    let rest = Buffer.alloc(0);
    socket.on("error", (error) => this.#done(error));
    socket.on("close", () => this.#done(new Error("Envoy closed a connection")));
    socket.on("data", (chunk) => {
      const data = rest.length ? Buffer.concat([rest, chunk]) : chunk;
      let end = 0;
      for (let at = data.indexOf(ANSWER); at >= 0; at = data.indexOf(ANSWER, end)) {
        const status = data.toString("latin1", at + ANSWER.length, at + ANSWER.length + GOOD.length);
        if (status.length < GOOD.length) break;
        if (status !== GOOD) return this.#done(new Error(`Envoy answered ${status}`));
        end = at + ANSWER.length + GOOD.length;
        open++;
        this.#toAnswer--;
      }
      // An answer's first line can be cut in two.
      rest = Buffer.from(data.subarray(Math.max(end, data.length - ANSWER.length - GOOD.length + 1)));
      if (this.#toAnswer <= 0) this.#done();
      if (open >= BATCH) {
        open -= BATCH;
        this.#send(socket);
      }
    });
  }
}

const REQUESTS_IN_TURN = Array.from({ length: 32 }, (_, i) => {
  const body = i % 8 ? "" : "b".repeat([10, 300, 1500, 5000][(i / 8) % 4]!);
  const lines = [
    `${body ? "POST /body" : "GET /path"}/${i}?${"q".repeat(i)} HTTP/1.1`,
    "host: example.test",
    `user-agent: ${"agent ".repeat(1 + (i % 5))}`,
    "cookie: session=6f1c2b7e9a3d4c58; theme=dark",
    "x-drop: 1",
    `x-tenant: tenant-${i}`,
    ...(body ? [`content-length: ${body.length}`] : []),
  ];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
});
const REQUEST_PAIRS = Array.from({ length: REQUESTS_IN_TURN.length / BATCH }, (_, i) =>
  Buffer.from(REQUESTS_IN_TURN.slice(i * BATCH, (i + 1) * BATCH).join("")),
);

async function total(address: string): Promise<number> {
  return Number((await ask(address, "/memory"))["x-now-total"]);
}

/** Response headers of one request; that to /lines has many lines. */
async function ask(address: string, path: string, body?: string): Promise<http.IncomingHttpHeaders> {
  const [host, port] = address.split(":");
  const many = Array.from({ length: LINES - 3 }, (_, i) => [
    i % 2 ? "x-many" : `x-line-${i}`,
    `value ${i} ${"v".repeat(60)}`,
  ]);
  const headers = ["host", "example.test", ...(path === "/lines" ? many.flat() : [])];
  if (body) headers.push("content-length", String(body.length));
  const request = http.request({
    host,
    port: Number(port),
    path,
    method: body ? "POST" : "GET",
    headers,
    agent: false,
  });
  request.end(body);
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  response.resume();
  await once(response, "end");
  if (response.statusCode !== 200) throw new Error(`${path} was answered with ${response.statusCode}`);
  return response.headers;
}
