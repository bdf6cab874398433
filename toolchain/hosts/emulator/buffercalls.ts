import { Status } from "./abi.js";
import type { HostCall } from "./vm.js";

const LAST_BUFFER = 8;

/** Bodies, connection data, messages and configuration. */
export const BUFFER_CALLS: Readonly<Record<string, HostCall>> = {
  proxy_get_buffer_bytes(vm, type = 0, start = 0, max = 0, ptr = 0, len = 0) {
    if (type > LAST_BUFFER) return Status.BadArgument;
    const buffer = vm.context.buffer(type);
    return buffer === null ? Status.NotFound : vm.give(buffer.slice(start, max), ptr, len);
  },

  proxy_get_buffer_status(vm, type = 0, len = 0, flags = 0) {
    if (type > LAST_BUFFER) return Status.BadArgument;
    const buffer = vm.context.buffer(type);
    if (buffer === null) return Status.NotFound;
    const written = vm.writeU32(len, buffer.data.length) && vm.writeU32(flags, 0);
    return written ? Status.Ok : Status.InvalidMemoryAccess;
  },

  proxy_set_buffer_bytes(vm, type = 0, start = 0, length = 0, ptr = 0, len = 0) {
    if (type > LAST_BUFFER) return Status.BadArgument;
    const buffer = vm.context.buffer(type);
    if (buffer === null) return Status.NotFound;
    const data = vm.read(ptr, len);
    return data === null ? Status.InvalidMemoryAccess : buffer.write(start, length, data);
  },
};
