/* From the host's callbacks to the objects of a filter. */

import { BufferType, HeadersAction, LogLevel, Status, StreamType } from "../abi/enums";
import {
  proxy_close_stream,
  proxy_get_buffer_bytes,
  proxy_get_property,
  proxy_send_local_response,
} from "../abi/hostcalls";
import { releaseHeaderMaps } from "../headers";
import { HttpContext } from "../http";
import { forgetHostLevel, logAlways } from "../log";
import { Context } from "../context";
import { RootContext } from "../plugin";
import { StreamContext } from "../stream";
import { TcpContext } from "../tcp";
import { decodeUtf8 } from "../std/utf8";
import { addContext, contextOf, removeContext } from "./contexts";
import { setCurrentStream } from "./current";
import { collectGarbage } from "./gc";
import { afterCallback } from "./later";
import {
  clearReturn,
  dropReturn,
  hostFree,
  putString,
  retLen,
  retPtr,
  returnedLength,
  returnedPtr,
  roomFor,
  scratchFor,
  trimScratch,
} from "./memory";
import { dropCalls, endCallsOf } from "./pending";
import { callback, endCallback, enterInner, leaveInner, Phase, setPhase } from "./phase";
import { Factory, factoryFor, firstFactory, hasSeveral, tcpRegistered } from "./registry";

/** Largest configuration, in bytes: what it decodes to is many times as large. */
const MAX_CONFIG: u32 = 4 * 1024 * 1024;

/** What one root context of the host stands for. */
class Root {
  constructor(
    readonly factory: Factory,
    readonly plugin: RootContext,
  ) {}
}

/** The filter keeps nothing per stream and has no plugin of its own: the build then exports no context callback. Where it
 * exports one it writes `false` here, so that a host which does not call it gets no stream served by another's object. */
const SERVES_WITHOUT_CONTEXTS: bool = true;

/** Serves all streams then. */
let stateless: HttpContext | null = null;
let contextsCreated: bool = false;

/** Root contexts of the host have parent 0; a stream has its plugin's. */
export function createContext(id: u32, parent: u32): void {
  contextsCreated = true;
  if (!parent) {
    createRoot(id);
    return;
  }
  const found = contextOf(parent);
  if (!found) return;
  const root = changetype<Root>(found);
  const stream = root.factory.newStream();
  stream.contextId = id;
  stream.root = root.plugin;
  stream.isTcp = root.factory.isTcp;
  addContext(id, changetype<usize>(stream));
}

function createRoot(id: u32): Root | null {
  const factory = factoryFor(hasSeveral() ? rootId() : "");
  if (!factory) return null;
  const plugin = factory.newPlugin();
  plugin.contextId = id;
  const root = new Root(factory, plugin);
  addContext(id, changetype<usize>(root));
  return root;
}

export function deleteContext(id: u32): void {
  if (dropCalls) {
    const context = contextObject(id);
    if (context) endCallsOf(context);
  }
  removeContext(id);
  leave();
}

/** The filter object of a stream; null when there is none, which only a broken host brings about. */
export function enterStream(id: u32, phase: Phase): HttpContext | null {
  setPhase(phase);
  enterInner(id, phase);
  const found = contextOf(id);
  const stream = found ? changetype<HttpContext>(found) : withoutState(id);
  if (!stream || (tcpRegistered && stream.isTcp)) return null;
  stream.reached = phase;
  setCurrentStream(stream);
  return stream;
}

/** The object of a stream that is over, of whatever kind. */
export function enterEnd(id: u32, phase: Phase): StreamContext | null {
  const found = contextOf(id);
  if (!tcpRegistered || !found || !changetype<StreamContext>(found).isTcp) return enterStream(id, phase);
  setPhase(phase);
  const stream = changetype<StreamContext>(found);
  stream.reached = phase;
  return stream;
}

/** The TCP filter object of a connection; null when there is none, or when an HTTP filter is configured for TCP. */
export function enterConnection(id: u32): TcpContext | null {
  setPhase(Phase.Tcp);
  enterInner(id, Phase.Tcp);
  const found = contextOf(id);
  const stream = found ? changetype<StreamContext>(found) : null;
  if (!stream || !stream.isTcp) return null;
  stream.reached = Phase.Tcp;
  return changetype<TcpContext>(stream);
}

function withoutState(id: u32): HttpContext | null {
  if (!SERVES_WITHOUT_CONTEXTS || contextsCreated) return null;
  let stream = stateless;
  if (!stream) {
    // The build refuses a module that registers none.
    const factory = changetype<Factory>(firstFactory);
    stream = changetype<HttpContext>(factory.newStream());
    stream.root = factory.newPlugin();
    stream.isShared = true;
    stateless = stream;
  }
  stream.contextId = id;
  return stream;
}

/** The plugin or the stream of this number. */
function contextObject(id: u32): Context | null {
  const found = contextOf(id);
  if (!found) return null;
  return isRoot(id) ? changetype<Root>(found).plugin : changetype<StreamContext>(found);
}

/** The plugin of a root context. */
export function enterRoot(id: u32): RootContext | null {
  setPhase(Phase.Root);
  const root = contextOf(id);
  return root ? changetype<Root>(root).plugin : null;
}

/** Whether the context is one of a plugin, not of a stream. */
export function isRoot(id: u32): bool {
  const context = contextOf(id);
  // The runtime keeps the id of the class in front of the data.
  return context != 0 && load<u32>(context - 8) == idof<Root>();
}

/** Hands the plugin its configuration. False makes Envoy refuse it; the reason is logged. */
export function configure(id: u32, size: u32): bool {
  setPhase(Phase.Root);
  const root = contextOf(id);
  if (!root) return refuse("root_id: the module has no filter of the name " + rootId());
  const plugin = changetype<Root>(root).plugin;
  if (size > MAX_CONFIG) return refuse("$: is larger than 4 MiB");
  clearReturn();
  if (size) {
    const status = proxy_get_buffer_bytes(BufferType.PluginConfiguration, 0, size, retPtr(), retLen());
    if (status != Status.Ok) dropReturn();
  }
  const ptr = returnedPtr();
  const reason = size && !ptr ? "$: could not be read" : plugin.configureFrom(ptr, returnedLength());
  hostFree(ptr);
  if (reason) return refuse(reason);
  const accepted = plugin.onConfigure();
  leave();
  return accepted;
}

function refuse(reason: string): bool {
  logAlways(LogLevel.Error, "configuration refused: " + reason);
  leave();
  return false;
}

function rootId(): string {
  const path = "plugin_root_id";
  const ptr = scratchFor(roomFor(path));
  clearReturn();
  if (proxy_get_property(ptr, putString(ptr, path), retPtr(), retLen()) != Status.Ok) dropReturn();
  const text = decodeUtf8(returnedPtr(), returnedLength());
  hostFree(returnedPtr());
  return text;
}

/** Ends a callback: what belonged to it is gone, and nothing but the tables holds objects. */
export function leave(): void {
  forgetCallback();
  // @ts-ignore: built into the compiler
  if (afterCallback) call_indirect<void>(afterCallback);
  enterInner(0, Phase.None);
  collectGarbage();
}

export function forgetCallback(): void {
  releaseHeaderMaps();
  forgetHostLevel();
  trimScratch();
  setPhase(Phase.None);
  setCurrentStream(null);
  endCallback();
}

/** Ends a stream's callback: what it returns to the host, and whether that direction stands still from now on. */
export function settle(stream: StreamContext | null, direction: StreamType, action: i32): i32 {
  // Envoy 1.40 crashes when trailers go on whose stream was reset.
  const wasReset = stream != null && stream.resetIn == callback;
  leave();
  const left = leaveInner(action);
  const decided = wasReset && left == HeadersAction.Continue ? <i32>HeadersAction.StopIteration : left;
  if (stream) {
    const bit = 1 << (<i32>direction);
    if (decided == HeadersAction.Continue) stream.stopped &= ~bit;
    else stream.stopped |= bit;
  }
  return decided;
}

/** A connection whose filter is missing must not pass. */
export function refuseConnection(): i32 {
  proxy_close_stream(StreamType.Downstream);
  return 1;
}

/** A stream whose filter is missing must not pass. */
export function refuseStream(): i32 {
  proxy_send_local_response(500, 0, 0, 0, 0, 0, 0, -1);
  return 1;
}
