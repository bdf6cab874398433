/* The filters of this module, as their files register them. Nothing here may call the host: it runs in `_initialize`. */

import { HttpContext } from "../http";
import { RootContext } from "../plugin";

/** How to make the objects of one filter. A list, since modules have one to a few. */
export class Factory {
  next: Factory | null = null;

  constructor(
    readonly name: string,
    readonly newPlugin: () => RootContext,
    readonly newStream: () => HttpContext,
  ) {}
}

export let firstFactory: Factory | null = null;

export function addFactory(factory: Factory): void {
  factory.next = firstFactory;
  firstFactory = factory;
}

/** Whether root_id has to choose. */
export function hasSeveral(): bool {
  const first = firstFactory;
  return first != null && first.next != null;
}

/** The factory for a plugin's root_id: the only one there is, else the one of that name. */
export function factoryFor(rootId: string): Factory | null {
  if (!hasSeveral()) return firstFactory;
  let factory = firstFactory;
  while (factory && factory.name != rootId) factory = factory.next;
  return factory;
}
