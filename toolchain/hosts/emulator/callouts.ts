import type { UpstreamRequest } from "../types.js";
import { Status } from "./abi.js";
import type { Timer } from "./clock.js";
import type { Answer } from "./clusters.js";
import { calloutRequest, calloutResponse, unwritable, type HttpAnswer } from "./connection.js";
import type { RootContext } from "./contexts.js";
import { HeaderMap, parsePairs } from "./headermap.js";
import { Retries } from "./retries.js";
import type { HostCall, Vm } from "./vm.js";

/** Timeouts are signed for Envoy. */
const LONGEST_TIMEOUT_MS = 0x7fffffff;
/** Envoy takes no larger body of an answer. */
const ANSWER_LIMIT = 32 << 20;
/** What proxy_get_status says of a call that got no answer. */
const BROKEN_CONNECTION = 11;

/** A call of a filter to an HTTP cluster; the answer is for its root context. */
export class HttpCall {
  readonly #timer: Timer | null;
  #callOff: () => void = () => {};

  constructor(
    private readonly root: RootContext,
    private readonly id: number,
    private readonly cluster: string,
    request: UpstreamRequest | { readonly unwritable: string } | null,
    timeout: number,
    private readonly retries: Retries,
  ) {
    const { server, thread } = root.vm;
    thread.connected.delete(cluster);
    if (request !== null && "unwritable" in request) server.post(() => this.#deliver(calloutResponse(request, "")));
    else if (request !== null) this.#ask(request);
    this.#timer = timeout === 0 ? null : server.clock.after(timeout, () => this.#timedOut());
  }

  #ask(request: UpstreamRequest): void {
    this.#callOff = this.root.vm.server.ask(
      this.cluster,
      () => request,
      (answer) => {
        if (this.retries.again(answer)) this.#ask(Retries.repeated(request));
        else this.#answered(answer, request.method);
      },
    );
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#callOff();
  }

  #timedOut(): void {
    this.#callOff();
    this.root.vm.thread.connected.delete(this.cluster);
    this.#deliver(calloutResponse({ timeout: true }, ""));
  }

  #answered(answer: Answer, method: string): void {
    this.#timer?.cancel();
    const { connected } = this.root.vm.thread;
    if ("response" in answer) connected.add(this.cluster);
    else connected.delete(this.cluster);
    if ("error" in answer) this.root.vm.server.report(answer.error);
    const message = calloutResponse(answer, method);
    if (message.body.length > ANSWER_LIMIT) this.#fail();
    else this.#deliver(message);
  }

  #deliver(answer: HttpAnswer): void {
    const { root } = this;
    if (!root.httpCalls.has(this.id)) return;
    root.httpAnswer = answer;
    // The first thing after the callback: what it has asked for, like going on with a stream, is done without the answer.
    root.vm.afterCall(() => {
      root.httpAnswer = null;
      root.httpCalls.delete(this.id);
    });
    this.#call(answer.headers.size, answer.body.length, answer.trailers?.size ?? 0);
  }

  #fail(): void {
    const { root } = this;
    root.statusCode = BROKEN_CONNECTION;
    root.statusMessage = "reset";
    root.vm.afterCall(() => {
      root.statusMessage = "";
      root.httpCalls.delete(this.id);
    });
    this.#call(0, 0, 0);
  }

  #call(headers: number, body: number, trailers: number): void {
    const { vm } = this.root;
    vm.guarded(() => vm.call("proxy_on_http_call_response", this.root, this.root.id, this.id, headers, body, trailers));
  }
}

export const CALLOUT_CALLS: Readonly<Record<string, HostCall>> = {
  proxy_http_call(vm: Vm, u = 0, uLen = 0, h = 0, hLen = 0, b = 0, bLen = 0, t = 0, tLen = 0, timeout = 0, ret = 0) {
    const cluster = vm.read(u, uLen);
    const pairs = vm.read(h, hLen);
    const body = vm.read(b, bLen);
    const trailerPairs = vm.read(t, tLen);
    if (cluster === null || pairs === null || body === null || trailerPairs === null) return Status.InvalidMemoryAccess;
    if (!vm.writeU32(ret, 0)) return Status.InvalidMemoryAccess;
    const { root } = vm.context;
    const script = vm.server.clusters.find(Buffer.from(cluster, "latin1").toString());
    if (root === null || script === null || timeout > LONGEST_TIMEOUT_MS) return Status.BadArgument;
    const headers = new HeaderMap("request", parsePairs(pairs));
    for (const name of [":path", ":method", ":authority"]) if (headers.get(name) === null) return Status.BadArgument;
    if (body !== "") headers.setInPlace("content-length", String(body.length));
    const trailers = parsePairs(trailerPairs);
    const id = vm.nextCalloutId(0);
    // Without a host the call fails at once, and nobody calls back.
    if ("hosts" in script) return Status.InternalFailure;
    const wrong = unwritable(headers);
    // On a connection that stands Envoy writes the headers at once.
    if (wrong !== null && vm.thread.connected.delete(cluster)) return Status.InternalFailure;
    const retries = Retries.take(headers);
    const request = wrong === null ? calloutRequest(headers, body, trailers, timeout) : { unwritable: wrong };
    root.httpCalls.set(id, new HttpCall(root, id, cluster, request, timeout, retries));
    vm.writeU32(ret, id);
    return Status.Ok;
  },

  proxy_get_status(vm: Vm, code = 0, ptr = 0, len = 0) {
    const { root } = vm.context;
    if (!vm.writeU32(code, root?.statusCode ?? 0)) return Status.InvalidMemoryAccess;
    return vm.give(root?.statusMessage ?? "", ptr, len);
  },
};
