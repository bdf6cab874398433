/* Calls whose answers have not come: by the host's number, and by the context that waits for them. */

import { Context } from "../context";

/** Function that drops the calls of a context which has ended; 0 in a module that makes none, which then has none of this. */
export let dropCalls: u32 = 0;

/** Cuts a context off from what it waits for: it was answered, reset or has ended. */
export function endCallsOf(context: Context): void {
  // @ts-ignore: built into the compiler
  if (dropCalls && context.pending) call_indirect<void>(dropCalls, context);
}

export abstract class Pending {
  /** The host's number; 0 when the host has refused the call. */
  id: u32 = 0;
  /** Who gets the answer; null when nobody does. */
  owner: Context | null = null;
  private next: Pending | null = null;
  private previous: Pending | null = null;

  /** The owner has ended. Tells the host if it can be told: true when no answer will come then. */
  abstract cancel(): bool;

  /** The owner waits for this. */
  link(owner: Context): void {
    this.owner = owner;
    const first = owner.pending;
    this.next = first;
    if (first) first.previous = this;
    owner.pending = this;
    const drop = dropPendingOf;
    dropCalls = drop.index;
  }

  /** The host will answer to `id`. */
  await(id: u32): void {
    this.id = id;
    Table.byId.set(id, this);
  }

  /** The last answer has come, or none will. */
  settle(): void {
    this.forget();
    const owner = this.owner;
    if (!owner) return;
    const next = this.next;
    const previous = this.previous;
    if (previous) previous.next = next;
    else owner.pending = next;
    if (next) next.previous = previous;
    this.cut();
  }

  /** Cuts the owner off; gives the next of its calls. */
  drop(): Pending | null {
    const next = this.next;
    this.cut();
    if (this.cancel()) this.forget();
    return next;
  }

  private cut(): void {
    this.owner = null;
    this.next = null;
    this.previous = null;
  }

  private forget(): void {
    if (this.id) Table.byId.delete(this.id);
    this.id = 0;
  }
}

class Table {
  // @ts-ignore: decorator
  @lazy static byId: Map<u32, Pending> = new Map<u32, Pending>();
}

/** The call that the host has given this number; null when it is none of ours. */
export function pendingOf(id: u32): Pending | null {
  return Table.byId.has(id) ? Table.byId.get(id) : null;
}

function dropPendingOf(owner: Context): void {
  let pending = owner.pending;
  owner.pending = null;
  while (pending) pending = pending.drop();
}
