import { log, Plugin, registerTcpFilter, TcpAction, TcpData, TcpFilter } from "meshwasm/sdk";
import { TcpConfig } from "./config";

const LONGEST: i32 = 64;

class TcpPlugin extends Plugin<TcpConfig> {
  /** The prefixes as bytes. */
  readonly prefixes: Uint8Array[] = [];

  onConfigure(): bool {
    const allowed = this.config.allowed;
    for (let i = 0; i < allowed.length; i++) {
      const bytes = Uint8Array.wrap(String.UTF8.encode(allowed[i]));
      if (!bytes.length || bytes.length > LONGEST) {
        log.error("$.allowed[" + i.toString() + "]: must have 1 to 64 bytes");
        return false;
      }
      this.prefixes.push(bytes);
    }
    return true;
  }
}

/** One per connection. */
class Tcp extends TcpFilter<TcpPlugin> {
  private decided: bool = false;

  onDownstreamData(data: TcpData, endOfStream: bool): TcpAction {
    if (this.decided) return TcpAction.Continue;
    const first = data.bytes(0, LONGEST);
    const prefixes = this.plugin.prefixes;
    let undecided = false;
    for (let i = 0; i < prefixes.length; i++) {
      const prefix = prefixes[i];
      if (!begins(first, prefix)) continue;
      if (first.length >= prefix.length) {
        this.decided = true;
        return TcpAction.Continue;
      }
      undecided = true;
    }
    // Too few bytes to tell: Envoy keeps them and gives them again with the next ones.
    if (undecided && !endOfStream) return TcpAction.StopIteration;
    log.info("closed a connection of an unknown protocol");
    this.closeDownstream();
    return TcpAction.StopIteration;
  }
}

/** Whether the bytes are the same as far as both go. */
function begins(bytes: Uint8Array, prefix: Uint8Array): bool {
  for (let i = 0, n = min(bytes.length, prefix.length); i < n; i++) if (bytes[i] != prefix[i]) return false;
  return true;
}

registerTcpFilter<Tcp, TcpPlugin, TcpConfig>();
