import {
  DataAction,
  HeaderLines,
  HeadersAction,
  HttpBody,
  HttpFilter,
  log,
  NoConfig,
  OverLimit,
  Plugin,
  registerHttpFilter,
  Status,
} from "meshwasm/sdk";

class BodiesPlugin extends Plugin<NoConfig> {}

/** Does to bodies what the request's path says. */
class Bodies extends HttpFilter<BodiesPlugin> {
  private path: string = "";

  private is(part: string): bool {
    return this.path.includes(part);
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const path = this.request.headers.get(":path");
    if (path !== null) this.path = path;
    const over = this.is("pass") ? OverLimit.Pass : OverLimit.Reject;
    if (this.is("/request/inspect")) return this.request.inspectBody(16, over, this.is("resize"));
    if (this.is("/request/hold")) return this.request.holdBody(16, over);
    if (this.is("/request/stream")) return this.request.transformBody();
    if (this.is("/request/large")) return this.request.inspectBody(2000000, OverLimit.Reject, true);
    return HeadersAction.Continue;
  }

  onWholeRequestBody(body: HttpBody): DataAction {
    const text = body.isWhole ? body.text() : "too large";
    log.info("request body " + body.length.toString() + " " + (body.isWhole ? "whole" : "part"));
    if (text == "deny") {
      this.sendLocalResponse(403, "denied\n");
      return DataAction.StopIterationNoBuffer;
    }
    if (this.is("hold")) this.request.headers.set("x-body", text);
    if (this.is("resize") || this.is("hold/change")) this.report(body.setText(text + " and more"));
    if (this.is("fixed")) this.report(body.setText("much longer than it was"));
    if (this.is("large")) {
      const bytes = body.bytes();
      bytes.fill(0x78);
      this.report(body.set(bytes));
    }
    return DataAction.Continue;
  }

  onRequestBody(size: u32, endOfStream: bool): DataAction {
    if (this.is("/request/stream") && size) this.report(this.request.body.append(encode("!")));
    return DataAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    const over = this.is("pass") ? OverLimit.Pass : OverLimit.Reject;
    if (this.is("/response/inspect")) return this.response.inspectBody(16, over, this.is("resize"));
    if (this.is("/response/hold")) return this.response.holdBody(16, over);
    if (this.is("/response/stream")) return this.response.transformBody();
    return HeadersAction.Continue;
  }

  onWholeResponseBody(body: HttpBody): DataAction {
    const text = body.isWhole ? body.text() : "too large";
    log.info("response body " + body.length.toString() + " " + (body.isWhole ? "whole" : "part"));
    if (text == "hide") {
      this.report(this.sendLocalResponse(502, "hidden\n", new HeaderLines().add("x-hidden", "yes")));
      return DataAction.Continue;
    }
    if (this.is("hold")) this.response.headers.set("x-body", text);
    if (this.is("resize") || this.is("hold/change")) this.report(body.setText(text + " and more"));
    if (this.is("fixed")) this.report(body.setText("much longer than it was"));
    return DataAction.Continue;
  }

  onResponseBody(size: u32, endOfStream: bool): DataAction {
    if (this.is("/response/stream") && size) this.report(this.response.body.append(encode("!")));
    return DataAction.Continue;
  }

  private report(status: Status): void {
    log.info("status " + (<i32>status).toString());
  }
}

function encode(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

registerHttpFilter<Bodies, BodiesPlugin, NoConfig>();
