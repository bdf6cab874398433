import {
  Check,
  Count,
  CountedBy,
  denyWith,
  Edit,
  Exchange,
  Kept,
  Mode,
  OwnLabels,
  Phase,
  refusedName,
  Selectors,
} from "meshwasm/filters/common";
import {
  GrpcStatus,
  HeaderMap,
  HeadersAction,
  HttpFilter,
  log,
  Plugin,
  registerHttpFilter,
  TrailersAction,
} from "meshwasm/sdk";
import { Changes } from "./changes";
import { HeaderRewriteConfig } from "./config";
import { ACTED, REFUSED } from "./outcome";
import { TargetChanges } from "./target";

/** The label of the counts. */
const LABELS: string[] = ["result"];

class HeaderRewritePlugin extends Plugin<HeaderRewriteConfig> {
  readonly selectors: Selectors = new Selectors();
  readonly exchange: Exchange = new Exchange();
  readonly request: Changes = new Changes("request", Phase.Request);
  readonly target: TargetChanges = new TargetChanges();
  readonly requestTrailers: Changes = new Changes("requestTrailers", Phase.RequestTrailers);
  readonly response: Changes = new Changes("response", Phase.Response);
  readonly responseTrailers: Changes = new Changes("responseTrailers", Phase.ResponseTrailers);
  match: Check | null = null;
  shadow: bool = false;
  off: bool = false;
  private refusedMessages: Count | null = null;
  private actedOn: Count | null = null;

  onConfigure(): bool {
    const config = this.config;
    this.shadow = config.mode == Mode.Shadow;
    this.off = config.mode == Mode.Off;
    const match = config.match;
    if (match) {
      this.match = Check.compile(match, this.selectors, Phase.Request, "$.match");
      if (!this.match) return refused(Check.refusal);
    }
    const labels = config.metrics.labels;
    // Requests are counted, too, when there is no response yet; what they say is kept for counts of the response.
    if (!OwnLabels.compile(labels, LABELS, this.selectors, Phase.Request, "$.metrics.labels"))
      return refused(OwnLabels.refusal);
    const own = OwnLabels.compile(labels, LABELS, this.selectors, Phase.ResponseTrailers, "$.metrics.labels");
    if (!own) return refused(OwnLabels.refusal);
    const messages = new CountedBy("meshwasm_header_rewrite_messages", LABELS, own);
    this.refusedMessages = new Count(messages, ["refused"]);
    this.actedOn = new Count(messages, [this.shadow ? "shadow" : "changed"]);
    if (!this.target.compile(config, this.selectors)) return refused(this.target.error);
    if (!owned(config.originalPath, "$.originalPath") || !owned(config.originalHost, "$.originalHost")) return false;
    this.request.compile(config.request, this.selectors);
    this.requestTrailers.compile(config.requestTrailers, this.selectors);
    this.response.compile(config.response, this.selectors);
    this.responseTrailers.compile(config.responseTrailers, this.selectors);
    return (
      accepted(this.request) &&
      accepted(this.requestTrailers) &&
      accepted(this.response) &&
      accepted(this.responseTrailers)
    );
  }

  /** Counts a message that rules have acted on. */
  count(outcome: i32): void {
    if (!outcome) return;
    (outcome & REFUSED ? this.refusedMessages : this.actedOn)!.increment(this.exchange);
  }
}

function refused(error: string): bool {
  log.error("configuration refused: " + error);
  return false;
}

/** Says why not in the words of the decoder. */
function accepted(changes: Changes): bool {
  if (changes.error.length) return refused(changes.error);
  for (let i = 0; i < changes.warnings.length; i++) log.warn(changes.warnings[i]);
  return true;
}

function owned(name: string, path: string): bool {
  if (!name.length || name.toLowerCase() == "x-envoy-original-path") return true;
  const reason = refusedName(name, Edit.Set, true);
  return reason === null || refused(path + ": " + reason);
}

class HeaderRewrite extends HttpFilter<HeaderRewritePlugin> {
  /** What later callbacks ask for. */
  private kept: Kept | null = null;
  /** Whether the request matches: 0 not known yet, 1 yes, -1 no. */
  private matched: i32 = 0;

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const plugin = this.plugin;
    if (plugin.off) return HeadersAction.Continue;
    const headers = this.request.headers;
    if (!this.begin(Phase.Request, headers)) return HeadersAction.Continue;
    const exchange = plugin.exchange;
    const shadow = plugin.shadow;
    const target = plugin.target;
    let outcome = target.isEmpty ? 0 : target.work(headers, exchange, shadow);
    if (outcome & REFUSED && !shadow) {
      plugin.count(outcome);
      denyWith(this, 400, "Bad Request", "meshwasm_header_rewrite_refused", GrpcStatus.InvalidArgument);
      return HeadersAction.StopIteration;
    }
    outcome |= plugin.request.run(headers, exchange, shadow);
    if (!shadow && !target.isEmpty) target.write(headers);
    plugin.count(outcome);
    return HeadersAction.Continue;
  }

  onRequestTrailers(): TrailersAction {
    this.run(this.plugin.requestTrailers, Phase.RequestTrailers, this.request.trailers);
    return TrailersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.run(this.plugin.response, Phase.Response, this.response.headers);
    return HeadersAction.Continue;
  }

  onResponseTrailers(): TrailersAction {
    this.run(this.plugin.responseTrailers, Phase.ResponseTrailers, this.response.trailers);
    return TrailersAction.Continue;
  }

  private run(changes: Changes, phase: Phase, map: HeaderMap): void {
    const plugin = this.plugin;
    if (plugin.off || !this.begin(phase, map) || changes.isEmpty) return;
    plugin.count(changes.run(map, plugin.exchange, plugin.shadow));
  }

  /** Makes the callback known to conditions and templates; false when the request does not match. */
  private begin(phase: Phase, map: HeaderMap): bool {
    const plugin = this.plugin;
    const exchange = plugin.exchange;
    exchange.enter(phase, map, this.kept);
    this.kept = plugin.selectors.keep(exchange);
    if (!this.matched) {
      const match = plugin.match;
      this.matched = !match || match.holds(exchange) ? 1 : -1;
    }
    return this.matched > 0;
  }
}

registerHttpFilter<HeaderRewrite, HeaderRewritePlugin, HeaderRewriteConfig>();
