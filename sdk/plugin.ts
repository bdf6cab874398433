/* A plugin: one per plugin configuration and VM. Holds the configuration and what all streams of it share. */

import { Config } from "./config";
import { BufferType, Status } from "./abi/enums";
import {
  proxy_get_buffer_bytes,
  proxy_set_effective_context,
  proxy_set_tick_period_milliseconds,
} from "./abi/hostcalls";
import { Context } from "./context";
import { askDns, DnsAnswer } from "./dns";
import { releaseHeaderMaps } from "./headers";
import { setCurrentStream } from "./runtime/current";
import { clearReturn, dropReturn, retLen, retPtr, returnedLength, returnedPtr, takeBytes } from "./runtime/memory";
import { Phase, setPhase } from "./runtime/phase";

/** What the dispatcher sees of a plugin, whatever its configuration. */
export abstract class RootContext extends Context {
  /** Called once, after the configuration was decoded. False refuses it: Envoy rejects the update, or does not start. */
  onConfigure(): bool {
    return true;
  }

  /** Called every period that setTickPeriod has set, on the main thread and on every worker. */
  onTick(): void {}

  /**
   * Called once for each item that was put into a queue which this plugin has registered last (SharedQueue.id), on this VM
   * alone; the items may be taken out already.
   */
  onQueueReady(queueId: u32): void {}

  /** Called with the answer to resolveDns, after the callback that has asked. */
  onResolveDns(token: u32, answer: DnsAnswer): void {}

  /** Called when the plugin ends (shutdown, or a new configuration whose streams are the last ones of this one). */
  onDone(): bool {
    return true;
  }

  activate(): bool {
    releaseHeaderMaps();
    if (proxy_set_effective_context(this.contextId) != Status.Ok) return false;
    setPhase(Phase.Root);
    setCurrentStream(null);
    return true;
  }

  /** Decodes the plugin configuration at `ptr`; the reason when it is refused, else null. */
  abstract configureFrom(ptr: usize, length: usize): string | null;

  /** The configuration of the VM (vm_config.configuration), as it stands in Envoy's; empty when there is none. */
  vmConfiguration(): Uint8Array {
    clearReturn();
    const status = proxy_get_buffer_bytes(BufferType.VmConfiguration, 0, u32.MAX_VALUE, retPtr(), retLen());
    if (status != Status.Ok) dropReturn();
    return takeBytes(returnedPtr(), returnedLength());
  }

  /**
   * Asks the host for the addresses of a name; onResolveDns, which the plugin overrides, gets the answer. The number of the
   * query, 0 when it was refused: by the host, or because 256 are not answered yet. Envoy only.
   */
  resolveDns(name: string): u32 {
    return askDns(this.contextId, name);
  }

  /** Milliseconds between ticks; 0 stops them. */
  setTickPeriod(milliseconds: u32): Status {
    return proxy_set_tick_period_milliseconds(milliseconds);
  }
}

/** Base class of a filter's plugin; `C` is the class that the build generates from config.schema.json. */
export abstract class Plugin<C extends Config> extends RootContext {
  /** The decoded configuration; until onConfigure its defaults. */
  readonly config: C = instantiate<C>();

  configureFrom(ptr: usize, length: usize): string | null {
    return this.config.decodeFrom(ptr, length);
  }
}
