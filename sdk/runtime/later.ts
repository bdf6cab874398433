/* What has to wait until the running callback has ended: an answer that the host gives inside the call that asked for it. */

import { forgetCallback } from "./dispatch";

/** Most that one callback's end does of what came up in it, so that answers which ask again cannot run for ever; the rest
 * waits for the next callback. */
const MAX_ADDED: u32 = 64;

/** Function that the end of a callback calls, 0 while nothing has ever waited: a module in which nothing can has none of this. */
export let afterCallback: u32 = 0;

export abstract class Later {
  next: Later | null = null;
  /** Does its work as a callback of its own; whoever calls it tidies up afterwards. */
  abstract run(): void;
}

class Waiting {
  // @ts-ignore: decorator
  @lazy static first: Later | null = null;
  // @ts-ignore: decorator
  @lazy static last: Later | null = null;
}

/** Runs `item` when the callback that runs now has ended. */
export function runLater(item: Later): void {
  const before = Waiting.last;
  if (before) before.next = item;
  else Waiting.first = item;
  Waiting.last = item;
  const runner = runWaiting;
  // @ts-ignore: built into the compiler
  afterCallback = runner.index;
}

function runWaiting(): void {
  // What the callback itself has left is done in any case: nothing may come after it.
  const last = Waiting.last;
  let isAdded = false;
  let added: u32 = 0;
  while (added < MAX_ADDED) {
    const item = Waiting.first;
    if (!item) return;
    Waiting.first = item.next;
    if (!Waiting.first) Waiting.last = null;
    item.next = null;
    if (isAdded) added++;
    else if (item == last) isAdded = true;
    item.run();
    forgetCallback();
  }
}
