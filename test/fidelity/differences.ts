/* Where the emulator and Envoy are known to differ, with the behaviour of Envoy that causes it. The test fails when there
 * is a difference that is not listed, and when a listed one is not there. */

import type { Difference } from "./run.js";

export type Harm = "crash" | "twice" | "split" | "framing";

/**
 * What a filter may not do in a phase because Envoy comes to harm: its process ends, it sends a part of a message twice,
 * it lets a header split the response, or sends a message whose length is not what it says. On the emulator the test that does it fails by name.
 */
export const HARMFUL: Readonly<Record<string, Harm>> = {
  // A filter that continues what it has not stopped makes the filter manager run the same headers or trailers again.
  "context_create continue 0": "twice",
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
  "request_headers reply then continue 1": "crash",
  "request_body reply then continue 1": "crash",
  "request_trailers reply then continue 1": "crash",
  // The stream that is to be reset or answered is being destroyed.
  ...Object.fromEntries(
    ["log", "done", "delete"].flatMap((phase) =>
      ["reply", "reply and continue", "close 0", "close 1"].map((action) => [`${phase} ${action}`, "crash"] as const),
    ),
  ),
  // Envoy 1.40 writes CR and LF in a response header's value to the client.
  "response_headers split": "split",
  // It sends what a filter writes of a message's framing: the receiver refuses it, waits, or takes the rest for another one.
  ...Object.fromEntries(
    ["put", "add"].flatMap((how) =>
      [
        "request_headers HOW 0 transfer-encoding: chunked",
        ...(how === "add" ? ["request_headers HOW 0 :method: PUT"] : []),
        ...["0 content-length: 3", "0 content-length: x"].map((line) => `request_headers HOW ${line}`),
        ...["2 content-length: 3", "2 content-length: x"].map((line) => `response_headers HOW ${line}`),
      ].map((key) => [key.replace("HOW", how), "framing"] as const),
    ),
  ),
  "response_headers put 2 :status: 204": "framing",
  "response_headers put 2 :status: 304": "framing",
};

/**
 * Host functions that the probe goes without. Versions before 1.39 have not all of the newest's, which the emulator has:
 * they refuse a module that imports them.
 */
const BEFORE_1_39 = [
  ..."fd_advise fd_allocate fd_datasync fd_fdstat_set_rights fd_filestat_get fd_filestat_set_size".split(" "),
  ..."fd_filestat_set_times fd_pread fd_pwrite fd_readdir fd_renumber fd_sync fd_tell clock_res_get".split(" "),
  ..."path_create_directory path_filestat_get path_filestat_set_times path_link path_readlink".split(" "),
  ..."path_remove_directory path_rename path_symlink path_unlink_file".split(" "),
  ..."sock_accept sock_recv sock_send sock_shutdown".split(" "),
];
export const WITHOUT: Readonly<Record<string, readonly string[]>> = {
  "1.36.4": BEFORE_1_39,
  "1.37.0": BEFORE_1_39,
  "1.38.2": BEFORE_1_39,
  // A query for the empty name crashes it now and then.
  "1.39.3": ["envoy_resolve_dns"],
};

export interface KnownDifference {
  readonly where: RegExp;
  /** Default: all. */
  readonly scenario?: RegExp;
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
  {
    where: /^vm3\.s2\.request_headers proxy_get_property request\.total_size$/,
    scenario: /that is redirected/,
    because: "the same header stands in the request when it comes again",
  },
  {
    where: /\.log proxy_get_property request\.(url_path|query)$/,
    because: "before 1.37 the path of a request that was none is empty, not missing",
    versions: ["1.36.4"],
  },
  {
    where: / poll_oneoff good$/,
    because: "before 1.39 poll_oneoff is not there but in name: ENOSYS",
    versions: ["1.36.4", "1.37.0", "1.38.2"],
  },
  {
    where: / proxy_call_foreign_function sign \w+$/,
    because: "the foreign function sign is new in 1.37",
    versions: ["1.36.4"],
  },
  {
    where: / proxy_call_foreign_function verify_signature empty$/,
    because: "before 1.37 verify_signature looks at the hash function first and does not mind that there is no key",
    versions: ["1.36.4"],
  },
];

/** Those of the differences that are not known, and the known ones that are not there. */
export function unknown(
  found: readonly Difference[],
  version: string,
): { news: Difference[]; gone: KnownDifference[] } {
  const is = (each: KnownDifference, { where, scenario }: Difference): boolean =>
    each.where.test(where) && (each.scenario?.test(scenario) ?? true);
  const known = DIFFERENCES.filter(({ versions }) => versions === undefined || versions.includes(version));
  return {
    news: found.filter((one) => !known.some((each) => is(each, one))),
    gone: known.filter((each) => !found.some((one) => is(each, one))),
  };
}
