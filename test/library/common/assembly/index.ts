import {
  Decisions,
  Denial,
  Exchange,
  Mode,
  OnError,
  OwnLabels,
  Phase,
  SecretValue,
  Selectors,
  setIdentity,
  UpstreamCalls,
} from "meshwasm/filters/common";
import { GrpcStatus, HeadersAction, HttpCallResponse, HttpFilter, log, Plugin, registerHttpFilter } from "meshwasm/sdk";
import { toUtf8 } from "meshwasm/sdk/std/utf8";
import { CommonConfig } from "./config";

/** Uses what filters share as a filter does: a key that must be right, a service that must say yes. */
class CommonPlugin extends Plugin<CommonConfig> {
  readonly selectors: Selectors = new Selectors();
  readonly exchange: Exchange = new Exchange();
  decisions: Decisions | null = null;
  secret: SecretValue | null = null;
  upstream: UpstreamCalls | null = null;
  denial: Denial | null = null;

  onConfigure(): bool {
    const secret = this.config.secret;
    const upstream = this.config.upstream;
    if (secret) {
      this.secret = SecretValue.compile(secret, "$.secret");
      if (!this.secret) return refused(SecretValue.refusal);
    }
    if (upstream) {
      this.upstream = UpstreamCalls.compile(upstream, "$.upstream");
      if (!this.upstream) return refused(UpstreamCalls.refusal);
    }
    this.decisions = Decisions.compile("common", this.config.metrics.labels, this.selectors);
    if (!this.decisions) return refused(OwnLabels.refusal);
    this.denial = Denial.compile(this.config.deny, 403, "Forbidden", GrpcStatus.PermissionDenied, "$.deny");
    return this.denial !== null || refused(Denial.refusal);
  }
}

function refused(reason: string): bool {
  log.error("configuration refused: " + reason);
  return false;
}

class Common extends HttpFilter<CommonPlugin> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const plugin = this.plugin;
    plugin.exchange.enter(Phase.Request, this.request.headers, null);
    const secret = plugin.secret;
    if (secret) {
      const given = this.request.headers.getBytes("x-key");
      if (given === null || !secret.equals(given.dataStart, given.length)) return this.refuse("key");
      setIdentity("key", ["a", "b"], toUtf8('{"sub":"key"}'));
    }
    const upstream = plugin.upstream;
    if (upstream) {
      upstream.call().dispatch(this);
      return HeadersAction.StopAllIterationAndWatermark;
    }
    plugin.decisions!.allowed(plugin.exchange);
    return HeadersAction.Continue;
  }

  onHttpCallResponse(response: HttpCallResponse): void {
    const plugin = this.plugin;
    plugin.exchange.enter(Phase.Request, this.request.headers, null);
    if (response.ok && response.statusCode == 200) {
      plugin.decisions!.allowed(plugin.exchange);
      this.request.resume();
    } else if (!response.ok && plugin.config.onError == OnError.Allow) {
      plugin.decisions!.error("upstream", plugin.exchange);
      this.request.resume();
    } else {
      if (!response.ok) plugin.decisions!.error("upstream", plugin.exchange);
      if (this.refuse("upstream") == HeadersAction.Continue) this.request.resume();
    }
  }

  private refuse(reason: string): HeadersAction {
    const plugin = this.plugin;
    const shadow = plugin.config.mode == Mode.Shadow;
    plugin.decisions!.denied(reason, shadow, plugin.exchange);
    if (shadow) return HeadersAction.Continue;
    plugin.denial!.send(this, "common_" + reason, "www-authenticate", "Key");
    return HeadersAction.StopIteration;
  }
}

registerHttpFilter<Common, CommonPlugin, CommonConfig>();
