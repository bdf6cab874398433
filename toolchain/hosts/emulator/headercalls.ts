import { Status } from "./abi.js";
import { parsePairs, serialisePairs, type HeaderMap } from "./headermap.js";
import type { HostCall, Vm } from "./vm.js";

const LAST_MAP = 7;

function change(
  vm: Vm,
  type: number,
  key: number,
  keyLen: number,
  ptr: number,
  len: number,
  action: (map: HeaderMap, name: string, value: string) => void,
): number {
  if (type > LAST_MAP) return Status.BadArgument;
  const name = vm.read(key, keyLen);
  const value = vm.read(ptr, len);
  if (name === null || value === null) return Status.InvalidMemoryAccess;
  const map = vm.context.writableMap(type);
  if (map === null) return Status.BadArgument;
  action(map, name, value);
  return Status.Ok;
}

/** Header maps, trailers and metadata. */
export const HEADER_CALLS: Readonly<Record<string, HostCall>> = {
  proxy_get_header_map_value(vm, type = 0, key = 0, keyLen = 0, ptr = 0, len = 0) {
    if (type > LAST_MAP) return Status.BadArgument;
    const name = vm.read(key, keyLen);
    if (name === null) return Status.InvalidMemoryAccess;
    const { context } = vm;
    const map = context.readableMap(type);
    if (map === null) return context.logPhase ? Status.NotFound : Status.BadArgument;
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
    if (type > LAST_MAP) return Status.BadArgument;
    const lines = vm.context.readableMap(type)?.lines() ?? [];
    return vm.give(lines.length === 0 ? "" : serialisePairs(lines), ptr, len);
  },

  proxy_set_header_map_pairs(vm, type = 0, ptr = 0, len = 0) {
    return change(vm, type, ptr, len, 0, 0, (map, data) => map.replaceAll(parsePairs(data)));
  },

  proxy_get_header_map_size(vm, type = 0, ret = 0) {
    if (type > LAST_MAP) return Status.BadArgument;
    const map = vm.context.writableMap(type);
    if (map === null) return Status.BadArgument;
    return vm.writeU32(ret, map.byteSize()) ? Status.Ok : Status.InvalidMemoryAccess;
  },
};
