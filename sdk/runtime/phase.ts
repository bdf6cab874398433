/** Which callback runs. The order matters: from RequestHeaders to ResponseTrailers the stream can still be answered. */
export enum Phase {
  None,
  Root,
  RequestHeaders,
  RequestBody,
  RequestTrailers,
  ResponseHeaders,
  ResponseBody,
  ResponseTrailers,
  Log,
  Done,
}

export let phase: Phase = Phase.None;

export function setPhase(next: Phase): void {
  phase = next;
}

/** Queue items that this callback of a plugin has taken out. */
export let dequeued: u32 = 0;

export function setDequeued(count: u32): void {
  dequeued = count;
}
