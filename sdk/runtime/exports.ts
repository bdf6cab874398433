/* The module's exports: one line each. The build removes those whose callback no class of the filter overrides, because
 * Envoy skips a callback that is not there. */

import {
  configure,
  createContext,
  deleteContext,
  enterRoot,
  enterStream,
  isRoot,
  leave,
  refuseStream,
} from "./dispatch";
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

export function proxy_on_request_headers(id: u32, lines: u32, endOfStream: u32): i32 {
  const stream = enterStream(id, Phase.RequestHeaders);
  const action = stream ? <i32>stream.onRequestHeaders(endOfStream != 0) : refuseStream();
  leave();
  return action;
}

export function proxy_on_request_body(id: u32, size: u32, endOfStream: u32): i32 {
  const stream = enterStream(id, Phase.RequestBody);
  const action = stream ? <i32>stream.onRequestBody(size, endOfStream != 0) : refuseStream();
  leave();
  return action;
}

export function proxy_on_request_trailers(id: u32, lines: u32): i32 {
  const stream = enterStream(id, Phase.RequestTrailers);
  const action = stream ? <i32>stream.onRequestTrailers() : refuseStream();
  leave();
  return action;
}

export function proxy_on_response_headers(id: u32, lines: u32, endOfStream: u32): i32 {
  const stream = enterStream(id, Phase.ResponseHeaders);
  const action = stream ? <i32>stream.onResponseHeaders(endOfStream != 0) : refuseStream();
  leave();
  return action;
}

export function proxy_on_response_body(id: u32, size: u32, endOfStream: u32): i32 {
  const stream = enterStream(id, Phase.ResponseBody);
  const action = stream ? <i32>stream.onResponseBody(size, endOfStream != 0) : refuseStream();
  leave();
  return action;
}

export function proxy_on_response_trailers(id: u32, lines: u32): i32 {
  const stream = enterStream(id, Phase.ResponseTrailers);
  const action = stream ? <i32>stream.onResponseTrailers() : refuseStream();
  leave();
  return action;
}

export function proxy_on_log(id: u32): void {
  if (!isRoot(id)) {
    const stream = enterStream(id, Phase.Log);
    if (stream) stream.onLog();
    leave();
  }
}

export function proxy_on_done(id: u32): u32 {
  let done = true;
  if (isRoot(id)) {
    const plugin = enterRoot(id);
    if (plugin) done = plugin.onDone();
  } else {
    const stream = enterStream(id, Phase.Done);
    if (stream) stream.onDone();
  }
  leave();
  return done;
}

export function proxy_on_delete(id: u32): void {
  deleteContext(id);
}
