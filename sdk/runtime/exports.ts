/* The module's exports. The build removes those whose callback no class of the filter overrides, because Envoy skips a
 * callback that is not there. */

import { StreamType, TrailersAction } from "../abi/enums";
import { dnsAnswered, waitsForDns } from "../dns";
import { afterHeaders, bodyEndedByTrailers, bodyPiece } from "./bodies";
import {
  configure,
  createContext,
  deleteContext,
  enterConnection,
  enterEnd,
  enterRoot,
  enterStream,
  isRoot,
  leave,
  refuseConnection,
  refuseStream,
  settle,
} from "./dispatch";
import { grpcClosed, grpcMessageArrived, grpcMetadataArrived } from "../grpc";
import { httpCallAnswered } from "../callout";
import { CurrentData } from "../tcp";
import { hostAlloc } from "./memory";
import { Phase } from "./phase";

/** Marks the ABI version; never called. */
export function proxy_abi_version_0_2_1(): void {}

export function malloc(size: usize): usize {
  return hostAlloc(size);
}

export function proxy_on_context_create(id: u32, parent: u32): void {
  createContext(id, parent);
}

export function proxy_on_configure(root: u32, size: u32): u32 {
  return configure(root, size);
}

export function proxy_on_tick(root: u32): void {
  const plugin = enterRoot(root);
  if (plugin) plugin.onTick();
  leave();
}

export function proxy_on_queue_ready(root: u32, queue: u32): void {
  const plugin = enterRoot(root);
  if (plugin) plugin.onQueueReady(queue);
  leave();
}

export function proxy_on_request_headers(id: u32, lines: u32, endOfStream: u32): i32 {
  const stream = enterStream(id, Phase.RequestHeaders);
  let action: i32;
  if (stream) {
    const ends = endOfStream != 0;
    action = stream.onRequestHeaders(ends);
    action = afterHeaders(stream, true, ends, action);
  } else action = refuseStream();
  return settle(stream, StreamType.HttpRequest, action);
}

export function proxy_on_request_body(id: u32, size: u32, endOfStream: u32): i32 {
  const stream = enterStream(id, Phase.RequestBody);
  const action = stream ? <i32>bodyPiece(stream, true, size, endOfStream != 0) : refuseStream();
  return settle(stream, StreamType.HttpRequest, action);
}

export function proxy_on_request_trailers(id: u32, lines: u32): i32 {
  const stream = enterStream(id, Phase.RequestTrailers);
  let action: i32;
  if (stream) {
    const goesOn = bodyEndedByTrailers(stream, true);
    action = stream.onRequestTrailers();
    if (!goesOn) action = TrailersAction.StopIteration;
  } else action = refuseStream();
  return settle(stream, StreamType.HttpRequest, action);
}

export function proxy_on_response_headers(id: u32, lines: u32, endOfStream: u32): i32 {
  const stream = enterStream(id, Phase.ResponseHeaders);
  let action: i32;
  if (stream) {
    const ends = endOfStream != 0;
    action = stream.onResponseHeaders(ends);
    action = afterHeaders(stream, false, ends, action);
  } else action = refuseStream();
  return settle(stream, StreamType.HttpResponse, action);
}

export function proxy_on_response_body(id: u32, size: u32, endOfStream: u32): i32 {
  const stream = enterStream(id, Phase.ResponseBody);
  const action = stream ? <i32>bodyPiece(stream, false, size, endOfStream != 0) : refuseStream();
  return settle(stream, StreamType.HttpResponse, action);
}

export function proxy_on_response_trailers(id: u32, lines: u32): i32 {
  const stream = enterStream(id, Phase.ResponseTrailers);
  let action: i32;
  if (stream) {
    const goesOn = bodyEndedByTrailers(stream, false);
    action = stream.onResponseTrailers();
    if (!goesOn) action = TrailersAction.StopIteration;
  } else action = refuseStream();
  return settle(stream, StreamType.HttpResponse, action);
}

export function proxy_on_log(id: u32): void {
  if (isRoot(id)) return;
  const stream = enterEnd(id, Phase.Log);
  if (stream) stream.onLog();
  leave();
}

export function proxy_on_done(id: u32): u32 {
  let done = true;
  if (isRoot(id)) {
    const plugin = enterRoot(id);
    if (plugin) done = plugin.onDone() && !waitsForDns(id);
  } else {
    const stream = enterEnd(id, Phase.Done);
    if (stream) stream.onDone();
  }
  leave();
  return done;
}

export function proxy_on_delete(id: u32): void {
  deleteContext(id);
}

export function envoy_on_resolve_dns(root: u32, token: u32, size: u32): void {
  dnsAnswered(root, token, size);
}

export function proxy_on_http_call_response(root: u32, id: u32, lines: u32, size: u32, trailers: u32): void {
  httpCallAnswered(id, lines, size);
}

export function proxy_on_grpc_receive_initial_metadata(root: u32, id: u32, lines: u32): void {
  grpcMetadataArrived(id, false);
}

export function proxy_on_grpc_receive(root: u32, id: u32, size: u32): void {
  grpcMessageArrived(id, size);
}

export function proxy_on_grpc_receive_trailing_metadata(root: u32, id: u32, lines: u32): void {
  grpcMetadataArrived(id, true);
}

export function proxy_on_grpc_close(root: u32, id: u32, status: u32): void {
  grpcClosed(id, status);
}

export function proxy_on_new_connection(id: u32): i32 {
  const stream = enterConnection(id);
  const action = stream ? <i32>stream.onNewConnection() : refuseConnection();
  return settle(stream, StreamType.Downstream, action);
}

export function proxy_on_downstream_data(id: u32, size: u32, endOfStream: u32): i32 {
  const stream = enterConnection(id);
  CurrentData.downstream.hold(size);
  const action = stream ? <i32>stream.onDownstreamData(CurrentData.downstream, endOfStream != 0) : refuseConnection();
  CurrentData.downstream.end();
  return settle(stream, StreamType.Downstream, action);
}

export function proxy_on_upstream_data(id: u32, size: u32, endOfStream: u32): i32 {
  const stream = enterConnection(id);
  CurrentData.upstream.hold(size);
  const action = stream ? <i32>stream.onUpstreamData(CurrentData.upstream, endOfStream != 0) : refuseConnection();
  CurrentData.upstream.end();
  return settle(stream, StreamType.Upstream, action);
}

export function proxy_on_downstream_connection_close(id: u32, peer: u32): void {
  const stream = enterConnection(id);
  if (stream) stream.onDownstreamClose(peer);
  leave();
}

export function proxy_on_upstream_connection_close(id: u32, peer: u32): void {
  const stream = enterConnection(id);
  if (stream) stream.onUpstreamClose(peer);
  leave();
}
