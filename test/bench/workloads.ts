/* What is measured: two workloads, one request that both get, and how an answer shows that a filter does its work. */

import type { Line } from "./load.js";

export type WorkloadId = "a" | "b";

export interface Workload {
  readonly id: WorkloadId;
  readonly text: string;
  /** What is sent, in turn; default the request that all workloads get. */
  readonly requests?: readonly (readonly Line[])[];
  /** Request headers that the filter sets; the route to VERIFY_PATH gives them back as response headers. */
  readonly sets: readonly string[];
  /** The value that each must have. */
  expected(name: string): string;
  /** Response header that the filter adds. */
  readonly adds: string | null;
  /** Response header that the route adds and the filter removes. */
  readonly removes: string | null;
}

export const LOAD_PATH = "/shop/items?page=2";
export const VERIFY_PATH = "/verify";
/** Prefix of the response headers that give request headers back. */
export const ECHO = "x-echo-";

/** What a browser sends through a gateway, in size and number. */
const LINES: readonly Line[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":authority", "shop.example.test"],
  ["user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"],
  ["accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"],
  ["accept-language", "en-GB,en;q=0.9,de;q=0.7"],
  ["accept-encoding", "gzip, deflate, br, zstd"],
  ["cookie", "session=6f1c2b7e9a3d4c58; theme=dark"],
  ["authorization", `Bearer ${"c2Vzc2lvbi10b2tlbi1mb3ItYmVuY2g".repeat(4)}`],
  ["x-request-id", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"],
  ["x-tenant", "acme"],
];

export function requestTo(path: string): readonly Line[] {
  return [[":path", path], ...LINES];
}

function value(name: string): string {
  return requestTo(VERIFY_PATH).find((line) => line[0] === name)![1];
}

/** What workload B sets: the header, and the one whose value it gets. */
export const COPIED: readonly (readonly [name: string, from: string])[] = [
  ["x-bench-path", ":path"],
  ["x-bench-tenant", "x-tenant"],
  ["x-bench-id", "x-request-id"],
];

export const WORKLOADS: readonly Workload[] = [
  {
    id: "a",
    text: "read one request header, set one, add and remove a response header",
    sets: ["x-bench-tenant"],
    expected: () => value("x-tenant"),
    adds: "x-bench-added",
    removes: "x-bench-removed",
  },
  {
    id: "b",
    text: "read six request headers, set three",
    sets: COPIED.map(([name]) => name),
    expected: (name) => value(COPIED.find((pair) => pair[0] === name)![1]),
    adds: null,
    removes: null,
  },
];
