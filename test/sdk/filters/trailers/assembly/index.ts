import {
  DataAction,
  HeaderMap,
  HeadersAction,
  HttpBody,
  HttpFilter,
  log,
  NoConfig,
  OverLimit,
  Plugin,
  registerHttpFilter,
  Status,
  TrailersAction,
} from "meshwasm/sdk";

class TrailersPlugin extends Plugin<NoConfig> {}

/** Does to trailers what the request's path says. */
class Trailers extends HttpFilter<TrailersPlugin> {
  private path: string = "";

  private is(part: string): bool {
    return this.path.includes(part);
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const path = this.request.headers.get(":path");
    if (path !== null) this.path = path;
    if (this.is("/request/inspect")) return this.request.inspectBody(16, OverLimit.Reject, this.is("resize"));
    if (this.is("/request/hold")) return this.request.holdBody(16);
    if (this.is("/request/pause")) return HeadersAction.StopIteration;
    if (this.is("/request/none")) report("early", this.request.trailers.set("x-early", "1"));
    return HeadersAction.Continue;
  }

  onRequestBody(size: u32, endOfStream: bool): DataAction {
    if (this.is("/request/last")) {
      // Only the end of a body can be given trailers.
      if (endOfStream) report("last", this.request.trailers.append("x-last", "1"));
      else report("early", this.request.trailers.append("x-last", "0"));
    }
    return this.is("/request/pause") ? DataAction.StopIterationAndBuffer : DataAction.Continue;
  }

  onWholeRequestBody(body: HttpBody): DataAction {
    log.info("request body " + body.text() + (body.isWhole ? " whole" : " part"));
    if (this.is("deny")) {
      report("reply", this.sendLocalResponse(403, "denied by the body\n"));
      return DataAction.StopIterationNoBuffer;
    }
    if (this.is("hold")) report("header", this.request.headers.set("x-body", body.text()));
    if (this.is("replace")) report("replace", body.setText("something else"));
    return DataAction.Continue;
  }

  onRequestTrailers(): TrailersAction {
    if (!this.is("/request/")) return TrailersAction.Continue;
    this.edit("request", this.request.trailers);
    if (this.is("/request/stop")) {
      report("resume", this.request.resume());
      return TrailersAction.StopIteration;
    }
    if (this.is("/request/pause")) report("header", this.request.headers.set("x-paused", "1"));
    if (this.is("/request/reply")) {
      const verdict = this.request.trailers.get("x-verdict");
      report(
        "reply",
        this.sendLocalResponse(403, "denied by the trailers: " + (verdict === null ? "" : verdict) + "\n"),
      );
      report("again", this.sendLocalResponse(500));
      return TrailersAction.StopIteration;
    }
    return TrailersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    if (this.is("/response/inspect")) return this.response.inspectBody(16, OverLimit.Reject, this.is("resize"));
    if (this.is("/response/hold")) return this.response.holdBody(16);
    return HeadersAction.Continue;
  }

  onWholeResponseBody(body: HttpBody): DataAction {
    log.info("response body " + body.text() + (body.isWhole ? " whole" : " part"));
    if (this.is("deny")) {
      report("reply", this.sendLocalResponse(502, "hidden\n"));
      return DataAction.StopIterationNoBuffer;
    }
    if (this.is("hold")) report("header", this.response.headers.set("x-body", body.text()));
    if (this.is("replace")) report("replace", body.setText("something else"));
    return DataAction.Continue;
  }

  onResponseTrailers(): TrailersAction {
    if (!this.is("/response/")) return TrailersAction.Continue;
    this.edit("response", this.response.trailers);
    if (this.is("/response/reply")) report("reply", this.sendLocalResponse(502));
    if (this.is("/response/stop")) {
      report("resume", this.response.resume());
      return TrailersAction.StopIteration;
    }
    return TrailersAction.Continue;
  }

  onLog(): void {
    if (!this.is("/log")) return;
    log.info("log " + this.response.trailers.lines("x-tail").join("|"));
  }

  private edit(what: string, trailers: HeaderMap): void {
    log.info(what + " trailers " + trailers.lines("X-Tail").join("|"));
    if (!this.is("edit")) return;
    report("append", trailers.append("x-tail", "appended"));
    report("set", trailers.set("X-Set", "\u00fc"));
    report("remove", trailers.remove("x-gone"));
    report("crlf", trailers.set("x-split", "a\r\nb: c"));
    report("pseudo", trailers.set(":path", "/other"));
    let names = "";
    for (let i = 0; i < trailers.length; i++) names += trailers.nameAt(i) + "=" + trailers.valueAt(i) + ";";
    log.info(names);
  }
}

function report(what: string, status: Status): void {
  log.info(what + " " + (<i32>status).toString());
}

registerHttpFilter<Trailers, TrailersPlugin, NoConfig>();
