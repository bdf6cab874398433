/* Where the emulator and Envoy are known to differ, with the behaviour of Envoy that causes it. The test fails when there
 * is a difference that is not listed, and when a listed one is not there. */

import type { Difference } from "./run.js";

export type Harm = "crash" | "twice" | "split";

/**
 * What a filter may not do in a phase because Envoy comes to harm: its process ends, it sends a part of a message twice,
 * or it lets a header split the response. On the emulator the test that does it fails by name.
 */
export const HARMFUL: Readonly<Record<string, Harm>> = {
  // A filter that continues what it has not stopped makes the filter manager run the same headers or trailers again.
  "request_headers continue 0": "twice",
  "response_headers continue 1": "twice",
  "response_trailers continue 1": "crash",
  // The stream is gone when the filter manager comes back from the callback.
  "response_trailers close 0": "crash",
  "response_trailers close 1": "crash",
  // The response's side has no headers yet, and Envoy follows a null pointer.
  "request_headers continue 1": "crash",
  "request_body continue 1": "crash",
  "request_trailers continue 1": "crash",
  // The stream that is to be reset or answered is being destroyed.
  ...Object.fromEntries(
    ["log", "done", "delete"].flatMap((phase) =>
      ["reply", "reply and continue", "close 0", "close 1"].map((action) => [`${phase} ${action}`, "crash"] as const),
    ),
  ),
  // Envoy 1.40 writes CR and LF in a response header's value to the client.
  "response_headers split": "split",
};

export interface KnownDifference {
  readonly where: RegExp;
  /** The Envoy behaviour that causes it. */
  readonly because: string;
  /** Default: all. */
  readonly versions?: readonly string[];
}

export const DIFFERENCES: readonly KnownDifference[] = [
  {
    where: /^vm3\.s\d+\.log proxy_get_property request\.total_size$/,
    because:
      "in proxy_on_log Envoy counts the header by which the Envoy host tells connections apart; the emulator needs none",
  },
];

/** Those of the differences that are not known, and the known ones that are not there. */
export function unknown(found: readonly Difference[], version: string): { news: Difference[]; gone: KnownDifference[] } {
  const known = DIFFERENCES.filter(({ versions }) => versions === undefined || versions.includes(version));
  return {
    news: found.filter(({ where }) => !known.some((each) => each.where.test(where))),
    gone: known.filter((each) => !found.some(({ where }) => each.where.test(where))),
  };
}
