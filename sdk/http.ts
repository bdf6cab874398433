/* HTTP filters: one object per stream. */

import { BufferType, DataAction, GrpcStatus, HeadersAction, Status, StreamType, TrailersAction } from "./abi/enums";
import { proxy_close_stream, proxy_continue_stream, proxy_send_local_response } from "./abi/hostcalls";
import { BodyPlan, HttpBody, OverLimit } from "./body";
import { Config } from "./config";
import {
  HeaderMap,
  releaseHeaderMaps,
  requestHeaders,
  requestTrailers,
  responseHeaders,
  responseTrailers,
} from "./headers";
import { HeaderLines } from "./lines";
import { Plugin, RootContext } from "./plugin";
import { StreamContext } from "./stream";
import { currentStream, setCurrentStream } from "./runtime/current";
import { callback, innerContext, innerPhase, phase, Phase, resumeInside } from "./runtime/phase";
import { putString, roomFor, scratchFor } from "./runtime/memory";
import { endCallsOf } from "./runtime/pending";
import { addFactory, Factory } from "./runtime/registry";

/** Any stream has a plan for its body: where none ever has, the compiler leaves out what follows plans. */
export let bodiesPlanned: bool = false;

/** Made when first needed, so that a module which reads no body has none of it. */
let requestBody: HttpBody | null = null;
let responseBody: HttpBody | null = null;

/** One direction of the stream whose callback runs. */
export class HttpMessage {
  constructor(
    readonly headers: HeaderMap,
    readonly trailers: HeaderMap,
    private type: StreamType,
    /** The callback in which the body's fate is decided. */
    private decided: Phase,
  ) {}

  get body(): HttpBody {
    if (this.type == StreamType.HttpRequest) {
      let body = requestBody;
      if (!body) requestBody = body = new HttpBody(BufferType.HttpRequestBody, requestHeaders);
      return body;
    }
    let body = responseBody;
    if (!body) responseBody = body = new HttpBody(BufferType.HttpResponseBody, responseHeaders);
    return body;
  }

  /**
   * To be returned by the headers callback: headers go on, the body is buffered up to `limit` bytes and given to
   * onWholeRequestBody or onWholeResponseBody, where the request can still be denied. `resize` removes content-length, so
   * that the body can be replaced by one of another size.
   */
  inspectBody(limit: u32, over: OverLimit = OverLimit.Reject, resize: bool = false): HeadersAction {
    this.plan(new BodyPlan(limit, over, false, resize));
    return HeadersAction.Continue;
  }

  /**
   * To be returned by the headers callback: headers wait until the whole body was given to the callback, and can be changed
   * there; content-length follows the body. Needs the host's `allow_on_headers_stop_iteration`, without which the
   * request hangs; the module's manifest says so and `meshwasm manifest` sets it.
   */
  holdBody(limit: u32, over: OverLimit = OverLimit.Reject): HeadersAction {
    this.plan(new BodyPlan(limit, over, true, true));
    return HeadersAction.StopIteration;
  }

  /** To be returned by the headers callback of a filter that changes the size of the pieces in onRequestBody or onResponseBody. */
  transformBody(): HeadersAction {
    const plan = new BodyPlan(0, OverLimit.Pass, false, true);
    plan.done = true;
    plan.released = true;
    this.plan(plan);
    return HeadersAction.Continue;
  }

  /**
   * Goes on with a message that a callback has stopped. Call it after the last change of its headers: they are gone then.
   * Inside the callback itself it is as if that returned Continue. What is not stopped stays as it is.
   */
  resume(): Status {
    const stream = currentStream;
    if (!stream || !inStream()) return Status.BadArgument;
    const plan = this.type == StreamType.HttpRequest ? stream.requestPlan : stream.responsePlan;
    if (bodiesPlanned && plan) plan.released = true;
    if (innerContext == stream.contextId && isOf(this.type, innerPhase)) {
      resumeInside();
      return Status.Ok;
    }
    // Envoy 1.40 sends trailers twice when it is told to continue what is not stopped.
    const bit = 1 << (<i32>this.type);
    if (!(stream.stopped & bit) && !stream.isShared) return Status.Ok;
    stream.stopped &= ~bit;
    const status: Status = proxy_continue_stream(this.type);
    releaseHeaderMaps();
    return status;
  }

  private plan(plan: BodyPlan): void {
    const stream = currentStream;
    if (!stream || phase != this.decided) return;
    bodiesPlanned = true;
    if (plan.resizable && !plan.holds) this.headers.remove("content-length");
    if (this.type == StreamType.HttpRequest) stream.requestPlan = plan;
    else stream.responsePlan = plan;
  }
}

const request = new HttpMessage(requestHeaders, requestTrailers, StreamType.HttpRequest, Phase.RequestHeaders);
const response = new HttpMessage(responseHeaders, responseTrailers, StreamType.HttpResponse, Phase.ResponseHeaders);

/** Whether a callback is one of this direction's. */
function isOf(type: StreamType, phase: Phase): bool {
  return type == StreamType.HttpRequest
    ? phase >= Phase.RequestHeaders && phase <= Phase.RequestTrailers
    : phase >= Phase.ResponseHeaders && phase <= Phase.ResponseTrailers;
}

/** What the dispatcher sees of a filter, whatever its plugin. Callbacks that no class overrides are never called. */
export abstract class HttpContext extends StreamContext {
  /** For the dispatcher: one object serves all streams. */
  isShared: bool = false;
  requestPlan: BodyPlan | null = null;
  responsePlan: BodyPlan | null = null;

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

  /** Called once with the body that inspectBody or holdBody has asked for, at the end of the request or at its trailers. */
  onWholeRequestBody(body: HttpBody): DataAction {
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

  /** As onWholeRequestBody, for the response. */
  onWholeResponseBody(body: HttpBody): DataAction {
    return DataAction.Continue;
  }

  onResponseTrailers(): TrailersAction {
    return TrailersAction.Continue;
  }

  becomeCurrent(): void {
    setCurrentStream(this);
  }

  /**
   * Answers the request from here. The host stops the stream whatever the callback returns, so return
   * HeadersAction.StopIteration. For a gRPC request Envoy turns the reply into a gRPC status by itself.
   * A header that is not allowed is left out and BadArgument returned; the reply goes out all the same (`headers.refused` tells).
   * BadArgument with nothing refused: nothing was sent, since the stream is answered, reset, or past its headers.
   * A reply of 204 or 304 has no body.
   * `details` shows in access logs as %RESPONSE_CODE_DETAILS%.
   */
  sendLocalResponse(
    statusCode: u32,
    body: string = "",
    headers: HeaderLines | null = null,
    details: string = "",
    grpcStatus: GrpcStatus = GrpcStatus.None,
  ): Status {
    if (this.endedIn == callback || !this.canReply()) return Status.BadArgument;
    const headersLength: usize = headers ? headers.size : 0;
    const headersPtr = scratchFor(headersLength + roomFor(details) + roomFor(body));
    if (headers) headers.writeTo(headersPtr);
    const detailsPtr = headersPtr + headersLength;
    const detailsLength = putString(detailsPtr, details);
    const bodyPtr = detailsPtr + detailsLength;
    // These have none (RFC 9110 §6.4.1): the client would take it for the next response.
    const bodyLength: usize = statusCode == 204 || statusCode == 304 ? <usize>0 : putString(bodyPtr, body);
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
    if (status == Status.Ok) {
      this.endedIn = callback;
      endCallsOf(this);
    }
    return status == Status.Ok && headers && headers.refused ? Status.BadArgument : status;
  }

  /** Once the response's headers have gone on, Envoy could only cut the connection. */
  private canReply(): bool {
    // Envoy would answer the stream that is current.
    if (currentStream != this) return false;
    if (phase < Phase.ResponseBody) return inStream();
    const plan = this.responsePlan;
    return inStream() && plan != null && plan.holds && !plan.released;
  }

  /**
   * Resets the stream: the client sees the connection or the HTTP/2 stream end without an answer. What the callback returns
   * does not matter. BadArgument when it was answered or reset in this callback.
   */
  resetStream(): Status {
    if (this.endedIn == callback || currentStream != this || !inStream()) return Status.BadArgument;
    this.endedIn = callback;
    this.resetIn = callback;
    endCallsOf(this);
    return proxy_close_stream(StreamType.HttpRequest);
  }
}

/** Whether a callback runs in which the stream still lives. */
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
      (): StreamContext => instantiate<F>(),
    ),
  );
}
