import { BufferType, MapType, Status } from "./abi.js";
import { HostBuffer } from "./buffers.js";
import { EmulatorError } from "./errors.js";
import { parsePairs, serialisePairs, type HeaderMap } from "./headermap.js";
import { getProperty, setProperty } from "./properties.js";
import type { HostCall, Vm } from "./vm.js";

/** The `env` functions that the emulator has. One that is missing here loads, and fails the test when called. */
export const HOST_CALLS: Readonly<Record<string, HostCall>> = {
  proxy_log(vm, level = 0, ptr = 0, len = 0) {
    if (level > 5) return Status.BadArgument;
    const message = vm.read(ptr, len);
    if (message === null) return Status.InvalidMemoryAccess;
    vm.logs.add(level, message);
    return Status.Ok;
  },

  proxy_get_log_level(vm, ret = 0) {
    return vm.writeU32(ret, vm.logs.level) ? Status.Ok : Status.InvalidMemoryAccess;
  },

  proxy_get_current_time_nanoseconds(vm, ret = 0) {
    return vm.writeU64(ret, BigInt(Date.now()) * 1_000_000n) ? Status.Ok : Status.InvalidMemoryAccess;
  },

  proxy_get_status(vm, code = 0, ptr = 0, len = 0) {
    // Only a failed callout leaves anything else here.
    if (!vm.writeU32(code, 0)) return Status.InvalidMemoryAccess;
    return vm.give("", ptr, len);
  },

  proxy_get_property(vm, path = 0, pathLen = 0, ptr = 0, len = 0) {
    const name = vm.read(path, pathLen);
    if (name === null) return Status.InvalidMemoryAccess;
    const value = getProperty(vm.context, name);
    return typeof value === "number" ? value : vm.give(value, ptr, len);
  },

  proxy_set_property(vm, path = 0, pathLen = 0, ptr = 0, len = 0) {
    const name = vm.read(path, pathLen);
    const value = vm.read(ptr, len);
    if (name === null || value === null) return Status.InvalidMemoryAccess;
    return setProperty(vm.context, name, value);
  },

  proxy_continue_stream(vm, type = 0) {
    if (type > 3) return Status.BadArgument;
    if (type === 3) return Status.Unimplemented;
    if (type < 2) vm.context.stream?.continueStream(type);
    return Status.Ok;
  },

  proxy_close_stream(vm, type = 0) {
    if (type > 3) return Status.BadArgument;
    if (type < 2) vm.context.stream?.closeStream();
    return Status.Ok;
  },

  proxy_send_local_response(vm, code = 0, d = 0, dLen = 0, b = 0, bLen = 0, h = 0, hLen = 0, grpc = 0) {
    const details = vm.read(d, dLen);
    const body = vm.read(b, bLen);
    const headers = vm.read(h, hLen);
    if (details === null || body === null || headers === null) return Status.InvalidMemoryAccess;
    vm.context.stream?.sendLocalReply({
      code,
      body,
      headers: parsePairs(headers),
      grpcStatus: grpc <= 16 ? grpc : null,
      details: details.replace(/\s/g, "_"),
    });
    vm.stopIteration();
    return Status.Ok;
  },

  proxy_set_effective_context(vm, id = 0) {
    return vm.setEffective(id);
  },

  proxy_done(vm) {
    const { context } = vm;
    if (context !== context.root) return Status.NotFound;
    // Envoy deletes the root when the call has returned.
    if (!context.root.waitsForDone()) return Status.NotFound;
    vm.afterCall(() => context.root.finish());
    return Status.Ok;
  },

  proxy_call_foreign_function(vm, name = 0, nameLen = 0) {
    const text = vm.read(name, nameLen);
    if (text === null) return Status.InvalidMemoryAccess;
    if (!FOREIGN_FUNCTIONS.includes(text)) return Status.NotFound;
    // Routes do not exist here, so there is nothing to clear.
    if (text === "clear_route_cache") return Status.Ok;
    throw new EmulatorError(
      `The emulator does not have the foreign function ${text} yet; run this test with --host envoy.`,
    );
  },

  proxy_get_buffer_bytes(vm, type = 0, start = 0, max = 0, ptr = 0, len = 0) {
    if (type > 8) return Status.BadArgument;
    const buffer = bufferOf(vm, type);
    if (buffer === null) return vm.give("", ptr, len);
    return vm.give(buffer.slice(start, max), ptr, len);
  },

  proxy_get_buffer_status(vm, type = 0, len = 0, flags = 0) {
    if (type > 8) return Status.BadArgument;
    const size = bufferOf(vm, type)?.data.length ?? 0;
    return vm.writeU32(len, size) && vm.writeU32(flags, 0) ? Status.Ok : Status.InvalidMemoryAccess;
  },

  proxy_set_buffer_bytes(vm, type = 0, start = 0, length = 0, ptr = 0, len = 0) {
    if (type > 8) return Status.BadArgument;
    const buffer = bufferOf(vm, type);
    if (buffer === null) return type === BufferType.PluginConfiguration ? Status.NotFound : Status.BadArgument;
    const data = vm.read(ptr, len);
    if (data === null) return Status.InvalidMemoryAccess;
    return buffer.write(start, length, data);
  },

  proxy_get_header_map_value(vm, type = 0, key = 0, keyLen = 0, ptr = 0, len = 0) {
    if (type > 7) return Status.BadArgument;
    const name = vm.read(key, keyLen);
    if (name === null) return Status.InvalidMemoryAccess;
    const { stream } = vm.context;
    const map = stream?.readable(type) ?? null;
    if (map === null) return stream?.logPhase ? Status.NotFound : Status.BadArgument;
    const value = map.get(name);
    return value === null ? Status.NotFound : vm.give(value, ptr, len);
  },

  proxy_add_header_map_value(vm, type = 0, key = 0, keyLen = 0, ptr = 0, len = 0) {
    return change(vm, type, key, keyLen, ptr, len, (map, name, value) => map.add(name, value));
  },

  proxy_replace_header_map_value(vm, type = 0, key = 0, keyLen = 0, ptr = 0, len = 0) {
    return change(vm, type, key, keyLen, ptr, len, (map, name, value) => map.set(name, value));
  },

  proxy_remove_header_map_value(vm, type = 0, key = 0, keyLen = 0) {
    return change(vm, type, key, keyLen, 0, 0, (map, name) => map.remove(name));
  },

  proxy_get_header_map_pairs(vm, type = 0, ptr = 0, len = 0) {
    if (type > 7) return Status.BadArgument;
    const lines = vm.context.stream?.readable(type)?.lines() ?? [];
    return vm.give(lines.length === 0 ? "" : serialisePairs(lines), ptr, len);
  },

  proxy_set_header_map_pairs(vm, type = 0, ptr = 0, len = 0) {
    return change(vm, type, ptr, len, 0, 0, (map, data) => map.replaceAll(parsePairs(data)));
  },

  proxy_get_header_map_size(vm, type = 0, ret = 0) {
    if (type > MapType.HttpCallResponseTrailers) return Status.BadArgument;
    const map = vm.context.stream?.writable(type) ?? null;
    if (map === null) return Status.BadArgument;
    return vm.writeU32(ret, map.byteSize()) ? Status.Ok : Status.InvalidMemoryAccess;
  },

  pthread_equal: (_vm, a = 0, b = 0) => (a === b ? 1 : 0),
  emscripten_notify_memory_growth: () => undefined,
};

export const FOREIGN_FUNCTIONS: readonly string[] = [
  "verify_signature",
  "sign",
  "compress",
  "uncompress",
  "set_envoy_filter_state",
  "clear_route_cache",
  "expr_create",
  "expr_evaluate",
  "expr_delete",
  "declare_property",
];

function bufferOf(vm: Vm, type: number): HostBuffer | null {
  if (type === BufferType.VmConfiguration) return new HostBuffer("", false);
  if (type === BufferType.PluginConfiguration) {
    const { root } = vm;
    return root.configuring ? new HostBuffer(root.plugin.config, false) : null;
  }
  return vm.context.stream?.buffer(type) ?? null;
}

function change(
  vm: Vm,
  type: number,
  key: number,
  keyLen: number,
  ptr: number,
  len: number,
  action: (map: HeaderMap, name: string, value: string) => void,
): number {
  if (type > 7) return Status.BadArgument;
  const name = vm.read(key, keyLen);
  const value = vm.read(ptr, len);
  if (name === null || value === null) return Status.InvalidMemoryAccess;
  const map = vm.context.stream?.writable(type) ?? null;
  if (map === null) return Status.BadArgument;
  action(map, name, value);
  return Status.Ok;
}
