/* Names of shared data and queues. All modules without a vm_id have one store, which is the rule in a mesh, so a bare name
 * would sooner or later be somebody else's too. */

import { Status } from "../abi/enums";
import { proxy_get_property } from "../abi/hostcalls";
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
} from "./memory";

/** Who shares a key or a queue. */
export enum SharedScope {
  /** The VMs of one plugin, which is known by its name (PluginConfig.name). */
  Plugin,
  /** All plugins that give the same name and version, whatever they are called. */
  Filter,
  /** Whoever uses the name as it is, filters of other SDKs included. */
  Raw,
}

/** What stands in front of each name: "meshwasm", u8 scope, u32 version, u32 length, name, u32 length, plugin. */
export class Namespace {
  private plugin: Uint8Array | null = null;

  constructor(
    private name: string,
    private version: u32,
    private scope: SharedScope,
  ) {}

  /** To be called before `put`, which cannot ask the host. */
  prepare(): Status {
    if (this.scope != SharedScope.Plugin || this.plugin) return Status.Ok;
    const path = "plugin_name";
    const ptr = scratchFor(roomFor(path));
    clearReturn();
    const status: Status = proxy_get_property(ptr, putString(ptr, path), retPtr(), retLen());
    if (status != Status.Ok) dropReturn();
    else this.plugin = takeBytes(returnedPtr(), returnedLength());
    return status;
  }

  /** Room for the name `key` and what stands in front of it. */
  room(key: string): usize {
    const plugin = this.plugin;
    return 21 + roomFor(this.name) + (plugin ? <usize>plugin.length : 0) + roomFor(key);
  }

  /** Writes the whole name to `ptr`, returns its length. */
  put(ptr: usize, key: string): usize {
    let end = ptr;
    if (this.scope != SharedScope.Raw) {
      end += putString(end, "meshwasm");
      store<u8>(end, <u8>this.scope);
      store<u32>(end, this.version, 1);
      const length = putString(end + 9, this.name);
      store<u32>(end, <u32>length, 5);
      end += 9 + length;
      const plugin = this.plugin;
      const size = plugin ? <usize>plugin.length : 0;
      store<u32>(end, <u32>size);
      end += 4;
      if (plugin) memory.copy(end, plugin.dataStart, size);
      end += size;
    }
    return end + putString(end, key) - ptr;
  }
}
