import { Status } from "./abi.js";
import type { HostCall } from "./vm.js";
export const FOREIGN_CALLS: Readonly<Record<string, HostCall>> = {
  proxy_call_foreign_function(vm, name = 0, nameLen = 0) {
    const text = vm.read(name, nameLen);
    return text === "clear_route_cache" ? Status.Ok : Status.NotFound;
  },
};
