/* The request and response that a condition or a template is about, as far as they can be read now. */

import { HeaderMap } from "meshwasm/sdk";
import { JsonDocument } from "meshwasm/sdk/std/json-value";

/** The callback that runs. Envoy lets a header map be read in its own callback alone. */
export enum Phase {
  Request,
  /** The whole body has come, and is `body`. */
  RequestBody,
  RequestTrailers,
  Response,
  ResponseTrailers,
}

/** No value. */
export const NOTHING: Uint8Array[] = [];

/** Values that a stream has kept for its later callbacks, by the slots that Selectors has given. */
export type Kept = StaticArray<Uint8Array[]>;

/** One for each plugin, since one callback runs at a time. */
export class Exchange {
  phase: Phase = Phase.Request;
  /** What the callback is about. */
  map: HeaderMap | null = null;
  kept: Kept | null = null;
  /** What `claim:` looks at; null: the claims that an earlier filter has left. */
  claims: JsonDocument | null = null;
  /** What `body:` looks at, while RequestBody runs. */
  body: JsonDocument | null = null;
  /** The client is this entry of x-forwarded-for from the right; 0: it is whom Envoy takes for it. */
  trustedHops: i32 = 0;

  /** To be called as a callback begins. */
  enter(phase: Phase, map: HeaderMap, kept: Kept | null): void {
    this.phase = phase;
    this.map = map;
    this.kept = kept;
  }
}
