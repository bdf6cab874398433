import {
  HttpCall,
  HttpCallResponse,
  log,
  PeerType,
  Plugin,
  registerTcpFilter,
  TcpAction,
  TcpData,
  TcpFilter,
} from "meshwasm/sdk";
import { TcpConfig } from "./config";

class TcpPlugin extends Plugin<TcpConfig> {}

/** Does what the configuration's mark says. */
class Tcp extends TcpFilter<TcpPlugin> {
  private held: i32 = 0;

  onNewConnection(): TcpAction {
    log.info("new");
    if (this.plugin.config.mark != "asks") return TcpAction.Continue;
    new HttpCall("auth").dispatch(this);
    return TcpAction.StopIteration;
  }

  onHttpCallResponse(response: HttpCallResponse): void {
    log.info("answer " + response.statusCode.toString());
    if (response.statusCode == 200) this.resume();
    else this.closeDownstream();
  }

  onDownstreamData(data: TcpData, endOfStream: bool): TcpAction {
    const mark = this.plugin.config.mark;
    log.info("down " + (mark == "counts" ? data.length.toString() : data.text()) + (endOfStream ? " end" : ""));
    if (!data.length) return TcpAction.Continue;
    if (mark == "changes") {
      data.prepend(bytes("<"));
      data.append(bytes(">"));
    } else if (mark == "replaces") data.setText("other");
    else if (mark == "drops") data.set(new Uint8Array(0));
    else if (mark == "holds" && ++this.held == 1) return TcpAction.StopIteration;
    else if (mark == "closes") {
      log.info("close " + this.closeDownstream().toString());
      return TcpAction.StopIteration;
    } else if (mark == "closes upstream") log.info("close " + this.closeUpstream().toString());
    return TcpAction.Continue;
  }

  onUpstreamData(data: TcpData, endOfStream: bool): TcpAction {
    const mark = this.plugin.config.mark;
    log.info("up " + (mark == "counts" ? data.length.toString() : data.text()) + (endOfStream ? " end" : ""));
    if (mark == "changes" && data.length) {
      data.prepend(bytes("["));
      data.append(bytes("]"));
    }
    return TcpAction.Continue;
  }

  onDownstreamClose(peer: PeerType): void {
    log.info("down closed " + peer.toString());
  }

  onUpstreamClose(peer: PeerType): void {
    log.info("up closed " + peer.toString());
  }

  onDone(): void {
    log.info("done");
  }

  onLog(): void {
    log.info("log " + this.resume().toString());
  }
}

function bytes(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

registerTcpFilter<Tcp, TcpPlugin, TcpConfig>();
