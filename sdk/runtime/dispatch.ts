/* From the host's callbacks to the objects of a filter. */

import { BufferType, LogLevel, Status } from "../abi/enums";
import { proxy_get_buffer_bytes, proxy_get_property, proxy_send_local_response } from "../abi/hostcalls";
import { releaseHeaderMaps } from "../headers";
import { HttpContext, setCurrentStream } from "../http";
import { forgetHostLevel, logAlways } from "../log";
import { RootContext } from "../plugin";
import { decodeUtf8 } from "../std/utf8";
import { addContext, contextOf, removeContext } from "./contexts";
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
import { Phase, setDequeued, setPhase } from "./phase";
import { Factory, factoryFor, firstFactory, hasSeveral } from "./registry";

/** What one root context of the host stands for. */
class Root {
  constructor(
    readonly factory: Factory,
    readonly plugin: RootContext,
  ) {}
}

/** Serves all streams of a filter that keeps nothing per stream and has no plugin of its own: the build then exports no
 * context callback. */
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
  removeContext(id);
  leave();
}

/** The filter object of a stream; null when there is none, which only a broken host brings about. */
export function enterStream(id: u32, phase: Phase): HttpContext | null {
  setPhase(phase);
  const found = contextOf(id);
  const stream = found ? changetype<HttpContext>(found) : withoutState(id);
  setCurrentStream(stream);
  return stream;
}

function withoutState(id: u32): HttpContext | null {
  const factory = firstFactory;
  if (contextsCreated || !factory) return null;
  let stream = stateless;
  if (!stream) {
    stream = factory.newStream();
    stream.root = factory.newPlugin();
    stateless = stream;
  }
  stream.contextId = id;
  return stream;
}

/** The plugin of a root context. */
export function enterRoot(id: u32): RootContext | null {
  setPhase(Phase.Root);
  setDequeued(0);
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
  collectGarbage();
}

export function forgetCallback(): void {
  releaseHeaderMaps();
  forgetHostLevel();
  trimScratch();
  setPhase(Phase.None);
  setCurrentStream(null);
}

/** A stream whose filter is missing must not pass. */
export function refuseStream(): i32 {
  proxy_send_local_response(500, 0, 0, 0, 0, 0, 0, -1);
  return 1;
}
