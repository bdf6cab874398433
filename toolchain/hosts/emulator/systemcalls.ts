import { Status } from "./abi.js";
import type { HostCall } from "./vm.js";

/** Log, time, ticks, and which context a call is about. */
export const SYSTEM_CALLS: Readonly<Record<string, HostCall>> = {
  proxy_log(vm, level = 0, ptr = 0, len = 0) {
    if (level > 5) return Status.BadArgument;
    const message = vm.readText(ptr, len);
    if (message === null) return Status.InvalidMemoryAccess;
    vm.log(level, message);
    return Status.Ok;
  },

  proxy_get_log_level(vm, ret = 0) {
    return vm.writeU32(ret, vm.server.logs.level) ? Status.Ok : Status.InvalidMemoryAccess;
  },

  proxy_get_current_time_nanoseconds(vm, ret = 0) {
    return vm.writeU64(ret, vm.server.clock.realtime()) ? Status.Ok : Status.InvalidMemoryAccess;
  },

  proxy_set_tick_period_milliseconds(vm, period = 0) {
    const { root } = vm.context;
    if (root !== null) vm.ticks.setPeriod(root.id, period);
    return Status.Ok;
  },

  proxy_set_effective_context(vm, id = 0) {
    return vm.setEffective(id);
  },

  proxy_done(vm) {
    const { plugin } = vm.context;
    const waiting = plugin === null ? undefined : vm.pendingDone.get(plugin.key);
    if (waiting === undefined) return Status.NotFound;
    vm.pendingDone.delete(waiting.plugin.key);
    // Envoy deletes the root when the call has returned.
    vm.afterCall(() => waiting.finish());
    return Status.Ok;
  },

  pthread_equal: (_vm, a = 0, b = 0) => (a === b ? 1 : 0),
  emscripten_notify_memory_growth: () => undefined,
};
