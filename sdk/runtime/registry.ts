/* The filters of this module, as their files register them. Nothing here may call the host: it runs in `_initialize`. */

import { RootContext } from "../plugin";
import { StreamContext } from "../stream";

/** How to make the objects of one filter. A list, since modules have one to a few. */
export class Factory {
  next: Factory | null = null;
  isTcp: bool = false;

  constructor(
    readonly name: string,
    readonly newPlugin: () => RootContext,
    readonly newStream: () => StreamContext,
  ) {}
}

export let firstFactory: Factory | null = null;

/** Whether the module has TCP filters: where it has none, the compiler leaves out what tells them apart. */
export let tcpRegistered: bool = false;

export function addTcpFactory(factory: Factory): void {
  tcpRegistered = true;
  factory.isTcp = true;
  addFactory(factory);
}

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
