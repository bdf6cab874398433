import {
  CallFailure,
  DataAction,
  GrpcCall,
  GrpcCallResponse,
  GrpcStatus,
  GrpcStream,
  HeaderLines,
  HeaderMap,
  HeadersAction,
  HttpBody,
  HttpCall,
  HttpCallGroup,
  HttpCallResponse,
  HttpFilter,
  log,
  NoConfig,
  Plugin,
  registerHttpFilter,
  Status,
  TrailersAction,
} from "meshwasm/sdk";

function describe(response: HttpCallResponse): string {
  return (
    response.call.tag.toString() +
    ":" +
    response.failure.toString() +
    ":" +
    response.statusCode.toString() +
    ":" +
    response.text().length.toString()
  );
}

class CallsPlugin extends Plugin<NoConfig> {
  /** Streams that wait for a tick. */
  waiting: Calls[] = [];

  onTick(): void {
    if (this.waiting.length) {
      const streams = this.waiting;
      this.waiting = [];
      for (let i = 0; i < streams.length; i++) {
        const stream = streams[i];
        const active = stream.activate();
        log.info("woken " + active.toString());
        if (!active) continue;
        stream.request.headers.set("x-woken", "yes");
        stream.request.resume();
      }
      this.activate();
    }
  }

  onHttpCallResponse(response: HttpCallResponse): void {
    log.info("root " + describe(response) + " " + this.contextId.toString());
  }
}

class Talk extends GrpcStream {
  private seen: string = "";
  private late: Status = Status.Ok;

  constructor(private stream: Calls) {
    super("rpc", "test.Echo", "Talk");
  }

  onInitialMetadata(metadata: HeaderMap): void {
    const value = metadata.get("x-initial");
    this.seen += "initial " + (value === null ? "none" : value);
  }

  onMessage(bytes: Uint8Array): void {
    this.seen += "; message " + String.UTF8.decode(bytes.buffer);
    if (bytes.length != 1) return;
    this.send(Uint8Array.wrap(String.UTF8.encode("second")), true);
    this.late = this.send(bytes);
  }

  onTrailingMetadata(metadata: HeaderMap): void {
    const value = metadata.get("x-trailing");
    this.seen += "; trailing " + (value === null ? "none" : value);
  }

  onClose(status: GrpcStatus, message: string): void {
    this.stream.answer(
      "closed " + status.toString() + " " + message + "; " + this.seen + "; after end " + this.late.toString(),
    );
  }
}

class Calls extends HttpFilter<CallsPlugin> {
  private mode: string = "";
  private left: i32 = 0;
  private talk: Talk | null = null;

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const path = this.request.headers.get(":path");
    this.mode = path === null ? "" : path.substring(1);
    const mode = this.mode;
    if (mode == "auth") {
      new HttpCall("auth")
        .method("POST")
        .path("/check?a=b")
        .authority("auth.example.test")
        .header("x-from", "filter")
        .trailer("x-end", "1")
        .bodyText("who is it?")
        .timeout(2000)
        .dispatch(this);
      return HeadersAction.StopAllIterationAndWatermark;
    }
    if (mode.startsWith("to/")) {
      const call = new HttpCall(mode.substring(3)).timeout(300).maxBody(1000);
      call.tag = 7;
      call.dispatch(this);
      return HeadersAction.StopAllIterationAndWatermark;
    }
    if (mode == "badheader") {
      new HttpCall("auth").header("x-bad", "a\r\nb").dispatch(this);
      return HeadersAction.StopAllIterationAndWatermark;
    }
    if (mode == "group") {
      const group = new HttpCallGroup();
      group.add(new HttpCall("auth").path("/one")).add(new HttpCall("unknown")).add(new HttpCall("slow").path("/two"));
      group.dispatch(this);
      return HeadersAction.StopAllIterationAndWatermark;
    }
    if (mode == "manyfail") {
      const group = new HttpCallGroup();
      for (let i = 0; i < 200; i++) group.add(new HttpCall("unknown"));
      group.dispatch(this);
      return HeadersAction.StopAllIterationAndWatermark;
    }
    if (mode == "emptygroup") {
      new HttpCallGroup().dispatch(this);
      return HeadersAction.StopAllIterationAndWatermark;
    }
    if (mode == "twice") {
      new HttpCall("auth").dispatch(this);
      new HttpCall("auth").dispatch(this);
      return HeadersAction.StopAllIterationAndWatermark;
    }
    if (mode == "replied") {
      new HttpCall("auth").dispatch(this);
      this.sendLocalResponse(418, "teapot");
      return HeadersAction.StopIteration;
    }
    if (mode == "gone") {
      new HttpCall("slow").dispatch(this);
      return HeadersAction.Continue;
    }
    if (mode == "retry") {
      this.left = 200;
      new HttpCall("unknown").dispatch(this);
      return HeadersAction.StopAllIterationAndWatermark;
    }
    if (mode == "root") {
      const call = new HttpCall("auth");
      call.tag = 9;
      call.dispatch(this.plugin);
    }
    if (mode == "tick") {
      this.plugin.waiting.push(this);
      this.plugin.setTickPeriod(20);
      return HeadersAction.StopAllIterationAndWatermark;
    }
    if (mode == "resumeinside") {
      log.info("resume " + this.request.resume().toString());
      return HeadersAction.StopAllIterationAndWatermark;
    }
    if (mode.startsWith("grpc/")) {
      const call = new GrpcCall(mode.substring(5), "test.Echo", "Say")
        .metadata("x-meta", "data")
        .message(Uint8Array.wrap(String.UTF8.encode("hello")))
        .timeout(300)
        .maxMessage(1000);
      call.dispatch(this);
      return HeadersAction.StopAllIterationAndWatermark;
    }
    if (mode.startsWith("stream")) {
      const talk = new Talk(this);
      this.talk = talk;
      talk.metadata("x-meta", "data");
      const status = talk.open(this);
      talk.send(Uint8Array.wrap(String.UTF8.encode("1")));
      if (mode == "streamclose") talk.close();
      if (status != Status.Ok) log.info("open " + status.toString());
      return mode == "streamgone" ? HeadersAction.Continue : HeadersAction.StopAllIterationAndWatermark;
    }
    return HeadersAction.Continue;
  }

  onRequestTrailers(): TrailersAction {
    log.info("trailers");
    return TrailersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    if (this.mode == "response") {
      new HttpCall("auth").path("/late").dispatch(this);
      return HeadersAction.StopAllIterationAndWatermark;
    }
    return HeadersAction.Continue;
  }

  onHttpCallResponse(response: HttpCallResponse): void {
    if (this.mode == "auth") {
      const user = response.headers.get("x-user");
      const end = response.trailers.get("x-end");
      log.info("answer " + response.statusCode.toString() + " " + response.text() + " " + (end === null ? "" : end));
      if (response.statusCode != 200) {
        this.sendLocalResponse(403, "denied\n", new HeaderLines().add("x-why", "auth"));
        return;
      }
      this.request.headers.set("x-user", user === null ? "" : user);
      this.request.resume();
      log.info("after resume " + this.request.headers.set("x-late", "1").toString());
      return;
    }
    if (this.mode == "response") {
      this.response.headers.set("x-checked", response.statusCode.toString());
      this.response.resume();
      return;
    }
    if (this.mode == "retry" && this.left > 0) {
      this.left--;
      new HttpCall("unknown").dispatch(this);
      return;
    }
    log.info("stream " + describe(response));
    if (this.mode == "gone") return;
    this.request.headers.set("x-failure", response.failure.toString());
    log.info("resume " + this.request.resume().toString());
  }

  onHttpCallsDone(group: HttpCallGroup): void {
    let text = "done";
    for (let i = 0; i < group.responses.length; i++) {
      const from = group.responses[i].headers.get("x-name");
      text +=
        " " +
        group.responses[i].failure.toString() +
        "/" +
        (from === null ? "" : from) +
        "/" +
        group.responses[i].text();
    }
    this.answer(text);
  }

  onGrpcCallResponse(response: GrpcCallResponse): void {
    this.answer(
      "grpc " +
        response.failure.toString() +
        " " +
        response.status.toString() +
        " " +
        response.message +
        " " +
        String.UTF8.decode(response.bytes().buffer),
    );
  }

  answer(text: string): void {
    this.sendLocalResponse(200, text);
  }

  onLog(): void {
    log.info("over");
  }
}

registerHttpFilter<Calls, CallsPlugin, NoConfig>();
