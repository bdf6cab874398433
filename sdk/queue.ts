/* Queues between the VMs of the process. */

import { Status } from "./abi/enums";
import {
  proxy_dequeue_shared_queue,
  proxy_enqueue_shared_queue,
  proxy_register_shared_queue,
  proxy_resolve_shared_queue,
} from "./abi/hostcalls";
import {
  clearReturn,
  dropReturn,
  putString,
  retLen,
  retPtr,
  returnedLength,
  returnedPtr,
  roomFor,
  scratchFor,
  takeBytes,
} from "./runtime/memory";
import { Namespace, SharedScope } from "./runtime/namespace";
import { callback, phase, Phase } from "./runtime/phase";

/**
 * A queue of bytes. Whoever has registered it last is woken (Plugin.onQueueReady) once for each item; of several VMs that is
 * one of them. The host bounds neither items nor bytes: do not enqueue more than is taken out. Items are another
 * writer's bytes.
 */
export class SharedQueue {
  /** Number by which onQueueReady names it; 0 before register or resolve. */
  id: u32 = 0;
  /** How the last call went. */
  status: Status = Status.Ok;
  private names: Namespace;
  /** Items that the callback of this number has taken out. */
  private taken: u32 = 0;
  private takenIn: u32 = 0;

  /**
   * `name` and `version` as for SharedData. `perCallback`: items of this queue that one callback of the plugin gets; the rest stays for the
   * next, so that a flood of items does not hold the thread.
   */
  constructor(
    private name: string,
    version: u32 = 1,
    scope: SharedScope = SharedScope.Plugin,
    readonly perCallback: u32 = 64,
  ) {
    this.names = new Namespace(name, version, scope);
  }

  /** Makes the queue if there is none, and has this plugin woken. To be called in each onConfigure: an old plugin is woken no more. */
  register(): Status {
    if (this.prepared()) {
      const ptr = scratchFor(this.names.room(this.name));
      clearReturn();
      this.found(proxy_register_shared_queue(ptr, this.names.put(ptr, this.name), retPtr()));
    }
    return this.status;
  }

  /** Finds a queue that another VM has registered; NotFound while none has. `vmId` "" is this VM's own. */
  resolve(vmId: string = ""): Status {
    if (this.prepared()) {
      const ptr = scratchFor(roomFor(vmId) + this.names.room(this.name));
      const vmIdLength = putString(ptr, vmId);
      const name = ptr + vmIdLength;
      const nameLength = this.names.put(name, this.name);
      clearReturn();
      this.found(proxy_resolve_shared_queue(ptr, vmIdLength, name, nameLength, retPtr()));
    }
    return this.status;
  }

  enqueue(item: Uint8Array): Status {
    return (this.status = proxy_enqueue_shared_queue(this.id, item.dataStart, item.length));
  }

  enqueueText(item: string): Status {
    const ptr = scratchFor(roomFor(item));
    return (this.status = proxy_enqueue_shared_queue(this.id, ptr, putString(ptr, item)));
  }

  /** The oldest item; null when there is none (Empty), when this callback has had enough (Empty too), or for another reason. */
  dequeue(): Uint8Array | null {
    if (phase == Phase.Root) {
      if (this.takenIn != callback) {
        this.takenIn = callback;
        this.taken = 0;
      }
      if (this.taken >= this.perCallback) {
        this.status = Status.Empty;
        return null;
      }
      this.taken++;
    }
    clearReturn();
    this.status = proxy_dequeue_shared_queue(this.id, retPtr(), retLen());
    if (this.status == Status.Ok) return takeBytes(returnedPtr(), returnedLength());
    dropReturn();
    return null;
  }

  private prepared(): bool {
    this.status = this.names.prepare();
    return this.status == Status.Ok;
  }

  private found(status: Status): void {
    this.status = status;
    if (status == Status.Ok) this.id = load<u32>(retPtr());
  }
}
