/* gRPC calls and streams to clusters. Messages are bytes: `ProtoReader` and `ProtoWriter` read and write them. */

import { BufferType, GrpcStatus, MapType, Status } from "./abi/enums";
import {
  proxy_get_status,
  proxy_grpc_call,
  proxy_grpc_cancel,
  proxy_grpc_close,
  proxy_grpc_send,
  proxy_grpc_stream,
} from "./abi/hostcalls";
import { HostBuffer } from "./buffer";
import { CallFailure } from "./callout";
import { Context } from "./context";
import { HeaderMap } from "./headers";
import { HeaderLines } from "./lines";
import { leave } from "./runtime/dispatch";
import { Later, runLater } from "./runtime/later";
import {
  clearReturn,
  dropReturn,
  hostFree,
  putString,
  retPtr,
  returnedLength,
  returnedPtr,
  roomFor,
  scratchFor,
} from "./runtime/memory";
import { Pending, pendingOf } from "./runtime/pending";
import { equalsIgnoreCase } from "../sdk/std/field";
import { percentDecode } from "../sdk/std/url";
import { decodeUtf8 } from "../sdk/std/utf8";

const DEFAULT_TIMEOUT: u32 = 5000;
const VIA_UPSTREAM = "via_upstream";
const DEFAULT_LIMIT: u32 = 1024 * 1024;

/** What the running callback is about. A class, so that a module which makes no calls has none of it. */
class Current {
  // @ts-ignore: decorator
  @lazy static initialMetadata: HeaderMap = new HeaderMap(MapType.GrpcCallInitialMetadata);
  // @ts-ignore: decorator
  @lazy static trailingMetadata: HeaderMap = new HeaderMap(MapType.GrpcCallTrailingMetadata);
  // @ts-ignore: decorator
  @lazy static message: HostBuffer = new HostBuffer(BufferType.GrpcCallMessage);
}

/** Where a call goes, and what stands in front of its first message. */
class Target {
  readonly metadata: HeaderLines = new HeaderLines();

  constructor(
    readonly cluster: string,
    readonly service: string,
    readonly method: string,
  ) {}

  /** Whether the parts make a path, and all metadata was taken. */
  get isAllowed(): bool {
    return !this.metadata.refused && isPathPart(this.service) && isPathPart(this.method);
  }

  /** Bytes that `write` needs. */
  get room(): usize {
    return this.metadata.size + 12 + roomFor(this.cluster) + roomFor(this.service) + roomFor(this.method);
  }
}

/** "/SERVICE/METHOD" becomes the path as it is: visible ASCII without what ends or splits a path. */
function isPathPart(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit <= 0x20 || unit >= 0x7f || unit == 0x2f || unit == 0x3f || unit == 0x23) return false;
  }
  return text.length > 0;
}

/**
 * The host is being asked to open a call. When it cannot, Envoy calls back within that, of a call that has no number yet; what
 * it returns tells the same.
 */
let calling: bool = false;

// Where `put` has put the parts of a call.
let servicePtr: usize = 0;
let serviceLength: usize = 0;
let namePtr: usize = 0;
let nameLength: usize = 0;
let methodPtr: usize = 0;
let methodLength: usize = 0;
let metadataPtr: usize = 0;

/** Writes the parts to the scratch area. */
function put(target: Target): void {
  metadataPtr = scratchFor(target.room);
  target.metadata.writeTo(metadataPtr);
  // config.core.v3.GrpcService with envoy_grpc.cluster_name. Envoy takes a plain name too, but tries to parse it first.
  const room = metadataPtr + target.metadata.size;
  const cluster = room + 12;
  const length = putString(cluster, target.cluster);
  servicePtr = putTag(putTag(cluster, length), cluster + length - putTag(cluster, length));
  serviceLength = cluster + length - servicePtr;
  namePtr = cluster + length;
  nameLength = putString(namePtr, target.service);
  methodPtr = namePtr + nameLength;
  methodLength = putString(methodPtr, target.method);
}

/** Writes tag 1 (bytes) and a length in front of `end`; gives where they begin. */
function putTag(end: usize, length: usize): usize {
  let size: usize = 1;
  for (let rest = length >> 7; rest; rest >>= 7) size++;
  const start = end - size - 1;
  store<u8>(start, 0x0a);
  let rest = length;
  for (let at = start + 1; at < end; at++, rest >>= 7) store<u8>(at, (rest & 0x7f) | (at + 1 < end ? 0x80 : 0));
  return start;
}

/** One request, one answer. */
export class GrpcCall {
  /** The caller's own number, to tell answers apart. */
  tag: i32 = 0;
  /** Largest message that is taken as an answer. */
  limit: u32 = DEFAULT_LIMIT;
  private target: Target;
  private request: Uint8Array = new Uint8Array(0);
  private milliseconds: u32 = DEFAULT_TIMEOUT;

  /** `service` with its package: "envoy.service.auth.v3.Authorization". A name that makes no path makes the call fail. */
  constructor(cluster: string, service: string, method: string) {
    this.target = new Target(cluster, service, method);
  }

  /** Adds a metadata entry. One that HTTP does not allow makes the call fail. */
  metadata(name: string, value: string): GrpcCall {
    this.target.metadata.add(name, value);
    return this;
  }

  /** The request, serialised. */
  message(bytes: Uint8Array): GrpcCall {
    this.request = bytes;
    return this;
  }

  /** Milliseconds until the answer must have come, 1 at least. Default 5000. */
  timeout(milliseconds: u32): GrpcCall {
    this.milliseconds = max<u32>(milliseconds, 1);
    return this;
  }

  /** Most bytes that the answer may have, else it fails with TooLarge. Default 1 MiB. */
  maxMessage(bytes: u32): GrpcCall {
    this.limit = bytes;
    return this;
  }

  /** Sends it; `owner`'s onGrpcCallResponse gets the answer or the failure. When the owner ends first, the call is cancelled. */
  dispatch(owner: Context): void {
    const call = new PendingGrpcCall(this);
    call.link(owner);
    let status = Status.BadArgument;
    if (this.target.isAllowed) {
      put(this.target);
      calling = true;
      status = proxy_grpc_call(
        servicePtr,
        serviceLength,
        namePtr,
        nameLength,
        methodPtr,
        methodLength,
        metadataPtr,
        this.target.metadata.size,
        this.request.dataStart,
        this.request.length,
        this.milliseconds,
        retPtr(),
      );
      calling = false;
    }
    if (status == Status.Ok) call.await(load<u32>(retPtr()));
    else runLater(new Unsent(call, status));
  }
}

/** What became of a GrpcCall. */
export class GrpcCallResponse {
  private open: bool = false;

  constructor(
    readonly call: GrpcCall,
    /** Why there is no answer of the server's; None when there is one, whatever its status. */
    readonly failure: CallFailure,
    readonly status: GrpcStatus,
    /** What stands beside a status other than Ok. */
    readonly message: string,
  ) {}

  /** Whether a message has come. */
  get ok(): bool {
    return this.failure == CallFailure.None && this.status == GrpcStatus.Ok;
  }

  /** The message, serialised; readable in the callback that gets it. */
  bytes(): Uint8Array {
    return this.ok ? Current.message.bytes() : new Uint8Array(0);
  }
}

/** A stream of messages in both directions. To be extended; it ends with the context that has opened it. */
export abstract class GrpcStream {
  /** Largest message that is taken; a larger one ends the stream. Default 1 MiB. */
  limit: u32 = DEFAULT_LIMIT;
  private target: Target;
  private pending: PendingGrpcStream | null = null;
  /** Nothing more may be sent. */
  private ended: bool = false;

  constructor(cluster: string, service: string, method: string) {
    this.target = new Target(cluster, service, method);
  }

  /** Called with the server's initial metadata. */
  onInitialMetadata(metadata: HeaderMap): void {}

  /** Called with each message of the server. */
  onMessage(bytes: Uint8Array): void {}

  /** Called with the server's trailing metadata. */
  onTrailingMetadata(metadata: HeaderMap): void {}

  /** Called once when the stream has ended, or could not be opened. Not called after cancel, or when the owner has ended. */
  onClose(status: GrpcStatus, message: string): void {}

  /** Adds a metadata entry, before `open`. */
  metadata(name: string, value: string): void {
    this.target.metadata.add(name, value);
  }

  /** Opens it for a plugin or a stream, in whose name all callbacks are made. BadArgument when it was opened before. */
  open(owner: Context): Status {
    if (this.pending) return Status.BadArgument;
    const pending = new PendingGrpcStream(this);
    this.pending = pending;
    pending.link(owner);
    let status = Status.BadArgument;
    if (this.target.isAllowed) {
      put(this.target);
      calling = true;
      status = proxy_grpc_stream(
        servicePtr,
        serviceLength,
        namePtr,
        nameLength,
        methodPtr,
        methodLength,
        metadataPtr,
        this.target.metadata.size,
        retPtr(),
      );
      calling = false;
    }
    if (status == Status.Ok) pending.await(load<u32>(retPtr()));
    else runLater(new Unopened(pending, status));
    return status;
  }

  /** Sends a message, the last one if `endOfStream`. BadArgument when the stream is not open. */
  send(bytes: Uint8Array, endOfStream: bool = false): Status {
    const pending = this.pending;
    if (!pending || !pending.id || this.ended) return Status.BadArgument;
    this.ended = endOfStream;
    return proxy_grpc_send(pending.id, bytes.dataStart, bytes.length, u32(endOfStream));
  }

  /** Nothing more will be sent; the server's messages still come. */
  close(): Status {
    const pending = this.pending;
    if (!pending || !pending.id || this.ended) return Status.BadArgument;
    this.ended = true;
    return proxy_grpc_close(pending.id);
  }

  /** Ends it at once; nothing more is called. */
  cancel(): Status {
    const pending = this.pending;
    if (!pending || !pending.id) return Status.BadArgument;
    const id = pending.id;
    pending.settle();
    return proxy_grpc_cancel(id);
  }
}

abstract class PendingGrpc extends Pending {
  cancel(): bool {
    if (this.id) proxy_grpc_cancel(this.id);
    return true;
  }

  abstract metadataArrived(trailing: bool): void;
  abstract messageArrived(size: u32): void;
  abstract closed(status: GrpcStatus, message: string): void;
}

class PendingGrpcCall extends PendingGrpc {
  constructor(readonly call: GrpcCall) {
    super();
  }

  metadataArrived(trailing: bool): void {}

  messageArrived(size: u32): void {
    const failure = size > this.call.limit ? CallFailure.TooLarge : CallFailure.None;
    this.answer(failure, GrpcStatus.Ok, "");
  }

  closed(status: GrpcStatus, text: string): void {
    this.answer(CallFailure.None, status, text);
  }

  answer(failure: CallFailure, status: GrpcStatus, text: string): void {
    const owner = this.owner;
    this.settle();
    if (owner) owner.onGrpcCallResponse(new GrpcCallResponse(this.call, failure, status, text));
  }
}

class PendingGrpcStream extends PendingGrpc {
  constructor(readonly stream: GrpcStream) {
    super();
  }

  metadataArrived(trailing: bool): void {
    if (trailing) this.stream.onTrailingMetadata(Current.trailingMetadata);
    else this.stream.onInitialMetadata(Current.initialMetadata);
  }

  messageArrived(size: u32): void {
    if (size <= this.stream.limit) {
      this.stream.onMessage(Current.message.bytes());
      return;
    }
    this.cancel();
    this.closed(GrpcStatus.ResourceExhausted, "message larger than the limit");
  }

  closed(status: GrpcStatus, text: string): void {
    this.settle();
    this.stream.onClose(status, text);
  }
}

class Unsent extends Later {
  constructor(
    private pending: PendingGrpcCall,
    private status: Status,
  ) {
    super();
  }

  run(): void {
    const owner = this.pending.owner;
    if (owner && owner.activate()) this.pending.answer(failureOf(this.status), GrpcStatus.Unavailable, "");
  }
}

class Unopened extends Later {
  constructor(
    private pending: PendingGrpcStream,
    private status: Status,
  ) {
    super();
  }

  run(): void {
    const owner = this.pending.owner;
    if (owner && owner.activate()) this.pending.closed(GrpcStatus.Unavailable, "not opened");
  }
}

function failureOf(status: Status): CallFailure {
  return status == Status.InternalFailure ? CallFailure.NoHost : CallFailure.Refused;
}

/** The pending call or stream of this number, its owner activated; null when nobody waits for it. */
function enterGrpc(id: u32): PendingGrpc | null {
  const pending = pendingOf(id);
  if (!pending || !(pending instanceof PendingGrpc)) return null;
  const owner = pending.owner;
  return owner && owner.activate() ? <PendingGrpc>pending : null;
}

export function grpcMetadataArrived(id: u32, trailing: bool): void {
  if (calling) return;
  const pending = enterGrpc(id);
  if (pending) pending.metadataArrived(trailing);
  leave();
}

export function grpcMessageArrived(id: u32, size: u32): void {
  if (calling) return;
  const pending = enterGrpc(id);
  if (pending) {
    Current.message.hold(size);
    pending.messageArrived(size);
    Current.message.end();
  }
  leave();
}

export function grpcClosed(id: u32, status: u32): void {
  if (calling) return;
  const pending = enterGrpc(id);
  if (pending) pending.closed(status, statusMessage());
  else {
    const forgotten = pendingOf(id);
    if (forgotten) forgotten.settle();
  }
  leave();
}

/** The message beside the status of the gRPC call whose callback runs. */
function statusMessage(): string {
  clearReturn();
  const code = memory.data(4, 4);
  if (proxy_get_status(code, retPtr(), retPtr() + 4) != Status.Ok) dropReturn();
  const ptr = returnedPtr();
  let length = <usize>returnedLength();
  // Envoy 1.40 puts its own response code details behind the server's words.
  // In braces; alone when there are none.
  const suffix = <usize>VIA_UPSTREAM.length;
  if (length == suffix && equalsIgnoreCase(ptr, VIA_UPSTREAM)) length = 0;
  else if (
    length >= suffix + 2 &&
    load<u8>(ptr + length - 1) == 0x7d &&
    load<u8>(ptr + length - suffix - 2) == 0x7b &&
    equalsIgnoreCase(ptr + length - suffix - 1, VIA_UPSTREAM)
  ) {
    length -= suffix + 2;
  }
  const text = decodeUtf8(ptr, percentDecode(ptr, length, ptr));
  hostFree(ptr);
  return text;
}
