import {
  GrpcCall,
  GrpcCallResponse,
  GrpcStatus,
  GrpcStream,
  HeaderMap,
  HeadersAction,
  HttpCall,
  HttpCallGroup,
  HttpCallResponse,
  HttpFilter,
  log,
  NoConfig,
  PeerType,
  Plugin,
  ProtoReader,
  registerHttpFilter,
  registerTcpFilter,
  TcpAction,
  TcpData,
  TcpFilter,
} from "meshwasm/sdk";

/** A number that all of the bytes go into. */
function sumOf(bytes: Uint8Array): string {
  let sum: u32 = 0;
  for (let i = 0; i < bytes.length; i++) sum = sum * 31 + bytes[i];
  return bytes.length.toString() + " " + sum.toString();
}

function linesOf(map: HeaderMap): i32 {
  let sum = 0;
  for (let i = 0, n = min(map.length, 40); i < n; i++) sum += map.nameAt(i).length + map.valueBytesAt(i).length;
  const found = map.get("x-a");
  return sum + (found === null ? 0 : found.length);
}

/** Reads whatever the bytes are as a message. */
function fieldsOf(bytes: Uint8Array): i32 {
  const reader = new ProtoReader(bytes);
  let count = 0;
  while (reader.next()) {
    count++;
    if (reader.field == 1) reader.string();
    else if (reader.field == 2) reader.u64();
    else if (reader.field == 3) fieldsOf(reader.bytesValue());
  }
  return count;
}

class CallsPlugin extends Plugin<NoConfig> {
  waiting: Calls | null = null;

  onTick(): void {
    new HttpCall("tick").dispatch(this);
    const stream = this.waiting;
    if (!stream || !stream.activate()) return;
    stream.request.headers.set("x-woken", "1");
    stream.request.resume();
  }

  onHttpCallResponse(response: HttpCallResponse): void {
    log.info("root " + response.failure.toString() + " " + response.bytes().length.toString());
  }
}

class Talk extends GrpcStream {
  onInitialMetadata(metadata: HeaderMap): void {
    linesOf(metadata);
  }

  onMessage(bytes: Uint8Array): void {
    fieldsOf(bytes);
    log.info("message " + sumOf(bytes));
    if (bytes.length & 1) this.send(bytes, (bytes.length & 2) != 0);
    if (bytes.length & 4) this.close();
    if (bytes.length & 8) this.cancel();
  }

  onTrailingMetadata(metadata: HeaderMap): void {
    linesOf(metadata);
  }

  onClose(status: GrpcStatus, message: string): void {
    log.info("closed " + status.toString() + " " + message.length.toString());
  }
}

class Calls extends HttpFilter<CallsPlugin> {
  private answers: u32 = 0;
  private kept: HttpCallResponse | null = null;

  onRequestHeaders(endOfStream: bool): HeadersAction {
    this.plugin.waiting = this;
    new HttpCall("a").header("x-a", "b").maxBody(4000).dispatch(this);
    new HttpCall("b\u0000").path("no slash").dispatch(this);
    new HttpCallGroup().add(new HttpCall("c").bodyText("c")).add(new HttpCall("d")).dispatch(this);
    new GrpcCall("e", "s.S", "M").message(new Uint8Array(3)).maxMessage(4000).dispatch(this);
    const talk = new Talk("f", "s.S", "T");
    talk.metadata("x-a", "b");
    talk.limit = 4000;
    talk.open(this);
    talk.send(new Uint8Array(1));
    return HeadersAction.StopAllIterationAndWatermark;
  }

  onHttpCallResponse(response: HttpCallResponse): void {
    this.answers++;
    linesOf(response.headers);
    linesOf(response.trailers);
    response.text();
    log.info(
      "answer " + response.failure.toString() + " " + response.statusCode.toString() + " " + sumOf(response.bytes()),
    );
    const kept = this.kept;
    if (kept) {
      linesOf(kept.headers);
      kept.headers.set("x-a", "never");
      kept.text();
    }
    response.keep();
    this.kept = response;
    if (this.answers % 5 == 1) new HttpCall("again").maxBody(4000).dispatch(this);
    if (this.answers % 7 == 3) this.request.resume();
    if (this.answers % 7 == 5) this.sendLocalResponse(403, "no");
    if (this.answers % 7 == 6) this.resetStream();
  }

  onHttpCallsDone(group: HttpCallGroup): void {
    for (let i = 0; i < group.responses.length; i++) {
      linesOf(group.responses[i].headers);
      group.responses[i].text();
    }
    this.request.resume();
  }

  onGrpcCallResponse(response: GrpcCallResponse): void {
    const bytes = response.bytes();
    fieldsOf(bytes);
    log.info("grpc " + response.failure.toString() + " " + response.status.toString() + " " + sumOf(bytes));
    this.request.resume();
  }
}

class Tcp extends TcpFilter<CallsPlugin> {
  private seen: u32 = 0;

  onNewConnection(): TcpAction {
    new HttpCall("t").dispatch(this);
    return TcpAction.StopIteration;
  }

  onHttpCallResponse(response: HttpCallResponse): void {
    if (response.failure) this.closeDownstream();
    else this.resume();
  }

  onDownstreamData(data: TcpData, endOfStream: bool): TcpAction {
    return this.change(data);
  }

  onUpstreamData(data: TcpData, endOfStream: bool): TcpAction {
    return this.change(data);
  }

  onDownstreamClose(peer: PeerType): void {
    log.info("closed " + peer.toString());
  }

  onUpstreamClose(peer: PeerType): void {
    log.info("closed " + peer.toString());
  }

  private change(data: TcpData): TcpAction {
    const bytes = data.bytes();
    log.info("data " + data.status.toString() + " " + sumOf(bytes));
    data.bytes(3, 5);
    data.text();
    this.seen++;
    if (this.seen & 1) data.prepend(bytes);
    if (this.seen & 2) data.append(bytes);
    if (this.seen & 4) data.set(new Uint8Array(0));
    if (this.seen % 5 == 0) this.closeUpstream();
    return this.seen % 3 ? TcpAction.Continue : TcpAction.StopIteration;
  }
}

registerHttpFilter<Calls, CallsPlugin, NoConfig>("http");
registerTcpFilter<Tcp, CallsPlugin, NoConfig>("tcp");
