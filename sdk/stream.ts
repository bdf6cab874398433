/* What HTTP and TCP streams have in common. */

import { Status } from "./abi/enums";
import { proxy_set_effective_context } from "./abi/hostcalls";
import { Context } from "./context";
import { releaseHeaderMaps } from "./headers";
import { Phase, setPhase } from "./runtime/phase";
import { RootContext } from "./plugin";

export abstract class StreamContext extends Context {
  /** The plugin whose configuration was current when the stream began. */
  root: RootContext | null = null;
  /** For the SDK: a TCP connection's. */
  isTcp: bool = false;
  /** For the SDK: directions that a callback has stopped and nothing has resumed yet, as bits by stream type. */
  stopped: i32 = 0;
  /** For the SDK: the callback (runtime/phase.ts) in which it was answered or reset. A second time in the same crashes Envoy 1.40. */
  endedIn: u32 = 0;
  /** For the SDK: the callback in which it was reset. */
  resetIn: u32 = 0;
  /** For the SDK: the callback of the host that has come last. */
  reached: Phase = Phase.None;

  /** Called once when the stream is over; before onDone for HTTP, after it for TCP. All headers can be read again. */
  onLog(): void {}

  /** Called once when the stream is over; no headers can be read. */
  onDone(): void {}

  activate(): bool {
    if (this.reached == Phase.None || this.reached == Phase.Log || this.reached == Phase.Done) return false;
    releaseHeaderMaps();
    if (proxy_set_effective_context(this.contextId) != Status.Ok) return false;
    setPhase(this.reached);
    this.becomeCurrent();
    return true;
  }

  /** For the SDK: calls without a stream of their own are about this one. */
  abstract becomeCurrent(): void;
}
