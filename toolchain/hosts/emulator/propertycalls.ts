import { Status } from "./abi.js";
import { getProperty, setProperty } from "./properties.js";
import type { HostCall } from "./vm.js";

export const PROPERTY_CALLS: Readonly<Record<string, HostCall>> = {
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
};
