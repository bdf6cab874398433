import { BUFFER_CALLS } from "./buffercalls.js";
import { CALLOUT_CALLS } from "./callouts.js";
import { DNS_CALLS } from "./dns.js";
import { FOREIGN_CALLS } from "./foreign.js";
import { GRPC_CALLS } from "./grpc.js";
import { HEADER_CALLS } from "./headercalls.js";
import { METRIC_CALLS, WIDE_METRIC_CALLS } from "./metrics.js";
import { PROPERTY_CALLS } from "./propertycalls.js";
import { SHARED_CALLS } from "./shared.js";
import { STREAM_CALLS } from "./streamcalls.js";
import { SYSTEM_CALLS } from "./systemcalls.js";
import type { HostCall, WideHostCall } from "./vm.js";

/** The functions of module `env`. One that is missing here loads, and fails the test when called. */
export const HOST_CALLS: Readonly<Record<string, HostCall>> = {
  ...SYSTEM_CALLS,
  ...STREAM_CALLS,
  ...HEADER_CALLS,
  ...BUFFER_CALLS,
  ...PROPERTY_CALLS,
  ...CALLOUT_CALLS,
  ...GRPC_CALLS,
  ...SHARED_CALLS,
  ...METRIC_CALLS,
  ...FOREIGN_CALLS,
  ...DNS_CALLS,
};

/** Those with a 64-bit argument. */
export const WIDE_HOST_CALLS: Readonly<Record<string, WideHostCall>> = WIDE_METRIC_CALLS;
