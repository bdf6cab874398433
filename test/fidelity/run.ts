/* Plays a scenario on a host and gives its transcript, free of what differs from run to run. */

import { setTimeout as sleep } from "node:timers/promises";
import { createProxy, type HostName, type Proxy } from "../../toolchain/hosts/index.js";
import { HARMFUL } from "./differences.js";
import type { Scenario } from "./scenarios.js";

/** What was seen, by where: a variant of a call in a phase, or a part of an exchange. */
export type Transcript = ReadonlyMap<string, string>;

const VOLATILE: readonly [RegExp, string][] = [
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID"],
  [/(Mon|Tue|Wed|Thu|Fri|Sat|Sun),.{0,6}\d\d.{1,3}\w{3}.{1,3}\d{4}.{1,3}\d\d:\d\d:\d\d.{1,3}GMT/g, "DATE"],
  [/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT"],
  [/(x-envoy-upstream-service-time(: |=))\d+/g, "$1N"],
  // Of 15 seconds, what former attempts have left.
  [/(x-envoy-expected-rq-timeout-ms(: |=))1[45]\d{3}/g, "$1N"],
  // What the Envoy host adds to tell connections apart.
  [/,?x-meshwasm-connection=\d+/g, ""],
];

const stable = (text: string): string => VOLATILE.reduce((s, [pattern, put]) => s.replace(pattern, put), text);

export async function transcribe(
  scenario: Scenario,
  host: HostName,
  probe: string,
  envoyVersion?: string,
): Promise<Transcript> {
  const seen = new Map<string, string>();
  const write = (key: string, value: string): void => void seen.set(key, stable(value));
  const { beside, ...options } = scenario.options;
  const start = (): Promise<Proxy> =>
    createProxy({
      ...options,
      ...(beside === undefined
        ? {}
        : { plugins: [{ filter: probe, name: "beside", rootId: "beside", vmId: beside, vmConfig: options.vmConfig }] }),
      ...(envoyVersion === undefined ? {} : { envoyVersion }),
      host,
      filter: probe,
      name: "probe",
      rootId: "root of the probe",
    });
  let proxy: Proxy;
  try {
    proxy = await start();
  } catch {
    write("start", "refused");
    return seen;
  }
  const messages: string[] = [];
  const collect = (): void => void messages.push(...withoutHarm(proxy.logs().map(({ message }) => message)));
  try {
    write("start", "taken");
    await scenario.play(proxy, write, async () => {
      collect();
      await proxy.close().catch(() => {});
      return (proxy = await start());
    });
    await settled(proxy);
    collect();
    readLines(messages, seen);
  } finally {
    await proxy.close().catch(() => {});
  }
  return seen;
}

/** Drops the streams that did harm: what came of them is not to be compared. */
function withoutHarm(messages: readonly string[]): string[] {
  const contexts = messages.flatMap((message) => {
    const [, context, phase, action] = /^§(\S+)\.(\w+)(?:#\d+)? will\|(.+)=0$/.exec(message) ?? [];
    return HARMFUL[`${phase} ${action}`] === undefined ? [] : [`§${context}.`];
  });
  return messages.filter((message) => !contexts.some((context) => message.startsWith(context)));
}

/** Waits until the probe writes nothing more. */
async function settled(proxy: Proxy): Promise<void> {
  for (let count = -1, tries = 0; tries < 50; tries++) {
    const now = proxy.logs().length;
    if (now === count) return;
    count = now;
    await sleep(150);
  }
}

function readLines(messages: readonly string[], seen: Map<string, string>): void {
  const orders = new Map<string, string[]>();
  // Three VMs make their root before they have counted themselves: told apart by which time it is.
  const times = new Map<string, number>();
  const unique = (key: string): string => {
    const count = (times.get(key) ?? 0) + 1;
    times.set(key, count);
    return count === 1 ? key : `${key} (${count})`;
  };
  for (const message of messages) {
    if (!message.startsWith("§")) continue;
    const [head = "", ...variants] = message.slice(1).split("|");
    const [where = "", what = ""] = head.split(" ");
    if (variants.length === 0) {
      // When a queue wakes a VM is up to its thread.
      if (where.includes("queue_ready")) seen.set(unique("queue_ready"), "");
      else {
        const context = where.slice(0, where.lastIndexOf("."));
        orders.set(context, [...(orders.get(context) ?? []), where.slice(context.length + 1)]);
      }
    }
    for (const variant of variants) {
      const at = variant.indexOf("=");
      seen.set(unique(`${where} ${what} ${variant.slice(0, at)}`), stable(variant.slice(at + 1)));
    }
  }
  // Callouts are answered in no order.
  if ([...orders.values()].flat().includes("http_call_response"))
    for (const key of orders.keys()) if (key.includes("root")) orders.delete(key);
  for (const [context, phases] of orders) seen.set(`order of ${context}`, phases.join(" "));
}

/** A place at which two hosts differ, and what each has there. */
export interface Difference {
  readonly scenario: string;
  readonly where: string;
  readonly emulator: string | null;
  readonly envoy: string | null;
}

export function compare(scenario: string, emulator: Transcript, envoy: Transcript): Difference[] {
  const keys = new Set([...envoy.keys(), ...emulator.keys()]);
  return [...keys].flatMap((where) => {
    const [ours, theirs] = [emulator.get(where) ?? null, envoy.get(where) ?? null];
    return ours === theirs ? [] : [{ scenario, where, emulator: ours, envoy: theirs }];
  });
}
