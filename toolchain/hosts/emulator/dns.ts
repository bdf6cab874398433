import { lookup } from "node:dns";
import { isIP } from "node:net";
import { Status } from "./abi.js";
import type { RootContext } from "./contexts.js";
import { EmulatorError } from "./errors.js";
import type { HostCall, Vm } from "./vm.js";

/** What Envoy says of how long an address holds when it was not asked of a name server; Node does not tell. */
const TTL = 0;

/** As the filter gets it: how many, how long each holds, and each address ended by NUL. */
function encode(addresses: readonly string[]): string {
  const head = Buffer.alloc(4 + 4 * addresses.length);
  head.writeUInt32LE(addresses.length, 0);
  addresses.forEach((_, i) => head.writeUInt32LE(TTL, 4 + 4 * i));
  const texts = addresses.map((address) => `${isIP(address) === 6 ? `[${address}]` : address}:0\0`);
  return head.toString("latin1") + texts.join("");
}

/** null: it cannot be resolved. */
function answer(vm: Vm, root: RootContext, token: number, addresses: readonly string[] | null): void {
  if (vm.contexts.get(root.id) !== root) {
    // A VM that was only tried out stays until the answer is there.
    if (vm.thread.vm(vm.settings.key) !== vm) return;
    throw new EmulatorError(
      "A DNS query is answered whose plugin has ended, which crashes Envoy 1.40; wait for it first.",
    );
  }
  const data = addresses === null ? "" : encode(addresses);
  root.view(data);
  vm.guarded(() => vm.call("envoy_on_resolve_dns", root, root.id, token, data.length));
}

/** What needs no name server. */
function known(name: string): string[] | null {
  if (isIP(name) !== 0) return [name];
  return name === "localhost" ? ["::1"] : null;
}

export const DNS_CALLS: Readonly<Record<string, HostCall>> = {
  envoy_resolve_dns(vm: Vm, ptr = 0, len = 0, ret = 0) {
    const bytes = vm.read(ptr, len);
    if (bytes === null) return Status.InvalidMemoryAccess;
    const token = vm.nextDnsToken();
    if (!vm.writeU32(ret, token)) return Status.InvalidMemoryAccess;
    const { root } = vm.context;
    if (root === null) return Status.Ok;
    const name = Buffer.from(bytes, "latin1").toString();
    const { server } = vm;
    const addresses = known(name);
    // Envoy calls back before this call has returned.
    if (addresses !== null) answer(vm, root, token, addresses);
    else if (name === "") server.post(() => answer(vm, root, token, []));
    else {
      server.pending++;
      lookup(name, { all: true }, (error, found) => {
        server.pending--;
        if (!server.open) return;
        // Of the two families Envoy takes IPv6 when there is any.
        const six = found?.filter(({ family }) => family === 6) ?? [];
        answer(vm, root, token, error ? null : (six.length > 0 ? six : found).map(({ address }) => address));
      });
    }
    return Status.Ok;
  },
};
