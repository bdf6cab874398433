/* The stream that host calls are about. */

import { HttpContext } from "../http";

/** The HTTP stream whose callback runs, or that was activated; null in a plugin's callbacks and for TCP. */
export let currentStream: HttpContext | null = null;
export function setCurrentStream(stream: HttpContext | null): void {
  currentStream = stream;
}
