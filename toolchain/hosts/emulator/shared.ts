import { Status } from "./abi.js";
import type { Budget } from "./budget.js";
import type { HostCall, Vm } from "./vm.js";

interface Item {
  value: string;
  cas: number;
}

/** Shared data of all VMs of the proxy, by vm_id; VMs without one share a namespace too. */
export class SharedData {
  readonly #spaces = new Map<string, Map<string, Item>>();
  #lastCas = 0;

  constructor(private readonly budget: Budget) {}

  get(vmId: string, key: string): Item | null {
    return this.#spaces.get(vmId)?.get(key) ?? null;
  }

  /** `cas` 0 overwrites whatever is there. A key that is not there takes any. */
  set(vmId: string, key: string, value: string, cas: number): number {
    let space = this.#spaces.get(vmId);
    if (space === undefined) this.#spaces.set(vmId, (space = new Map()));
    const known = space.get(key);
    if (known !== undefined && cas !== 0 && cas !== known.cas) return Status.CasMismatch;
    this.budget.charge(value.length - (known?.value.length ?? -key.length));
    space.set(key, { value, cas: this.#nextCas() });
    return Status.Ok;
  }

  #nextCas(): number {
    this.#lastCas = (this.#lastCas + 1) >>> 0;
    // 0 means "whatever is there".
    if (this.#lastCas === 0) this.#lastCas = 1;
    return this.#lastCas;
  }
}

/** One queue. Taking from the front of a long array is slow, so what was taken stays until it is half of it. */
class Queue {
  #messages: string[] = [];
  #taken = 0;
  /** Who is told of a message: the last one that registered. */
  wake: () => void = () => {};

  push(message: string): void {
    this.#messages.push(message);
  }

  shift(): string | undefined {
    const message = this.#messages[this.#taken];
    if (message === undefined) return undefined;
    this.#messages[this.#taken++] = "";
    if (this.#taken * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#taken);
      this.#taken = 0;
    }
    return message;
  }
}

/** Shared queues of all VMs of the proxy, by vm_id and name. */
export class SharedQueues {
  readonly #ids = new Map<string, number>();
  readonly #queues: Queue[] = [];

  constructor(private readonly budget: Budget) {}

  register(vmId: string, name: string, wake: (id: number) => void): number {
    const key = JSON.stringify([vmId, name]);
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#queues.push(new Queue());
      this.#ids.set(key, id);
    }
    const own = id;
    this.#queues[id - 1]!.wake = () => wake(own);
    return id;
  }

  /** null: nobody has registered it. */
  resolve(vmId: string, name: string): number | null {
    return this.#ids.get(JSON.stringify([vmId, name])) ?? null;
  }

  enqueue(id: number, message: string): number {
    const queue = this.#queues[id - 1];
    if (queue === undefined) return Status.NotFound;
    this.budget.charge(message.length + 16);
    queue.push(message);
    queue.wake();
    return Status.Ok;
  }

  dequeue(id: number): string | number {
    const queue = this.#queues[id - 1];
    if (queue === undefined) return Status.NotFound;
    const message = queue.shift();
    if (message === undefined) return Status.Empty;
    this.budget.release(message.length + 16);
    return message;
  }
}

export const SHARED_CALLS: Readonly<Record<string, HostCall>> = {
  proxy_get_shared_data(vm: Vm, k = 0, kLen = 0, ptr = 0, len = 0, cas = 0) {
    const key = vm.read(k, kLen);
    if (key === null) return Status.InvalidMemoryAccess;
    const item = vm.server.sharedData.get(vm.settings.vmId, key);
    if (item === null) return Status.NotFound;
    const status = vm.give(item.value, ptr, len);
    if (status !== Status.Ok) return status;
    return vm.writeU32(cas, item.cas) ? Status.Ok : Status.InvalidMemoryAccess;
  },

  proxy_set_shared_data(vm: Vm, k = 0, kLen = 0, v = 0, vLen = 0, cas = 0) {
    const key = vm.read(k, kLen);
    const value = vm.read(v, vLen);
    if (key === null || value === null) return Status.InvalidMemoryAccess;
    return vm.server.sharedData.set(vm.settings.vmId, key, value, cas);
  },

  proxy_register_shared_queue(vm: Vm, n = 0, nLen = 0, ret = 0) {
    const name = vm.read(n, nLen);
    if (name === null) return Status.InvalidMemoryAccess;
    // The callback is the root's, also when a stream registers.
    const root = vm.context.root?.id ?? 0;
    const { server, thread } = vm;
    const { vmId, key } = vm.settings;
    const id = server.queues.register(vmId, name, (queue) => {
      // By then it may be another VM with the same key on that thread.
      server.post(() => {
        const there = thread.vm(key);
        const context = there?.contexts.get(root);
        if (context !== undefined) there!.call("proxy_on_queue_ready", context, root, queue);
      });
    });
    return vm.writeU32(ret, id) ? Status.Ok : Status.InvalidMemoryAccess;
  },

  proxy_resolve_shared_queue(vm: Vm, v = 0, vLen = 0, n = 0, nLen = 0, ret = 0) {
    const vmId = vm.read(v, vLen);
    const name = vm.read(n, nLen);
    if (vmId === null || name === null) return Status.InvalidMemoryAccess;
    const id = vm.server.queues.resolve(vmId === "" ? vm.settings.vmId : vmId, name);
    if (id === null) return Status.NotFound;
    return vm.writeU32(ret, id) ? Status.Ok : Status.InvalidMemoryAccess;
  },

  proxy_enqueue_shared_queue(vm: Vm, id = 0, ptr = 0, len = 0) {
    const message = vm.read(ptr, len);
    if (message === null) return Status.InvalidMemoryAccess;
    return vm.server.queues.enqueue(id, message);
  },

  proxy_dequeue_shared_queue(vm: Vm, id = 0, ptr = 0, len = 0) {
    const message = vm.server.queues.dequeue(id);
    return typeof message === "number" ? message : vm.give(message, ptr, len);
  },
};
