import { HeadersAction, HttpFilter, log, Plugin, registerHttpFilter } from "meshwasm/sdk";
import { HeadersConfig } from "./config";
import { HeaderRules } from "./rules";

class HeadersPlugin extends Plugin<HeadersConfig> {
  readonly requestRules: HeaderRules = new HeaderRules(true);
  readonly responseRules: HeaderRules = new HeaderRules(false);

  onConfigure(): bool {
    const request = this.config.request;
    for (let i = 0; i < request.remove.length; i++) this.requestRules.remove(request.remove[i]);
    for (let i = 0, n = request.set.length; i < n; i++)
      this.requestRules.set(request.set[i].name, request.set[i].value);
    for (let i = 0; i < request.add.length; i++) this.requestRules.add(request.add[i].name, request.add[i].value);
    const response = this.config.response;
    for (let i = 0; i < response.remove.length; i++) this.responseRules.remove(response.remove[i]);
    for (let i = 0, n = response.set.length; i < n; i++)
      this.responseRules.set(response.set[i].name, response.set[i].value);
    for (let i = 0; i < response.add.length; i++) this.responseRules.add(response.add[i].name, response.add[i].value);
    return accepted(this.requestRules) && accepted(this.responseRules);
  }
}

/** Says why not in the words of the decoder. */
function accepted(rules: HeaderRules): bool {
  if (rules.error.length) {
    log.error("configuration refused: " + rules.error);
    return false;
  }
  for (let i = 0; i < rules.warnings.length; i++) log.warn(rules.warnings[i]);
  return true;
}

class Headers extends HttpFilter<HeadersPlugin> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    this.plugin.requestRules.apply(this.request.headers);
    return HeadersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.plugin.responseRules.apply(this.response.headers);
    return HeadersAction.Continue;
  }
}

registerHttpFilter<Headers, HeadersPlugin, HeadersConfig>();
