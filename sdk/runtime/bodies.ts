/* Buffering of bodies, for filters that asked for a whole one. */

import { DataAction, HeadersAction } from "../abi/enums";
import { BodyPlan, HttpBody, OverLimit } from "../body";
import { bodiesPlanned, HttpContext } from "../http";
import { callback } from "./phase";

function planOf(stream: HttpContext, isRequest: bool): BodyPlan | null {
  return isRequest ? stream.requestPlan : stream.responsePlan;
}

function bodyOf(stream: HttpContext, isRequest: bool): HttpBody {
  return isRequest ? stream.request.body : stream.response.body;
}

/** Gives the whole body, or what there is of one that is too large, to the filter. */
function deliver(stream: HttpContext, isRequest: bool, plan: BodyPlan, size: u32, isWhole: bool): DataAction {
  const body = bodyOf(stream, isRequest);
  plan.done = true;
  body.begin(plan, size, isWhole);
  const action = isRequest ? stream.onWholeRequestBody(body) : stream.onWholeResponseBody(body);
  body.end();
  if (action == DataAction.Continue) plan.released = true;
  return action;
}

/** After a headers callback: a message without a body has its whole body now. */
export function afterHeaders(
  stream: HttpContext,
  isRequest: bool,
  endOfStream: bool,
  action: HeadersAction,
): HeadersAction {
  if (!bodiesPlanned) return action;
  const plan = planOf(stream, isRequest);
  if (!endOfStream || !plan || plan.done || stream.endedIn == callback) return action;
  const decided = deliver(stream, isRequest, plan, 0, true);
  if (decided != DataAction.Continue) return HeadersAction.StopIteration;
  // What holdBody stopped has nothing to wait for.
  return plan.holds && action == HeadersAction.StopIteration ? HeadersAction.Continue : action;
}

/** A piece of a body has come; `size` bytes are buffered with it. */
export function bodyPiece(stream: HttpContext, isRequest: bool, size: u32, endOfStream: bool): DataAction {
  const plan = planOf(stream, isRequest);
  if (plan && plan.done && !plan.released) {
    // The callback has stopped what it got of a body that is too large: the rest waits for its resume too.
    return DataAction.StopIterationAndWatermark;
  }
  if (!plan || plan.done) {
    const body = bodyOf(stream, isRequest);
    body.begin(plan, size, false);
    const action = isRequest ? stream.onRequestBody(size, endOfStream) : stream.onResponseBody(size, endOfStream);
    body.end();
    return action;
  }
  if (size > plan.limit) {
    if (plan.over == OverLimit.Pass) return deliver(stream, isRequest, plan, size, false);
    plan.done = true;
    if (isRequest) stream.sendLocalResponse(413, "", null, "request_body_too_large");
    else if (plan.holds) stream.sendLocalResponse(500, "", null, "response_body_too_large");
    else stream.resetStream();
    return DataAction.StopIterationNoBuffer;
  }
  return endOfStream ? deliver(stream, isRequest, plan, size, true) : DataAction.StopIterationAndBuffer;
}

/** Trailers have come: a body that is still waited for is whole. False when the filter stops the stream. */
export function bodyEndedByTrailers(stream: HttpContext, isRequest: bool): bool {
  if (!bodiesPlanned) return true;
  const plan = planOf(stream, isRequest);
  if (!plan) return true;
  if (plan.done) return plan.released;
  return deliver(stream, isRequest, plan, bodyOf(stream, isRequest).buffered(), true) == DataAction.Continue;
}
