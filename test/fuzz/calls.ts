/* The entrances by which others answer a filter: callouts, gRPC, TCP data; at any time, in any order, to anybody. */

import { Fault, FuzzHost, NOTHING, OK, received, type Callback, type Given } from "./host.js";
import { anyMap, anyValue, given, largeBytes, largeMap, Random, serialise } from "./inputs.js";

export const CALL_ENTRANCES = ["callout answers", "gRPC messages", "TCP data"] as const;
export type CallEntrance = (typeof CALL_ENTRANCES)[number];

const HTTP_ROOT = 1;
const TCP_ROOT = 2;
const BUFFERS = { downstream: 2, upstream: 3, callBody: 4, message: 5 } as const;
/** The filter's limit for answers. */
const LIMIT = 4000;

export class CallsRun {
  checked = 0;
  readonly host: FuzzHost;
  private readonly random = new Random();
  private nextContext = 3;
  private nextCall = 1;
  /** What has not been answered: the host's number and its kind. */
  private readonly open = new Map<number, "http" | "call" | "stream">();
  private refuses = false;
  private status = OK;

  constructor(
    wasm: Uint8Array,
    private readonly entrance: CallEntrance,
  ) {
    this.host = new FuzzHost(wasm, (host) => this.functions(host));
    this.host.maps.push(NOTHING, NOTHING, NOTHING, NOTHING);
    this.host.call["proxy_on_context_create"]!(HTTP_ROOT, 0);
    this.host.call["proxy_on_context_create"]!(TCP_ROOT, 0);
  }

  input(seed: number, index: number, checked: boolean, large: number): void {
    const { host, random } = this;
    random.seed(seed, index);
    host.keepsTexts = checked;
    host.texts.length = 0;
    host.bodies.length = 0;
    host.answer = random.below(6) ? OK : random.below(13);
    this.refuses = random.below(4) === 0;
    this.status = random.below(2) ? 2 : 10;
    if (this.entrance === "TCP data") this.connection(large);
    else this.stream(large);
    // Nothing may stay behind: what nobody has answered is answered now, to streams that are gone.
    host.texts.length = 0;
    for (const [id, kind] of this.open) this.answer(id, kind, -1);
    if (host.texts.some((line) => line.startsWith("answer") || line.startsWith("grpc")))
      throw new Error(`a stream that is gone was answered: ${host.texts.join("; ")}`);
    if (this.open.size) throw new Error(`${this.open.size} calls are left`);
    if (checked) this.checked++;
  }

  private functions(host: FuzzHost): Readonly<Record<string, Callback>> {
    const dispatch = (kind: "http" | "call" | "stream", ret: number): number => {
      if (this.refuses && this.random.below(2)) return this.status;
      const id = this.nextCall++;
      this.open.set(id, kind);
      return host.number(ret, id);
    };
    const parts = (values: readonly number[]): void => {
      for (let i = 0; i + 1 < values.length; i += 2) host.within(values[i]!, values[i + 1]!);
    };
    return {
      proxy_get_property: (_path, _length, ret, retLength) =>
        host.give(
          {
            bytes: Buffer.from(this.nextContext === 3 && this.roots++ ? "tcp" : "http"),
            fault: Fault.None,
            status: OK,
          },
          ret!,
          retLength!,
        ),
      proxy_http_call: (...values) => {
        parts(values.slice(0, 8));
        if (!values[8]) throw new Error("a call without a time limit");
        const cluster = host.take(values[0]!, values[1]!).toString();
        if (cluster === "b\0") throw new Error("a call with a bad path was sent");
        return dispatch("http", values[9]!);
      },
      proxy_grpc_call: (...values) => {
        parts(values.slice(0, 10));
        if (!host.take(values[0]!, values[1]!).equals(Buffer.from("\n\x03\n\x01e"))) throw new Error("no GrpcService");
        if (!values[10]) throw new Error("a call without a time limit");
        return dispatch("call", values[11]!);
      },
      proxy_grpc_stream: (...values) => {
        parts(values.slice(0, 8));
        return dispatch("stream", values[8]!);
      },
      proxy_grpc_send: (id, message, length) => {
        host.within(message!, length!);
        if (this.open.get(id!) !== "stream") throw new Error(`a message was sent to ${id}`);
        return host.answer;
      },
      proxy_grpc_close: (id) => {
        if (this.open.get(id!) !== "stream") throw new Error(`${id} was closed`);
        return host.answer;
      },
      proxy_grpc_cancel: (id) => {
        if (!this.open.has(id!) || this.open.get(id!) === "http") throw new Error(`${id} was cancelled`);
        this.open.delete(id!);
        return OK;
      },
      proxy_get_status: (code, ret, retLength) => {
        host.number(code!, this.random.next());
        return host.give(given(this.random, anyValue(this.random)), ret!, retLength!);
      },
      proxy_set_effective_context: (id) => (id! < this.nextContext ? OK : 2),
    };
  }

  private roots = 0;

  /** A stream whose calls are answered in any order while it lives, and after. */
  private stream(large: number): void {
    const { host, random } = this;
    const id = this.nextContext++;
    host.call["proxy_on_context_create"]!(id, HTTP_ROOT);
    host.maps[0] = anyMap(random);
    host.call["proxy_on_request_headers"]!(id, 5, random.below(2));
    for (let n = random.below(12); n; n--) {
      const [call, kind] = this.any();
      if (kind) this.answer(call, kind, n === 1 ? large : -1);
      else this.answer(random.next() >>> 1, random.pick(["http", "call", "stream"] as const), -1);
      if (random.below(8) === 0) host.call["proxy_on_tick"]!(HTTP_ROOT);
    }
    host.call["proxy_on_delete"]!(id);
  }

  private connection(large: number): void {
    const { host, random } = this;
    const id = this.nextContext++;
    host.call["proxy_on_context_create"]!(id, TCP_ROOT);
    host.call["proxy_on_new_connection"]!(id);
    for (let n = 1 + random.below(6); n; n--) {
      const down = random.below(2) === 0;
      const bytes = large >= 0 && n === 1 ? largeBytes(large) : anyValue(random);
      host.buffers[down ? BUFFERS.downstream : BUFFERS.upstream] = large < 0 ? given(random, bytes) : whole(bytes);
      host.texts.length = 0;
      const size = random.below(10) ? bytes.length : random.next();
      const action = host.call[down ? "proxy_on_downstream_data" : "proxy_on_upstream_data"]!(
        id,
        size,
        random.below(2),
      );
      if (action !== 0 && action !== 1) throw new Error(`a data callback returned ${action}`);
      if (host.keepsTexts) {
        const arrived = received(host.buffers[down ? BUFFERS.downstream : BUFFERS.upstream]!);
        const line = `data ${arrived.status} ${sumOf(arrived.bytes)}`;
        if (host.texts[0] !== line) throw new Error(`${host.texts[0]} instead of ${line}`);
      }
      if (random.below(4) === 0) {
        const [call, kind] = this.any();
        if (kind) this.answer(call, kind, -1);
      }
    }
    if (random.below(2)) host.call["proxy_on_upstream_connection_close"]!(id, random.below(4));
    if (random.below(2)) host.call["proxy_on_downstream_connection_close"]!(id, random.below(4));
    host.call["proxy_on_delete"]!(id);
    // Of no connection, or of a stream of the other kind.
    host.call["proxy_on_downstream_data"]!(id, 3, 0);
  }

  private any(): [number, "http" | "call" | "stream" | undefined] {
    // Mostly those that the entrance is about.
    const wanted = this.random.below(8) ? this.entrance : null;
    const ids = [...this.open.keys()].filter(
      (id) => wanted === null || (wanted === "gRPC messages") === (this.open.get(id) !== "http"),
    );
    if (!ids.length || this.random.below(16) === 0) return [0, undefined];
    const id = this.random.pick(ids);
    return [id, this.open.get(id)];
  }

  private answer(id: number, kind: "http" | "call" | "stream", large: number): void {
    const { host, random } = this;
    const bytes = large >= 0 ? largeBytes(large) : anyValue(random);
    const body = large >= 0 ? whole(bytes) : given(random, bytes);
    if (kind === "http") {
      host.maps[6] = large >= 0 ? largeMap(large) : random.below(3) ? this.headers() : anyMap(random);
      host.maps[7] = anyMap(random);
      host.buffers[BUFFERS.callBody] = body;
      this.open.delete(id);
      const lines = random.below(8) ? 3 : random.below(5);
      const size = random.below(10) ? bytes.length : random.next() >>> 0;
      host.texts.length = 0;
      host.call["proxy_on_http_call_response"]!(HTTP_ROOT, id, lines, size, random.below(4));
      this.compareAnswer(body, lines, size);
      return;
    }
    host.maps[4] = anyMap(random);
    host.maps[5] = anyMap(random);
    host.buffers[BUFFERS.message] = body;
    const event = kind === "call" ? 2 + random.below(2) : random.below(4);
    if (event === 0) host.call["proxy_on_grpc_receive_initial_metadata"]!(HTTP_ROOT, id, random.below(9));
    if (event === 1) host.call["proxy_on_grpc_receive_trailing_metadata"]!(HTTP_ROOT, id, random.below(9));
    if (event === 2) {
      if (kind === "call") this.open.delete(id);
      host.call["proxy_on_grpc_receive"]!(HTTP_ROOT, id, random.below(10) ? bytes.length : random.next() >>> 0);
    }
    if (event === 3 || (kind === "stream" && this.open.has(id) && random.below(3) === 0)) {
      this.open.delete(id);
      host.call["proxy_on_grpc_close"]!(HTTP_ROOT, id, random.below(20));
    }
  }

  /** A stream's answer has what the host has given, or is a failure. */
  private compareAnswer(body: Given, lines: number, size: number): void {
    const { host } = this;
    const line = host.texts.find((text) => text.startsWith("answer "));
    if (!host.keepsTexts || !line) return;
    const [, failure, , length, sum] = line.split(" ");
    if (!lines && failure !== "5") throw new Error(`${line} without header lines`);
    if (failure === "0" && size > LIMIT) throw new Error(`${line} of ${size} bytes`);
    if (failure === "0" && `${length} ${sum}` !== sumOf(received(body).bytes))
      throw new Error(`${line} instead of ${sumOf(received(body).bytes)}`);
  }

  private headers(): Given {
    const { random } = this;
    const status = random.pick(["200", "503", "504", "404", "99", "1000", "abc", ""]);
    return whole(
      serialise([
        [Buffer.from(":status"), Buffer.from(status)],
        [Buffer.from("content-type"), Buffer.from("text/plain")],
        [Buffer.from("x-a"), Buffer.from(anyValue(random))],
      ]),
    );
  }
}

function whole(bytes: Uint8Array): Given {
  return { bytes, fault: Fault.None, status: OK };
}

function sumOf(bytes: Uint8Array): string {
  let sum = 0;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) >>> 0;
  return `${bytes.length} ${sum}`;
}
