import { GrpcStatus, HeaderLines, HeadersAction, HttpFilter, NoConfig, Plugin, registerHttpFilter } from "meshwasm/sdk";

class GrpcReplyPlugin extends Plugin<NoConfig> {}

/** Answers as the request's headers say. */
class GrpcReply extends HttpFilter<GrpcReplyPlugin> {
  private late: bool = false;

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const headers = this.request.headers;
    this.late = headers.has("x-late");
    if (this.late) return HeadersAction.Continue;
    const code = headers.get("x-code");
    const grpc = headers.get("x-grpc");
    const body = headers.get("x-body");
    this.sendLocalResponse(
      code === null ? 403 : <u32>parseInt(code),
      body === null ? "" : body,
      new HeaderLines().add("x-reason", "policy"),
      "denied",
      grpc === null ? GrpcStatus.None : <GrpcStatus>parseInt(grpc),
    );
    return HeadersAction.StopIteration;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    if (this.late) this.sendLocalResponse(503, "too late", null, "", GrpcStatus.Unavailable);
    return HeadersAction.Continue;
  }
}

registerHttpFilter<GrpcReply, GrpcReplyPlugin, NoConfig>();
