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
  Tcp,
}

export let phase: Phase = Phase.None;

export function setPhase(next: Phase): void {
  phase = next;
}

/** The host's callback of a stream that is on the stack, whatever calls are about meanwhile: its stream and its phase. */
export let innerContext: u32 = 0;
export let innerPhase: Phase = Phase.None;
/** That callback's stream was resumed before it has returned: the host does not know it as stopped yet. */
export let resumedInside: bool = false;

export function enterInner(context: u32, phase: Phase): void {
  innerContext = context;
  innerPhase = phase;
}

export function resumeInside(): void {
  resumedInside = true;
}

/** What the callback that ends returns to the host: `action`, or Continue when it was resumed meanwhile. */
export function leaveInner(action: i32): i32 {
  if (!resumedInside) return action;
  resumedInside = false;
  return 0;
}

/** Number of the host's callback that runs. */
export let callback: u32 = 1;

/** The callback has ended. */
export function endCallback(): void {
  callback++;
}
