import { Check, denyWith, Exchange, Mode, Phase, Selectors } from "meshwasm/filters/common";
import {
  Counter,
  GrpcStatus,
  HeadersAction,
  HttpFilter,
  Labelled,
  log,
  Plugin,
  registerHttpFilter,
} from "meshwasm/sdk";
import { {{Config}} } from "./config";

/** One per configuration: what all requests share. */
class {{Class}}Plugin extends Plugin<{{Config}}> {
  readonly selectors: Selectors = new Selectors();
  readonly exchange: Exchange = new Exchange();
  readonly refused: Labelled<Counter> = new Labelled<Counter>("meshwasm_{{metric}}_refused", ["mode"]);
  match: Check | null = null;

  /** All that can be wrong is found here, with the path in front; a request runs what was compiled. */
  onConfigure(): bool {
    this.match = Check.compile(this.config.match, this.selectors, Phase.Request, "$.match");
    if (this.match) return true;
    log.error("configuration refused: " + Check.refusal);
    return false;
  }
}

/** One per request. */
class {{Class}} extends HttpFilter<{{Class}}Plugin> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const plugin = this.plugin;
    const mode = plugin.config.mode;
    if (mode == Mode.Off) return HeadersAction.Continue;
    const exchange = plugin.exchange;
    exchange.enter(Phase.Request, this.request.headers, null);
    if (!plugin.match!.holds(exchange)) return HeadersAction.Continue;
    plugin.refused.of(mode == Mode.Enforce ? "enforce" : "shadow").increment();
    if (mode == Mode.Shadow) return HeadersAction.Continue;
    denyWith(this, 403, "Forbidden", "{{metric}}_refused", GrpcStatus.PermissionDenied);
    return HeadersAction.StopIteration;
  }
}

registerHttpFilter<{{Class}}, {{Class}}Plugin, {{Config}}>();
