/* An internal redirect is the same request once more, with filters that know nothing of it. What has counted it stands in the
 * filter state of the request then, which no client can send. Requests that are not redirected pay nothing for it: it is
 * written when a stream ends in a redirect, and read only for a while behind that. */

import { foreign, LifeSpan, property, PropertyType } from "meshwasm/sdk";

/** How Envoy says that a stream goes on as another one. */
const REDIRECTED = "internal_redirect";
/** Nanoseconds for which filters in front of this one can hold what was redirected. */
const WAIT: u64 = 60000000000;
const MARK: Uint8Array = new Uint8Array(1);
let until: u64 = 0;

/** The name in the filter state for a limit: of its own as its counts are. */
export function declareMark(limit: string): string {
  const vm = property.pluginVmId();
  const plugin = property.pluginName();
  const name = `meshwasm.rate-limit.${vm === null ? "" : vm}.${plugin === null ? "" : plugin}.${limit}`;
  foreign.declareProperty(name, PropertyType.Bytes, false, LifeSpan.DownstreamRequest);
  return name;
}

/** Whether the stream that is over goes on as another one. */
export function isRedirected(): bool {
  const details = property.response.codeDetails();
  return details !== null && details == REDIRECTED;
}

export function mark(name: string, now: u64): void {
  until = now + WAIT;
  property.set(name, MARK);
}

/** Whether the request was marked before it was redirected. */
export function isMarked(name: string, now: u64): bool {
  return now < until && property.getBytes(name) !== null;
}
