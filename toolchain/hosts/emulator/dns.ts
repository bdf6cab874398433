import { lookup } from "node:dns";
import { Status } from "./abi.js";
import type { HostCall, Vm } from "./vm.js";

/** A resolver does not tell Node how long an address holds. */
const TTL = 0;

/** As the filter gets it: how many, how long each holds, and each address ended by NUL. */
function encode(addresses: readonly string[]): string {
  const head = Buffer.alloc(4 + 4 * addresses.length);
  head.writeUInt32LE(addresses.length, 0);
  addresses.forEach((_, i) => head.writeUInt32LE(TTL, 4 + 4 * i));
  return head.toString("latin1") + addresses.map((address) => `${address}\0`).join("");
}

export const DNS_CALLS: Readonly<Record<string, HostCall>> = {
  envoy_resolve_dns(vm: Vm, ptr = 0, len = 0, ret = 0) {
    const name = vm.read(ptr, len);
    if (name === null) return Status.InvalidMemoryAccess;
    const token = vm.nextDnsToken();
    if (!vm.writeU32(ret, token)) return Status.InvalidMemoryAccess;
    const { root } = vm.context;
    if (root === null) return Status.Ok;
    const { server } = vm;
    server.pending++;
    lookup(Buffer.from(name, "latin1").toString(), { all: true }, (error, found) => {
      server.pending--;
      const data = error === null ? encode(found.map(({ address }) => `${address}:0`)) : "";
      root.view(data);
      if (server.open) vm.guarded(() => vm.call("envoy_on_resolve_dns", root, root.id, token, data.length));
    });
    return Status.Ok;
  },
};
