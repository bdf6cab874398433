import { toLines } from "../headers.js";
import type { GrpcHandler, UpstreamHandler } from "../types.js";
import { Status } from "./abi.js";
import { HostBuffer } from "./buffers.js";
import type { Timer } from "./clock.js";
import { disconnect, grpcHeaders, grpcOverHttp1 } from "./connection.js";
import type { RootContext } from "./contexts.js";
import { EmulatorError } from "./errors.js";
import { frame, FrameReader } from "./grpcframes.js";
import { GrpcServerCall, type GrpcAnswer } from "./grpcserver.js";
import { HeaderMap, parsePairs } from "./headermap.js";
import { grpcOfHttp } from "./localreply.js";
import { readMessage } from "./messages.js";
import type { HostCall, Vm } from "./vm.js";

const UNKNOWN = 2;
const INTERNAL = 13;
const UNAVAILABLE = 14;

/** Low bits of a callout's id. */
const CALL = 1;
const STREAM = 2;

/** What a filter asks of gRPC, for one root context: its calls and streams, and what a callback may look at. */
export class GrpcClient {
  initialMetadata: HeaderMap | null = null;
  trailingMetadata: HeaderMap | null = null;
  message: HostBuffer | null = null;
  readonly calls = new Map<number, GrpcExchange>();
  readonly streams = new Map<number, GrpcExchange>();

  constructor(readonly root: RootContext) {}

  find(id: number): GrpcExchange | null {
    return ((id & 3) === CALL ? this.calls : this.streams).get(id) ?? null;
  }

  close(): void {
    for (const exchange of [...this.calls.values(), ...this.streams.values()]) exchange.cancel();
    this.calls.clear();
    this.streams.clear();
  }

  // The callbacks. Each gets what is there for it alone.

  onInitialMetadata(id: number, map: HeaderMap): void {
    const { root } = this;
    this.initialMetadata = map;
    root.vm.call("proxy_on_grpc_receive_initial_metadata", root, root.id, id, map.size);
    this.initialMetadata = null;
  }

  onMessage(id: number, data: string): void {
    const { root } = this;
    const done = (): void => {
      this.message = null;
      if ((id & 3) === CALL) this.calls.delete(id);
    };
    if (!root.vm.has("proxy_on_grpc_receive")) {
      done();
      return;
    }
    this.message = new HostBuffer(data);
    root.vm.afterCall(done);
    root.vm.call("proxy_on_grpc_receive", root, root.id, id, data.length);
  }

  onTrailingMetadata(id: number, map: HeaderMap): void {
    const { root } = this;
    this.trailingMetadata = map;
    root.vm.call("proxy_on_grpc_receive_trailing_metadata", root, root.id, id, map.size);
    this.trailingMetadata = null;
  }

  onClose(id: number, status: number, message: string): void {
    const { root } = this;
    if (root.vm.calling) {
      root.vm.afterCall(() => this.onClose(id, status, message));
      return;
    }
    const done = (): void => {
      root.statusMessage = "";
      if ((id & 3) === CALL) this.calls.delete(id);
      else if (this.streams.get(id)?.localClosed) this.streams.delete(id);
    };
    if (!root.vm.has("proxy_on_grpc_close")) {
      done();
      return;
    }
    root.statusCode = status;
    root.statusMessage = message;
    root.vm.afterCall(done);
    root.vm.call("proxy_on_grpc_close", root, root.id, id, status);
  }
}

/** One call or stream of a filter, as Envoy's gRPC client sees it. */
class GrpcExchange {
  /** The filter has closed its side. */
  localClosed = false;
  /** The server, or the lack of one, has ended it. */
  remoteClosed = false;
  #server: GrpcServerCall | null = null;
  #callOff: () => void = () => {};
  #timer: Timer | null = null;
  #over = false;
  /** The filter's last message was sent. */
  #sentEnd = false;
  readonly #frames = new FrameReader();
  /** Of a unary call: its answer. */
  #message: string | null = null;

  constructor(
    private readonly client: GrpcClient,
    readonly id: number,
    private readonly unary: boolean,
  ) {}

  /** Whether there is anybody to call. */
  start(cluster: string, service: string, method: string, metadata: HeaderMap, timeout: number): boolean {
    const { server } = this.client.root.vm;
    const script = server.clusters.find(cluster);
    if (script === null) {
      this.remoteClosed = true;
      this.client.onClose(this.id, UNAVAILABLE, "Cluster not available");
      return false;
    }
    if ("hosts" in script) {
      // The only callbacks that come before the host call has returned.
      this.#localReply("no healthy upstream", "no_healthy_upstream");
      return false;
    }
    const answer: GrpcAnswer = {
      headers: (map, end) => this.#later(() => this.#headers(map, end)),
      data: (bytes) => this.#later(() => this.#data(bytes)),
      trailers: (map) => this.#later(() => this.#trailers(map, "via_upstream")),
      reset: () => this.#later(() => this.#reset()),
    };
    if (timeout > 0) {
      this.#timer = server.clock.after(timeout, () => {
        this.#callOff();
        this.#server?.cancel();
        this.#localReply("upstream request timeout", "response_timeout");
      });
    }
    if ("refuses" in script || "tcp" in script) {
      this.#later(() => this.#localReply(disconnect(true).body, REFUSED));
    } else if (typeof script === "function") this.#http1 = { cluster, handler: script, metadata, body: "" };
    else
      this.#server = new GrpcServerCall(server, cluster, script.grpc as GrpcHandler, service, method, metadata, answer);
    return true;
  }

  /** A gRPC call to a server that speaks HTTP/1.1: it is asked once, when the filter's messages are complete. */
  #http1: { cluster: string; handler: UpstreamHandler; metadata: HeaderMap; body: string } | null = null;

  send(message: string, end: boolean): void {
    if (this.#over || this.#sentEnd) return;
    this.#sentEnd = end;
    if (this.#http1 !== null) this.#http1.body += frame(message);
    this.#server?.receive(message);
    if (end) this.#end();
  }

  closeLocal(): void {
    if (!this.#over && !this.#sentEnd) {
      this.#sentEnd = true;
      this.#end();
    }
    this.localClosed = true;
  }

  #end(): void {
    this.#server?.receiveEnd();
    if (this.#http1 === null) return;
    const { cluster, metadata, body } = this.#http1;
    const { server } = this.client.root.vm;
    this.#callOff = server.ask(
      cluster,
      () => grpcOverHttp1(metadata, body),
      (answer) => {
        if (!("response" in answer)) {
          if ("error" in answer) server.report(answer.error);
          this.#localReply(disconnect("refused" in answer).body, REFUSED);
          return;
        }
        const { status = 200, headers, body: text = "", trailers } = answer.response;
        const map = new HeaderMap("response", [[":status", String(status)], ...toLines(headers)]);
        this.#headers(map, false);
        this.#data(Buffer.from(text).toString("latin1"));
        this.#trailers(new HeaderMap("response trailers", toLines(trailers)), "via_upstream");
      },
    );
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#callOff();
    this.#over = true;
    this.#server?.cancel();
  }

  #later(action: () => void): void {
    const { vm } = this.client.root;
    vm.server.post(() => {
      if (!this.#over) action();
    });
  }

  /** What the router answers in place of a server. */
  #localReply(message: string, details: string): void {
    const map = new HeaderMap("response", [
      [":status", "200"],
      ["content-type", "application/grpc"],
      ["grpc-status", String(UNAVAILABLE)],
      ["grpc-message", message],
    ]);
    if (!this.unary) this.client.onInitialMetadata(this.id, new HeaderMap("response"));
    if (!this.#over) this.#trailers(map, details);
  }

  #headers(map: HeaderMap, end: boolean): void {
    if (this.#sentEnd) map.add("x-envoy-upstream-service-time", "0");
    if (!this.unary) this.client.onInitialMetadata(this.id, end ? new HeaderMap("response") : map);
    if (this.#over) return;
    const http = Number(map.get(":status"));
    if (http !== 200 && !(end && map.get("grpc-status") !== null)) this.#streamError(grpcOfHttp(http), "via_upstream");
    else if (end) this.#trailers(map, "via_upstream");
  }

  #data(bytes: string): void {
    if (this.#over) return;
    const messages = this.#frames.read(bytes);
    for (const message of messages) {
      if (this.unary) this.#message = message;
      else this.client.onMessage(this.id, message);
      if (this.#over) return;
    }
    if (this.#frames.failed) this.#streamError(INTERNAL, "via_upstream");
  }

  #trailers(map: HeaderMap, details: string): void {
    if (this.#over) return;
    const text = map.get("grpc-status");
    if (!this.unary) this.client.onTrailingMetadata(this.id, map);
    const status = text === null ? UNKNOWN : /^\d+$/.test(text) ? Number(text) : -1;
    if (!this.#over)
      this.#close(status >= 0 && status <= 16 ? status : UNKNOWN, map.get("grpc-message") ?? "", details);
  }

  #reset(): void {
    if (this.#frames.started) this.#streamError(INTERNAL, "upstream_reset_after_response_started{remote_reset}");
    else {
      this.#localReply(
        disconnect(false).body.replace(/connection termination$/, "remote reset"),
        "upstream_reset_before_response_started{remote_reset}",
      );
    }
  }

  #streamError(status: number, details: string): void {
    if (!this.unary) this.client.onTrailingMetadata(this.id, new HeaderMap("response trailers"));
    if (!this.#over) this.#close(status, "", details);
    this.#server?.cancel();
  }

  #close(status: number, message: string, details: string): void {
    this.#over = true;
    this.remoteClosed = true;
    this.#timer?.cancel();
    const { client, id } = this;
    if (!this.unary || status !== 0) client.onClose(id, status, message === "" ? details : `${message}{${details}}`);
    else if (this.#message === null) client.onClose(id, INTERNAL, "");
    else client.onMessage(id, this.#message);
  }
}

const REFUSED =
  "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}";

interface Target {
  readonly cluster: string;
  /** Initial metadata that the service's description asks for. */
  readonly authority: string;
}

/**
 * Who is to be called: a serialised GrpcService, or a plain cluster name. A name that happens to be a message as well
 * is taken for one.
 */
function targetOf(vm: Vm, given: string): Target | number {
  const service = readMessage(given);
  if (service === null) {
    const cluster = Buffer.from(given, "latin1").toString();
    return vm.server.clusters.find(cluster) === null ? Status.ParseFailure : { cluster, authority: cluster };
  }
  const envoyGrpc = service.get(1);
  if (typeof envoyGrpc !== "string") {
    throw new EmulatorError(
      service.has(2)
        ? "The emulator does not have google_grpc; run this test with --host envoy."
        : `The gRPC service ${JSON.stringify(given)} names no target, which crashes Envoy 1.40: a cluster name that is a protobuf message as well is taken for one. Give a serialised GrpcService.`,
    );
  }
  const fields = readMessage(envoyGrpc);
  const name = fields?.get(1);
  if (typeof name !== "string" || name === "") return Status.BadArgument;
  const cluster = Buffer.from(name, "latin1").toString();
  const authority = fields?.get(2);
  return { cluster, authority: typeof authority === "string" && authority !== "" ? authority : cluster };
}

function begin(
  vm: Vm,
  unary: boolean,
  [given, service, method, pairs]: readonly string[],
  timeout: number,
): GrpcExchange | number {
  const { root } = vm.context;
  if (root === null) return Status.BadArgument;
  const target = targetOf(vm, given!);
  if (typeof target === "number") return target;
  const id = vm.nextCalloutId(unary ? CALL : STREAM);
  const exchange = new GrpcExchange(root.grpc, id, unary);
  const held = unary ? root.grpc.calls : root.grpc.streams;
  held.set(id, exchange);
  const text = (s: string): string => Buffer.from(s, "latin1").toString();
  const metadata = grpcHeaders(target.authority, service!, method!, parsePairs(pairs!), unary ? timeout : null);
  if (exchange.start(target.cluster, text(service!), text(method!), metadata, timeout)) return exchange;
  held.delete(id);
  return Status.InternalFailure;
}

/** The exchange with this id, or the status that says why there is none. */
function found(vm: Vm, id: number): GrpcExchange | number {
  if ((id & 3) !== CALL && (id & 3) !== STREAM) return Status.BadArgument;
  return vm.context.root?.grpc.find(id) ?? Status.NotFound;
}

export const GRPC_CALLS: Readonly<Record<string, HostCall>> = {
  proxy_grpc_call(vm, g = 0, gn = 0, s = 0, sn = 0, m = 0, mn = 0, h = 0, hn = 0, b = 0, bn = 0, timeout = 0, ret = 0) {
    const texts = [vm.read(g, gn), vm.read(s, sn), vm.read(m, mn), vm.read(h, hn), vm.read(b, bn)];
    if (texts.includes(null)) return Status.InvalidMemoryAccess;
    const [given, service, method, pairs, message] = texts as string[];
    const exchange = begin(vm, true, [given!, service!, method!, pairs!], timeout);
    if (typeof exchange === "number") return exchange;
    exchange.send(message!, true);
    return vm.writeU32(ret, exchange.id) ? Status.Ok : Status.InvalidMemoryAccess;
  },

  proxy_grpc_stream(vm, g = 0, gn = 0, s = 0, sn = 0, m = 0, mn = 0, h = 0, hn = 0, ret = 0) {
    const texts = [vm.read(g, gn), vm.read(s, sn), vm.read(m, mn), vm.read(h, hn)];
    if (texts.includes(null)) return Status.InvalidMemoryAccess;
    const exchange = begin(vm, false, texts as string[], 0);
    if (typeof exchange === "number") return exchange;
    return vm.writeU32(ret, exchange.id) ? Status.Ok : Status.InvalidMemoryAccess;
  },

  proxy_grpc_send(vm, id = 0, ptr = 0, len = 0, end = 0) {
    const message = vm.read(ptr, len);
    if (message === null) return Status.InvalidMemoryAccess;
    if ((id & 3) !== STREAM) return Status.BadArgument;
    const exchange = found(vm, id);
    if (typeof exchange === "number") return exchange;
    exchange.send(message, end !== 0);
    return Status.Ok;
  },

  proxy_grpc_close(vm, id = 0) {
    const exchange = found(vm, id);
    if (typeof exchange === "number") return exchange;
    const { grpc } = vm.context.root!;
    if ((id & 3) === CALL) {
      exchange.cancel();
      grpc.calls.delete(id);
      return Status.Ok;
    }
    exchange.closeLocal();
    if (exchange.remoteClosed) grpc.streams.delete(id);
    return Status.Ok;
  },

  proxy_grpc_cancel(vm, id = 0) {
    const exchange = found(vm, id);
    if (typeof exchange === "number") return exchange;
    exchange.cancel();
    const { grpc } = vm.context.root!;
    grpc.calls.delete(id);
    grpc.streams.delete(id);
    return Status.Ok;
  },
};
