/* The stream that host calls are about. */

import { HttpContext } from "../http";

/** The HTTP stream whose callback runs, or that was activated; null in a plugin's callbacks and for TCP. */
export let currentStream: HttpContext | null = null;
/** A reply was sent in this callback. A second one in the same callback crashes Envoy 1.40 in the response phase. */
export let replied: bool = false;

export function setCurrentStream(stream: HttpContext | null): void {
  currentStream = stream;
  replied = false;
}

export function setReplied(): void {
  replied = true;
}
