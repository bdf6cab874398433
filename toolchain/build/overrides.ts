/* Which ABI callbacks a program needs: those that its filter classes override, their base classes outside the SDK
 * included, and those that configuration and per-stream state imply. Runs inside the compiler, after it knows all classes
 * and before it compiles. */

import * as assemblyscript from "assemblyscript";
import type {
  ClassPrototype,
  FunctionPrototype,
  Global,
  Program,
  PropertyPrototype,
  VariableDeclaration,
} from "assemblyscript";

// The run-time object: the numbers of the const enum change between versions of the compiler.
const ElementKind = (
  assemblyscript as unknown as {
    ElementKind: Record<"ClassPrototype" | "FunctionPrototype" | "PropertyPrototype", number>;
  }
).ElementKind;

const SDK = "~lib/meshwasm/sdk/";
const STREAM_BASE = `${SDK}stream/StreamContext`;
const PLUGIN_BASE = `${SDK}plugin/RootContext`;
const GRPC_STREAM_BASE = `${SDK}grpc/GrpcStream`;
const CONFIG_BASE = `${SDK}config/Config`;
/** See there. */
const WITHOUT_CONTEXTS = `${SDK}runtime/dispatch/SERVES_WITHOUT_CONTEXTS`;
const EXPORTS_FILE = `${SDK}runtime/exports`;

/** Answers to calls, which plugins and streams get. */
const CALL_CALLBACKS: Readonly<Record<string, string | readonly string[]>> = {
  onHttpCallResponse: "proxy_on_http_call_response",
  onHttpCallsDone: "proxy_on_http_call_response",
  onGrpcCallResponse: ["proxy_on_grpc_receive", "proxy_on_grpc_close"],
};
const GRPC_STREAM_CALLBACKS: Readonly<Record<string, string | readonly string[]>> = {
  onInitialMetadata: "proxy_on_grpc_receive_initial_metadata",
  onMessage: "proxy_on_grpc_receive",
  onTrailingMetadata: "proxy_on_grpc_receive_trailing_metadata",
};
const STREAM_CALLBACKS: Readonly<Record<string, string | readonly string[]>> = {
  ...CALL_CALLBACKS,
  onRequestHeaders: "proxy_on_request_headers",
  onRequestBody: "proxy_on_request_body",
  // A body ends at the end of the stream or at its trailers.
  onWholeRequestBody: ["proxy_on_request_body", "proxy_on_request_trailers"],
  onRequestTrailers: "proxy_on_request_trailers",
  onResponseHeaders: "proxy_on_response_headers",
  onResponseBody: "proxy_on_response_body",
  onWholeResponseBody: ["proxy_on_response_body", "proxy_on_response_trailers"],
  onResponseTrailers: "proxy_on_response_trailers",
  onNewConnection: "proxy_on_new_connection",
  onDownstreamData: "proxy_on_downstream_data",
  onUpstreamData: "proxy_on_upstream_data",
  onDownstreamClose: "proxy_on_downstream_connection_close",
  onUpstreamClose: "proxy_on_upstream_connection_close",
  onLog: "proxy_on_log",
  onDone: "proxy_on_done",
};
const PLUGIN_CALLBACKS: typeof STREAM_CALLBACKS = {
  ...CALL_CALLBACKS,
  onConfigure: "proxy_on_configure",
  onTick: "proxy_on_tick",
  onQueueReady: "proxy_on_queue_ready",
  // A plugin must not end before its answers have come.
  onResolveDns: ["envoy_on_resolve_dns", "proxy_on_done"],
  onDone: "proxy_on_done",
};
/** The host refuses a module without these. */
const ALWAYS = ["malloc", "proxy_abi_version_0_2_1"];

/** Members that a class of the author adds to the SDK's base class, inherited ones included; true for fields. */
function authorMembers(prototype: ClassPrototype): Map<string, boolean> {
  const members = new Map<string, boolean>();
  for (let at: ClassPrototype | null = prototype; at && !at.internalName.startsWith(SDK); at = at.basePrototype) {
    for (const [name, member] of at.instanceMembers ?? []) {
      members.set(
        name,
        (member.kind as number) === ElementKind.PropertyPrototype && (member as PropertyPrototype).isField,
      );
    }
  }
  return members;
}

function extendsFrom(prototype: ClassPrototype, base: string): boolean {
  for (let at: ClassPrototype | null = prototype; at; at = at.basePrototype) if (at.internalName === base) return true;
  return false;
}

function authorClasses(program: Program): ClassPrototype[] {
  return [...program.elementsByName.values()].filter(
    (element): element is ClassPrototype =>
      (element.kind as number) === ElementKind.ClassPrototype && !element.internalName.startsWith(SDK),
  );
}

/** Calls of the register functions in the author's text: one class can be registered several times. */
function registrations(program: Program): number {
  const texts = program.sources.filter((s) => !s.normalizedPath.startsWith(SDK)).map((s) => s.text);
  return texts.reduce((sum, text) => sum + (text.match(/\bregister\w+Filter\s*</g)?.length ?? 0), 0);
}

/**
 * Names of the classes that the author's text registers, or null when they cannot be told: a class by another name, or a
 * parameter of a generic function.
 */
function registeredNames(program: Program, classes: readonly ClassPrototype[]): Set<string> | null {
  const known = new Set(classes.map(({ name }) => name));
  const names = new Set<string>();
  for (const { normalizedPath, text } of program.sources) {
    if (normalizedPath.startsWith(SDK)) continue;
    for (const [, given] of text.matchAll(/\bregister\w+Filter\s*<([^()]*)>\s*\(/g)) {
      // Of generic classes the arguments do not matter; an SDK's class has no overrides.
      const [filter = "", plugin = ""] = given!.replaceAll(/<[^<>]*>/g, "").split(",");
      for (const each of [filter, plugin]) {
        const name = each.trim().split(".").at(-1)!;
        if (!known.has(name)) return null;
        names.add(name);
      }
    }
  }
  return names;
}

/** Whether a compiled program makes any filter known. */
export function registersFilter(program: Program): boolean {
  return [...program.elementsByName.values()].some(
    (element) =>
      (element.kind as number) === ElementKind.FunctionPrototype &&
      element.internalName.startsWith(SDK) &&
      /^register\w+Filter$/.test(element.name) &&
      ((element as FunctionPrototype).instances?.size ?? 0) > 0,
  );
}

/** Whether a compiled program can hold headers until a body was read, which needs a setting of the host. */
export function holdsHeaders(program: Program): boolean {
  return program.instancesByName.has(`${SDK}http/HttpMessage#holdBody`);
}

/** Whether a compiled program asks for whole bodies without holding headers. */
export function inspectsBodies(program: Program): boolean {
  return program.instancesByName.has(`${SDK}http/HttpMessage#inspectBody`);
}

/** Names of the ABI exports that the program needs. */
export function neededExports(program: Program): Set<string> {
  const needed = new Set(ALWAYS);
  let stateful = false;
  let streams = 0;
  const all = authorClasses(program);
  const registered = registeredNames(program, all);
  // Of one that is not registered only what others inherit counts, and that they have themselves.
  const isUsed = ({ name }: ClassPrototype): boolean => registered === null || registered.has(name);
  const classes = all.filter(isUsed);
  for (const prototype of all) {
    const isStream = extendsFrom(prototype, STREAM_BASE) && isUsed(prototype);
    const isPlugin = extendsFrom(prototype, PLUGIN_BASE) && isUsed(prototype);
    if (extendsFrom(prototype, CONFIG_BASE)) {
      needed.add("proxy_on_configure");
      stateful = true;
    }
    if (extendsFrom(prototype, GRPC_STREAM_BASE)) {
      // The end has to be known in any case, so that nothing is kept of a stream that is over.
      needed.add("proxy_on_grpc_close");
      for (const name of authorMembers(prototype).keys())
        if (Object.hasOwn(GRPC_STREAM_CALLBACKS, name))
          for (const each of [GRPC_STREAM_CALLBACKS[name]!].flat()) needed.add(each);
      stateful = true;
    }
    if (!isStream && !isPlugin) continue;
    if (isStream && !classes.some((other) => other.basePrototype === prototype)) streams++;
    const callbacks = isStream ? STREAM_CALLBACKS : PLUGIN_CALLBACKS;
    for (const [name, isField] of authorMembers(prototype)) {
      if (Object.hasOwn(callbacks, name)) for (const each of [callbacks[name]!].flat()) needed.add(each);
      // A field, or a plugin with anything of its own: the object has to be the stream's, the plugin its root's.
      // The host calls proxy_on_done for plugins too: only contexts tell them from streams.
      // What is buffered is known per stream.
      if (isField || isPlugin || name === "onDone" || name.startsWith("onWhole") || Object.hasOwn(CALL_CALLBACKS, name))
        stateful = true;
    }
  }
  // Which of several filters a stream belongs to is known from its context alone.
  if (stateful || streams > 1 || registrations(program) > 1) {
    needed.add("proxy_on_context_create");
    needed.add("proxy_on_delete");
  }
  // A root_id that names none of them is refused.
  if (streams > 1 || registrations(program) > 1) needed.add("proxy_on_configure");
  return needed;
}

/** Removes the exports that the program does not need, so that neither they nor what they reach is compiled. */
export function pruneExports(program: Program): void {
  const exports = program.filesByName.get(EXPORTS_FILE)?.exports;
  if (!exports) throw new Error(`${EXPORTS_FILE} is not part of the program`);
  const needed = neededExports(program);
  for (const name of [...exports.keys()]) if (!needed.has(name)) exports.delete(name);
  if (needed.has("proxy_on_context_create")) {
    const constant = program.elementsByName.get(WITHOUT_CONTEXTS) as Global | undefined;
    const declaration = constant?.declaration as VariableDeclaration | undefined;
    if (!declaration) throw new Error(`${WITHOUT_CONTEXTS} is not part of the program`);
    declaration.initializer = assemblyscript.Node.createFalseExpression(declaration.range);
  }
}
