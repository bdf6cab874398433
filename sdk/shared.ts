/* Data that all VMs of the process share: those of the workers, of the main thread, and of other modules with the same vm_id. */

import { Status } from "./abi/enums";
import { proxy_get_shared_data, proxy_set_shared_data } from "./abi/hostcalls";
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
import { decodeUtf8 } from "../sdk/std/utf8";

/** No entry has this number: they are counted from 1 up in the life of a process. A write that asks for it creates only. */
const ABSENT: u32 = 0xffffffff;

/** What `update` does with a value. */
export abstract class SharedUpdate {
  /**
   * The value to be written where `old` stands (null: nothing does); null leaves it as it is. Called again when another VM
   * was faster, so it must do nothing else. `old` is whatever the last writer has written.
   */
  abstract next(old: Uint8Array | null): Uint8Array | null;
}

/**
 * Keys and values in one store of the process. Nothing is ever removed, so keys must not come from traffic without a bound.
 * Values are another writer's bytes: check them as input. Make one per plugin; the constructor calls no host.
 */
export class SharedData {
  /** How the last call went; NotFound: no such key, CasMismatch: another VM was faster. */
  status: Status = Status.Ok;
  /** Number of the value that was read last; it changes with each write. 0 when there was none. */
  cas: u32 = 0;
  private names: Namespace;

  /** `name`: of the filter or store; `version`: of the values' format, so that two releases do not misread each other. */
  constructor(name: string, version: u32 = 1, scope: SharedScope = SharedScope.Plugin) {
    this.names = new Namespace(name, version, scope);
  }

  /** The value; null when there is none, or with the reason in `status`. */
  get(key: string): Uint8Array | null {
    return this.read(key) ? takeBytes(returnedPtr(), returnedLength()) : null;
  }

  /** As get, as text; malformed UTF-8 becomes U+FFFD. */
  getText(key: string): string | null {
    const bytes = this.get(key);
    return bytes === null ? null : decodeUtf8(bytes.dataStart, bytes.length);
  }

  /** Writes, whoever has written before. */
  set(key: string, value: Uint8Array): Status {
    return this.write(key, value.dataStart, value.length, 0);
  }

  setText(key: string, value: string): Status {
    const bytes = new Uint8Array(<i32>roomFor(value));
    return this.write(key, bytes.dataStart, putString(bytes.dataStart, value), 0);
  }

  /** Writes if nobody has since the value with this number was read, else CasMismatch. */
  setIf(key: string, value: Uint8Array, cas: u32): Status {
    // 0 would write in any case.
    return cas ? this.write(key, value.dataStart, value.length, cas) : (this.status = Status.BadArgument);
  }

  /** Writes if there is no such key, else CasMismatch. */
  create(key: string, value: Uint8Array): Status {
    return this.write(key, value.dataStart, value.length, ABSENT);
  }

  /** Reads, changes and writes so that no other VM's write is lost; CasMismatch when each of `tries` was too slow. */
  update(key: string, change: SharedUpdate, tries: i32 = 16): Status {
    for (; tries > 0; tries--) {
      const old = this.get(key);
      if (old === null && this.status != Status.NotFound) return this.status;
      const cas = old === null ? ABSENT : this.cas;
      const value = change.next(old);
      if (value === null) return (this.status = Status.Ok);
      if (this.setIf(key, value, cas) != Status.CasMismatch) return this.status;
    }
    return (this.status = Status.CasMismatch);
  }

  /** Has the host return the value; false with the reason in `status`. */
  private read(key: string): bool {
    this.cas = 0;
    this.status = this.names.prepare();
    if (this.status != Status.Ok) return false;
    const ptr = scratchFor(this.names.room(key));
    const retCas = retPtr() + 8;
    store<u32>(retCas, 0);
    clearReturn();
    this.status = proxy_get_shared_data(ptr, this.names.put(ptr, key), retPtr(), retLen(), retCas);
    if (this.status != Status.Ok) {
      dropReturn();
      return false;
    }
    this.cas = load<u32>(retCas);
    return true;
  }

  private write(key: string, value: usize, length: usize, cas: u32): Status {
    this.status = this.names.prepare();
    if (this.status != Status.Ok) return this.status;
    const ptr = scratchFor(this.names.room(key));
    return (this.status = proxy_set_shared_data(ptr, this.names.put(ptr, key), value, length, cas));
  }
}
