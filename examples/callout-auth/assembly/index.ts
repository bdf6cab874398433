import {
  HeadersAction,
  HttpCall,
  HttpCallResponse,
  HttpFilter,
  log,
  Plugin,
  registerHttpFilter,
  Status,
} from "meshwasm/sdk";
import { CalloutAuthConfig } from "./config";

/** What the service knows of the caller; nobody else may set it. */
const USER = "x-auth-user";

class CalloutAuthPlugin extends Plugin<CalloutAuthConfig> {}

class CalloutAuth extends HttpFilter<CalloutAuthPlugin> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const config = this.plugin.config;
    const headers = this.request.headers;
    const credentials = headers.get("authorization");
    const method = headers.get(":method");
    const path = headers.get(":path");
    if (headers.remove(USER) != Status.Ok) return this.deny(500, "the request could not be read");
    if (credentials === null || method === null || path === null) return this.deny(401, "no credentials");
    new HttpCall(config.cluster)
      .path(config.path)
      .header("authorization", credentials)
      .header("x-original-method", method)
      .header("x-original-path", path)
      .timeout(<u32>config.timeoutMilliseconds)
      .maxBody(4096)
      .dispatch(this);
    // The request waits, its body too; onHttpCallResponse goes on or denies.
    return HeadersAction.StopAllIterationAndWatermark;
  }

  onHttpCallResponse(response: HttpCallResponse): void {
    if (response.failure) {
      log.warn("the authorization service has not answered: failure " + response.failure.toString());
      if (this.plugin.config.allowOnFailure) this.request.resume();
      else this.deny(503, "authorization is not available");
    } else if (response.statusCode == 200) {
      const user = response.headers.get(USER);
      if (user !== null) this.request.headers.set(USER, user);
      this.request.resume();
    } else this.deny(403, "not allowed");
  }

  private deny(status: u32, reason: string): HeadersAction {
    this.sendLocalResponse(status, reason + "\n", null, "callout_auth_denied");
    return HeadersAction.StopIteration;
  }
}

registerHttpFilter<CalloutAuth, CalloutAuthPlugin, CalloutAuthConfig>();
