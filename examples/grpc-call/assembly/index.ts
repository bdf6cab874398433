import {
  GrpcCall,
  GrpcCallResponse,
  GrpcStatus,
  HeaderLines,
  HeadersAction,
  HttpFilter,
  log,
  Plugin,
  ProtoReader,
  ProtoWriter,
  registerHttpFilter,
} from "meshwasm/sdk";
import { GrpcCallConfig } from "./config";

class GrpcCallPlugin extends Plugin<GrpcCallConfig> {}

/**
 * service quota.v1.Quota { rpc Take(TakeRequest) returns (TakeResponse); }
 * message TakeRequest { string client = 1; uint32 amount = 2; }
 * message TakeResponse { bool allowed = 1; uint32 remaining = 2; }
 */
class Quota extends HttpFilter<GrpcCallPlugin> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const config = this.plugin.config;
    const client = this.request.headers.get(config.header);
    const request = new ProtoWriter()
      .string(1, client === null ? "anonymous" : client)
      .u32(2, 1)
      .finish();
    new GrpcCall(config.cluster, "quota.v1.Quota", "Take")
      .message(request)
      .timeout(<u32>config.timeoutMilliseconds)
      .maxMessage(1024)
      .dispatch(this);
    return HeadersAction.StopAllIterationAndWatermark;
  }

  onGrpcCallResponse(response: GrpcCallResponse): void {
    let allowed = false;
    let remaining: u64 = 0;
    if (response.ok) {
      const reader = new ProtoReader(response.bytes());
      while (reader.next()) {
        if (reader.field == 1) allowed = reader.bool();
        else if (reader.field == 2) remaining = reader.u64();
      }
      if (!reader.ok) log.warn("the quota service has sent what is no TakeResponse");
      allowed = allowed && reader.ok;
    } else if (!response.failure && response.status == GrpcStatus.ResourceExhausted) {
      log.info("no quota left: " + response.message);
    } else {
      // A quota that cannot be asked for must not stop everybody.
      log.warn("the quota service has not answered: status " + response.status.toString() + " " + response.message);
      this.request.resume();
      return;
    }
    if (allowed) {
      this.request.headers.set("x-quota-remaining", remaining.toString());
      this.request.resume();
    } else this.sendLocalResponse(429, "quota used up\n", new HeaderLines().add("retry-after", "1"));
  }
}

registerHttpFilter<Quota, GrpcCallPlugin, GrpcCallConfig>();
