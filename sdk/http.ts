/* HTTP filters: one object per stream. */

import { DataAction, GrpcStatus, HeadersAction, LogLevel, Status, StreamType, TrailersAction } from "./abi/enums";
import { proxy_close_stream, proxy_continue_stream, proxy_send_local_response } from "./abi/hostcalls";
import { Config } from "./config";
import { HeaderMap, requestHeaders, requestTrailers, responseHeaders, responseTrailers } from "./headers";
import { HeaderLines } from "./lines";
import { Plugin, RootContext } from "./plugin";
import { phase, Phase } from "./runtime/phase";
import { putString, roomFor, scratchFor } from "./runtime/memory";
import { addFactory, Factory } from "./runtime/registry";

/** One direction of a stream. */
export class HttpMessage {
  constructor(
    readonly headers: HeaderMap,
    readonly trailers: HeaderMap,
    private type: StreamType,
  ) {}

  /** Goes on with a message that a callback has stopped. Call it after the last change of its headers. */
  resume(): Status {
    return phase == Phase.None ? Status.BadArgument : proxy_continue_stream(this.type);
  }
}

const request = new HttpMessage(requestHeaders, requestTrailers, StreamType.HttpRequest);
const response = new HttpMessage(responseHeaders, responseTrailers, StreamType.HttpResponse);

/** What the dispatcher sees of a filter, whatever its plugin. Callbacks that no class overrides are never called. */
export abstract class HttpContext {
  /** Id that the host knows this stream by. */
  contextId: u32 = 0;
  /** The plugin whose configuration was current when the stream began. */
  root: RootContext | null = null;

  get request(): HttpMessage {
    return request;
  }

  get response(): HttpMessage {
    return response;
  }

  /** Called when the request headers have arrived. */
  onRequestHeaders(endOfStream: bool): HeadersAction {
    return HeadersAction.Continue;
  }

  /** Called for each part of the request body, `size` bytes being buffered; once more with `endOfStream` at its end unless trailers follow. */
  onRequestBody(size: u32, endOfStream: bool): DataAction {
    return DataAction.Continue;
  }

  onRequestTrailers(): TrailersAction {
    return TrailersAction.Continue;
  }

  /** Called when the response headers have arrived, those of a local reply of this or another filter included. */
  onResponseHeaders(endOfStream: bool): HeadersAction {
    return HeadersAction.Continue;
  }

  onResponseBody(size: u32, endOfStream: bool): DataAction {
    return DataAction.Continue;
  }

  onResponseTrailers(): TrailersAction {
    return TrailersAction.Continue;
  }

  /** Called once when the stream is over, before onDone; all headers can be read again. */
  onLog(): void {}

  /** Called once after onLog; no headers can be read. */
  onDone(): void {}

  /**
   * Answers the request from here. The host stops the stream whatever the callback returns, so return
   * HeadersAction.StopIteration. For a gRPC request Envoy turns the reply into a gRPC status by itself.
   * A header that is not allowed is left out and BadArgument returned; the reply goes out all the same.
   * `details` shows in access logs as %RESPONSE_CODE_DETAILS%.
   */
  sendLocalResponse(
    statusCode: u32,
    body: string = "",
    headers: HeaderLines | null = null,
    details: string = "",
    grpcStatus: GrpcStatus = GrpcStatus.None,
  ): Status {
    if (!inStream()) return Status.BadArgument;
    const headersLength: usize = headers ? headers.size : 0;
    const headersPtr = scratchFor(headersLength + roomFor(details) + roomFor(body));
    if (headers) headers.writeTo(headersPtr);
    const detailsPtr = headersPtr + headersLength;
    const detailsLength = putString(detailsPtr, details);
    const bodyPtr = detailsPtr + detailsLength;
    const bodyLength = putString(bodyPtr, body);
    const status: Status = proxy_send_local_response(
      statusCode < 200 || statusCode > 599 ? 500 : statusCode,
      detailsPtr,
      detailsLength,
      bodyPtr,
      bodyLength,
      headersPtr,
      headersLength,
      grpcStatus,
    );
    return status == Status.Ok && headers && headers.refused ? Status.BadArgument : status;
  }

  /** Resets the stream: the client sees the connection or the HTTP/2 stream end without an answer. */
  resetStream(): Status {
    return inStream() ? <Status>proxy_close_stream(StreamType.HttpRequest) : Status.BadArgument;
  }
}

/** Whether a callback of a stream runs in which the stream can still be answered. */
function inStream(): bool {
  return phase >= Phase.RequestHeaders && phase <= Phase.ResponseTrailers;
}

/** Base class of an HTTP filter; `P` is its plugin. */
export abstract class HttpFilter<P extends RootContext> extends HttpContext {
  get plugin(): P {
    return changetype<P>(this.root);
  }
}

/** Makes a filter known. Several in one module need names: PluginConfig.root_id chooses by them. */
export function registerHttpFilter<F extends HttpFilter<P>, P extends Plugin<C>, C extends Config>(
  name: string = "",
): void {
  addFactory(
    new Factory(
      name,
      (): RootContext => instantiate<P>(),
      (): HttpContext => instantiate<F>(),
    ),
  );
}
