/* HTTP calls to clusters. The answer goes to the context that has dispatched the call, as a callback of its own. */

import { BufferType, MapType, Status } from "./abi/enums";
import { proxy_http_call } from "./abi/hostcalls";
import { HostBuffer } from "./buffer";
import { Context } from "./context";
import { HeaderMap } from "./headers";
import { HeaderLines } from "./lines";
import { leave } from "./runtime/dispatch";
import { Later, runLater } from "./runtime/later";
import { putString, retPtr, roomFor, scratchFor } from "./runtime/memory";
import { Pending, pendingOf } from "./runtime/pending";
import { decodeUtf8, encodedLengthMax, encodeUtf8 } from "../sdk/std/utf8";

const DEFAULT_TIMEOUT: u32 = 5000;
const DEFAULT_LIMIT: u32 = 1024 * 1024;

/** Why a call has no answer. */
export enum CallFailure {
  /** It has one. */
  None,
  /** Not sent: there is no such cluster, or a header, path or method is not allowed. */
  Refused,
  /** Not sent: the cluster has no host, or as many requests as its circuit breaker allows; for gRPC also: there is no such cluster. */
  NoHost,
  /** No connection to the upstream, or none that held until the headers: Envoy's own 503, which `statusCode` is. */
  Unavailable,
  /** No answer in time: Envoy's own 504, which `statusCode` is. */
  Timeout,
  /** The answer has broken off. */
  Reset,
  /** The answer's body is larger than the call's limit; `statusCode` and headers are the upstream's. */
  TooLarge,
}

/** A request to a cluster of Envoy's. Built once, dispatched once. */
export class HttpCall {
  /** The caller's own number, to tell answers apart. */
  tag: i32 = 0;
  /** Largest body of an answer that is taken. */
  limit: u32 = DEFAULT_LIMIT;
  /** For the SDK: the group that it belongs to. */
  group: HttpCallGroup | null = null;
  private verb: string = "GET";
  private target: string = "/";
  private host: string;
  private lines: HeaderLines | null = null;
  private trailerLines: HeaderLines | null = null;
  private content: Uint8Array | null = null;
  private milliseconds: u32 = DEFAULT_TIMEOUT;

  constructor(readonly cluster: string) {
    this.host = cluster;
  }

  /** Default GET. */
  method(name: string): HttpCall {
    this.verb = name;
    return this;
  }

  /** Path and query. Default "/". */
  path(path: string): HttpCall {
    this.target = path;
    return this;
  }

  /** Default: the cluster's name. */
  authority(authority: string): HttpCall {
    this.host = authority;
    return this;
  }

  /** Adds a header line. One that HTTP does not allow makes the call fail with Refused. */
  header(name: string, value: string): HttpCall {
    this.ownLines().add(name, value);
    return this;
  }

  headerBytes(name: string, value: Uint8Array): HttpCall {
    this.ownLines().addBytes(name, value);
    return this;
  }

  /** Adds a trailer line. Envoy sends them over HTTP/2; over HTTP/1 it drops them, since it sets content-length. */
  trailer(name: string, value: string): HttpCall {
    let lines = this.trailerLines;
    if (!lines) {
      lines = new HeaderLines();
      this.trailerLines = lines;
    }
    lines.add(name, value);
    return this;
  }

  /** The request's body; Envoy sets content-length. */
  body(bytes: Uint8Array): HttpCall {
    this.content = bytes;
    return this;
  }

  bodyText(text: string): HttpCall {
    const buffer = new ArrayBuffer(<i32>encodedLengthMax(text));
    const length = encodeUtf8(text, changetype<usize>(buffer));
    this.content = Uint8Array.wrap(buffer, 0, <i32>length);
    return this;
  }

  /** Milliseconds until the answer must be whole, 1 at least. Default 5000. */
  timeout(milliseconds: u32): HttpCall {
    this.milliseconds = max<u32>(milliseconds, 1);
    return this;
  }

  /** Most bytes that the answer's body may have, else it fails with TooLarge. Default 1 MiB. */
  maxBody(bytes: u32): HttpCall {
    this.limit = bytes;
    return this;
  }

  /**
   * Sends it; `owner`'s onHttpCallResponse gets the answer, or the failure when it cannot be sent. When the owner ends first,
   * or is a stream that was answered or reset meanwhile, the answer is dropped.
   */
  dispatch(owner: Context): void {
    const call = new PendingHttpCall(this);
    call.link(owner);
    const status = this.send();
    if (status == Status.Ok) call.await(load<u32>(retPtr()));
    else runLater(new Unsent(call, status == Status.InternalFailure ? CallFailure.NoHost : CallFailure.Refused));
  }

  private ownLines(): HeaderLines {
    let lines = this.lines;
    if (!lines) {
      lines = new HeaderLines();
      this.lines = lines;
    }
    return lines;
  }

  private send(): Status {
    const headers = new HeaderLines();
    headers.addPseudo(":method", this.verb);
    headers.addPseudo(":path", this.target);
    headers.addPseudo(":authority", this.host);
    const own = this.lines;
    if (own) headers.addAll(own);
    const trailers = this.trailerLines;
    if (headers.refused > 0 || (trailers && trailers.refused > 0)) return Status.BadArgument;
    const trailersSize: usize = trailers ? trailers.size : 0;
    const headersPtr = scratchFor(headers.size + trailersSize + roomFor(this.cluster));
    headers.writeTo(headersPtr);
    const trailersPtr = headersPtr + headers.size;
    if (trailers) trailers.writeTo(trailersPtr);
    const clusterPtr = trailersPtr + trailersSize;
    const content = this.content;
    return proxy_http_call(
      clusterPtr,
      putString(clusterPtr, this.cluster),
      headersPtr,
      headers.size,
      content ? content.dataStart : 0,
      content ? content.length : 0,
      trailersPtr,
      trailersSize,
      this.milliseconds,
      retPtr(),
    );
  }
}

/** Several calls, one continuation: onHttpCallsDone is called once, when each has been answered or has failed. */
export class HttpCallGroup {
  /** The caller's own number. */
  tag: i32 = 0;
  /** Answers in the order of the calls; complete in onHttpCallsDone, where headers and bodies can be read. */
  readonly responses: HttpCallResponse[] = [];
  private calls: HttpCall[] = [];
  private missing: i32 = 0;

  add(call: HttpCall): HttpCallGroup {
    call.group = this;
    this.calls.push(call);
    return this;
  }

  /** Sends all of them. A group without calls is done after the current callback. */
  dispatch(owner: Context): void {
    const calls = this.calls;
    this.missing = calls.length;
    if (!calls.length) {
      const pending = new PendingHttpCall(new HttpCall(""));
      pending.call.group = this;
      pending.link(owner);
      runLater(new Unsent(pending, CallFailure.None));
      return;
    }
    for (let i = 0; i < calls.length; i++) {
      this.responses.push(new HttpCallResponse(calls[i], CallFailure.Reset, 0));
      calls[i].dispatch(owner);
    }
  }

  /** For the SDK: one has come; whether it was the last one. */
  take(response: HttpCallResponse): bool {
    response.keep();
    for (let i = 0; i < this.calls.length; i++) if (this.calls[i] == response.call) this.responses[i] = response;
    return --this.missing <= 0;
  }
}

/** The answer whose callback runs. A class, so that a module which makes no calls has none of it. */
class Current {
  // @ts-ignore: decorator
  @lazy static headers: HeaderMap = new HeaderMap(MapType.HttpCallResponseHeaders);
  // @ts-ignore: decorator
  @lazy static trailers: HeaderMap = new HeaderMap(MapType.HttpCallResponseTrailers);
  // @ts-ignore: decorator
  @lazy static body: HostBuffer = new HostBuffer(BufferType.HttpCallResponseBody);
}

/** What became of a call. Headers, trailers and body can be read in the callback that gets it; `keep` makes copies. */
export class HttpCallResponse {
  headers: HeaderMap = Current.headers;
  trailers: HeaderMap = Current.trailers;
  private kept: Uint8Array | null = null;

  constructor(
    readonly call: HttpCall,
    readonly failure: CallFailure,
    /** Status code of the answer; 0 when there is none. */
    readonly statusCode: u32,
  ) {}

  /** Whether the upstream has answered, with whatever status. */
  get ok(): bool {
    return this.failure == CallFailure.None;
  }

  /** The body, for Unavailable and Timeout Envoy's own text. Nothing when there is none or when it is too large. */
  bytes(): Uint8Array {
    const kept = this.kept;
    if (kept) return kept;
    return this.hasBody() ? Current.body.bytes() : new Uint8Array(0);
  }

  /** The body as text; malformed UTF-8 becomes U+FFFD. */
  text(): string {
    const kept = this.kept;
    if (kept) return decodeUtf8(kept.dataStart, kept.length);
    return this.hasBody() ? Current.body.text() : "";
  }

  private hasBody(): bool {
    return this.statusCode != 0 && this.failure != CallFailure.TooLarge;
  }

  /** Copies everything, so that it can be read when the callback has ended. */
  keep(): void {
    if (this.kept) return;
    this.kept = this.bytes();
    this.headers = Current.headers.copy();
    this.trailers = Current.trailers.copy();
  }
}

class PendingHttpCall extends Pending {
  constructor(readonly call: HttpCall) {
    super();
  }

  /** Envoy has no way to cancel it. */
  cancel(): bool {
    return false;
  }
}

/** A call that the host has refused, or a group without calls. */
class Unsent extends Later {
  constructor(
    private pending: PendingHttpCall,
    private failure: CallFailure,
  ) {
    super();
  }

  run(): void {
    const owner = this.pending.owner;
    this.pending.settle();
    if (owner && owner.activate()) deliver(owner, new HttpCallResponse(this.pending.call, this.failure, 0));
  }
}

/** The host's answer: no header lines for one that has broken off. */
export function httpCallAnswered(id: u32, lines: u32, size: u32): void {
  const pending = pendingOf(id);
  if (pending && pending instanceof PendingHttpCall) {
    const call = (<PendingHttpCall>pending).call;
    const owner = pending.owner;
    pending.settle();
    if (owner && owner.activate()) {
      Current.body.hold(size);
      deliver(owner, responseTo(call, lines, size));
      Current.body.end();
    }
  }
  leave();
}

function responseTo(call: HttpCall, lines: u32, size: u32): HttpCallResponse {
  if (!lines) return new HttpCallResponse(call, CallFailure.Reset, 0);
  const text = Current.headers.get(":status");
  const status = text !== null && text.length == 3 ? <u32>I32.parseInt(text) : 0;
  if (!status) return new HttpCallResponse(call, CallFailure.Reset, 0);
  if (size > call.limit) return new HttpCallResponse(call, CallFailure.TooLarge, status);
  return new HttpCallResponse(
    call,
    status == 503 || status == 504 ? localFailure(status, lines, size) : CallFailure.None,
    status,
  );
}

/** Envoy tells of a failed connection or a timeout by an answer of its own: three header lines and one of these texts. */
function localFailure(status: u32, lines: u32, size: u32): CallFailure {
  if (lines != 3 || size > 1024) return CallFailure.None;
  const text = Current.body.text();
  if (status == 504) return text == "upstream request timeout" ? CallFailure.Timeout : CallFailure.None;
  return text.startsWith("upstream connect error or disconnect/reset before headers") || text == "no healthy upstream"
    ? CallFailure.Unavailable
    : CallFailure.None;
}

function deliver(owner: Context, response: HttpCallResponse): void {
  const group = response.call.group;
  if (!group) owner.onHttpCallResponse(response);
  else if (group.take(response)) owner.onHttpCallsDone(group);
}
