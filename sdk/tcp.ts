/* TCP filters: one object per connection. */

import { BufferType, PeerType, Status, StreamType, TcpAction } from "./abi/enums";
import { proxy_close_stream, proxy_continue_stream, proxy_set_buffer_bytes } from "./abi/hostcalls";
import { HostBuffer } from "./buffer";
import { Config } from "./config";
import { Plugin, RootContext } from "./plugin";
import { setCurrentStream } from "./runtime/current";
import { putString, roomFor, scratchFor } from "./runtime/memory";
import { endCallsOf } from "./runtime/pending";
import { innerContext, innerPhase, phase, Phase, resumeInside } from "./runtime/phase";
import { addTcpFactory, Factory } from "./runtime/registry";
import { StreamContext } from "./stream";

/**
 * Bytes of one direction: what has come since the last callback that continued. Readable and writable in the data callback
 * only; anywhere else calls give BadArgument.
 */
export class TcpData extends HostBuffer {
  /** Replaces what is there; no bytes drop it. */
  set(bytes: Uint8Array): Status {
    return this.write(0, this.length, bytes.dataStart, bytes.length);
  }

  setText(text: string): Status {
    const ptr = scratchFor(roomFor(text));
    return this.write(0, this.length, ptr, <u32>putString(ptr, text));
  }

  prepend(bytes: Uint8Array): Status {
    return this.write(0, 0, bytes.dataStart, bytes.length);
  }

  append(bytes: Uint8Array): Status {
    return this.write(this.length, 0, bytes.dataStart, bytes.length);
  }

  private write(start: u32, replaced: u32, data: usize, length: u32): Status {
    if (!this.open) return (this.status = Status.BadArgument);
    this.status = proxy_set_buffer_bytes(this.buffer, start, replaced, data, length);
    if (this.status == Status.Ok) this.length += length - replaced;
    return this.status;
  }
}

/** What the running callback is about. A class, so that a module without TCP filters has none of it. */
export class CurrentData {
  // @ts-ignore: decorator
  @lazy static downstream: TcpData = new TcpData(BufferType.DownstreamData);
  // @ts-ignore: decorator
  @lazy static upstream: TcpData = new TcpData(BufferType.UpstreamData);
}

/** What the dispatcher sees of a TCP filter, whatever its plugin. Callbacks that no class overrides are never called. */
export abstract class TcpContext extends StreamContext {
  /** Called when the client has connected, before the upstream is. StopIteration keeps the upstream from being connected. */
  onNewConnection(): TcpAction {
    return TcpAction.Continue;
  }

  /** Called with bytes from the client. StopIteration keeps them: the next call has them again in front of the new ones. */
  onDownstreamData(data: TcpData, endOfStream: bool): TcpAction {
    return TcpAction.Continue;
  }

  /** Called with bytes from the upstream, as onDownstreamData. */
  onUpstreamData(data: TcpData, endOfStream: bool): TcpAction {
    return TcpAction.Continue;
  }

  /** Called when the client's connection is closed, by `peer`. */
  onDownstreamClose(peer: PeerType): void {}

  /** Called when the upstream has closed; Envoy takes the end of its data for it. */
  onUpstreamClose(peer: PeerType): void {}

  /** Goes on with what onNewConnection or onDownstreamData has stopped. Envoy has no such call for the upstream's data. */
  resume(): Status {
    if (innerContext == this.contextId && innerPhase == Phase.Tcp) {
      resumeInside();
      return Status.Ok;
    }
    if (phase != Phase.Tcp) return Status.BadArgument;
    const bit = 1 << (<i32>StreamType.Downstream);
    if (!(this.stopped & bit)) return Status.Ok;
    this.stopped &= ~bit;
    return proxy_continue_stream(StreamType.Downstream);
  }

  /** Closes the client's connection when what was written to it is sent. */
  closeDownstream(): Status {
    return this.close(StreamType.Downstream);
  }

  /** Closes the upstream's connection when what was written to it is sent. */
  closeUpstream(): Status {
    return this.close(StreamType.Upstream);
  }

  becomeCurrent(): void {
    setCurrentStream(null);
  }

  private close(type: StreamType): Status {
    if (phase != Phase.Tcp) return Status.BadArgument;
    endCallsOf(this);
    return proxy_close_stream(type);
  }
}

/** Base class of a TCP filter; `P` is its plugin. */
export abstract class TcpFilter<P extends RootContext> extends TcpContext {
  get plugin(): P {
    return changetype<P>(this.root);
  }
}

/** Makes a filter known. Several in one module need names: PluginConfig.root_id chooses by them. */
export function registerTcpFilter<F extends TcpFilter<P>, P extends Plugin<C>, C extends Config>(
  name: string = "",
): void {
  addTcpFactory(
    new Factory(
      name,
      (): RootContext => instantiate<P>(),
      (): StreamContext => instantiate<F>(),
    ),
  );
}
