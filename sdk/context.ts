/* What plugins and streams have in common: an id that the host knows them by, and calls whose answers they get. */

import { GrpcCallResponse } from "./grpc";
import { HttpCallGroup, HttpCallResponse } from "./callout";
import { Pending } from "./runtime/pending";

export abstract class Context {
  /** Id that the host knows this context by. */
  contextId: u32 = 0;
  /** For the SDK: the first of the calls that are on their way. */
  pending: Pending | null = null;

  /**
   * Called with the answer to an HttpCall that this context has dispatched, or with its failure; never inside the callback
   * that has dispatched it. A stream that waits can be read, changed, answered and resumed here as in its last callback. Not
   * called when the stream is over.
   */
  onHttpCallResponse(response: HttpCallResponse): void {}

  /** Called once when all calls of a group have been answered or have failed. */
  onHttpCallsDone(group: HttpCallGroup): void {}

  /** As onHttpCallResponse, for a GrpcCall. */
  onGrpcCallResponse(response: GrpcCallResponse): void {}

  /**
   * Makes this the context that host calls are about, until the callback ends or another is activated: for a plugin's
   * callback (onTick, onQueueReady) that resumes or answers streams which wait. False when the context is over.
   */
  abstract activate(): bool;
}
