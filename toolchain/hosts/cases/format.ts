/* What a *.case.yaml file may hold. docs/testing.md describes it. */

import * as v from "valibot";

/** An object that has no other keys; the message for one more names those that there are. */
function object<T extends v.ObjectEntries>(entries: T) {
  const known = Object.keys(entries).join(", ");
  return v.strictObject(entries, (issue) =>
    // A list is taken for an object whose keys are numbers.
    issue.expected === "never" && !Array.isArray(issue.path?.[0].input)
      ? `unknown key ${issue.received}; there are ${known}`
      : issue.received === "undefined" && issue.path !== undefined
        ? `the key ${issue.expected} is missing`
        : `must be an object with ${known}`,
  );
}

const text = v.string((issue) =>
  /^(\d|true|false)/.test(issue.received) ? `must be text; write "${issue.received}" in quotes` : "must be text",
);
const flag = v.boolean("must be true or false");
const whole = (least: number, what: string) =>
  v.pipe(v.number(what), v.integer(what), v.minValue(least, what), v.safeInteger(what));
const milliseconds = v.pipe(v.number("must be milliseconds"), v.minValue(0, "must be milliseconds"));
const bytes = v.union([text, v.instance(Uint8Array)], "must be text, or !!binary with base64");

const pattern = v.pipe(
  text,
  v.check((source) => isPattern(source), "is no regular expression"),
  v.transform((source) => new RegExp(source)),
);
function isPattern(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}

const match = v.union(
  [
    text,
    v.pipe(
      object({ matches: pattern }),
      v.transform(({ matches }) => matches),
    ),
  ],
  'must be text or { matches: "pattern" }',
);
const record = <T extends v.GenericSchema>(value: T) => v.record(v.string(), value, "must be an object");
const headers = record(v.union([text, v.array(text)], "must be text or a list of texts"));
const headersMatch = record(v.union([match, v.null()], 'must be text, { matches: "pattern" } or null'));

const request = object({
  method: v.optional(text),
  path: v.optional(text),
  authority: v.optional(text),
  headers: v.optional(headers),
  body: v.optional(bytes),
  json: v.optional(v.unknown()),
  trailers: v.optional(headers),
  timeout: v.optional(milliseconds),
});

const message = {
  headers: v.optional(headersMatch),
  body: v.optional(v.union([match, v.instance(Uint8Array)], 'must be text, { matches: "pattern" } or !!binary')),
  json: v.optional(v.unknown()),
  trailers: v.optional(headersMatch),
};
const expected = object({
  status: v.optional(whole(100, "must be a status")),
  ...message,
  upstream: v.optional(
    v.nullable(object({ method: v.optional(text), path: v.optional(match), authority: v.optional(match), ...message })),
  ),
  logs: v.optional(v.array(match, "must be a list")),
  /** Counters and gauges by name. */
  metrics: v.optional(record(v.number("must be a number"))),
  /** The request gets no answer, and this is why. */
  error: v.optional(match),
});

const answer = object({
  status: v.optional(whole(100, "must be a status")),
  headers: v.optional(headers),
  body: v.optional(bytes),
  json: v.optional(v.unknown()),
  trailers: v.optional(headers),
  delay: v.optional(milliseconds),
  reset: v.optional(v.literal(true, "must be true or left out")),
});
const grpc = object({
  metadata: v.optional(headers),
  messages: v.optional(v.array(bytes, "must be a list")),
  status: v.optional(whole(0, "must be a gRPC status")),
  message: v.optional(text),
  trailers: v.optional(headers),
  reset: v.optional(v.literal(true, "must be true or left out")),
});
/** Which kind of cluster it is shows in its keys, so that a mistake in it is told for that kind. */
const cluster = v.lazy((input) => {
  const has = (key: string): boolean => typeof input === "object" && input !== null && key in input;
  if (has("grpc")) return object({ grpc });
  if (has("refuses")) return object({ refuses: v.literal(true, "must be true") });
  if (has("hosts")) return object({ hosts: v.literal(false, "must be false") });
  return answer;
});

const step = v.lazy((input) => {
  const has = (key: string): boolean => typeof input === "object" && input !== null && key in input;
  if (has("advance")) return object({ advance: milliseconds });
  if (has("tick")) return object({ tick: v.literal(true, "must be true") });
  if (has("reconfigure")) return object({ reconfigure: v.unknown(), refused: v.optional(match) });
  if (has("cluster")) return object({ cluster: text, becomes: cluster });
  return object({ request: v.optional(request), expected: v.optional(expected) });
});

const options = object({
  rootId: v.optional(text),
  vmId: v.optional(text),
  vmConfig: v.optional(v.unknown()),
  env: v.optional(record(text)),
  concurrency: v.optional(whole(1, "must be a number of workers")),
  failurePolicy: v.optional(v.picklist(["FAIL_RELOAD", "FAIL_CLOSED", "FAIL_OPEN"])),
  capabilities: v.optional(v.array(text)),
  allowStopIteration: v.optional(flag),
  downstream: v.optional(v.picklist(["http1", "http2"], "must be http1 or http2")),
  tls: v.optional(flag),
  logLevel: v.optional(v.picklist(["trace", "debug", "info", "warn", "error", "critical"])),
  connectionManager: v.optional(
    object({
      normalizePath: v.optional(flag),
      mergeSlashes: v.optional(flag),
      pathWithEscapedSlashesAction: v.optional(
        v.picklist(["KEEP_UNCHANGED", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"]),
      ),
      trustedHops: v.optional(whole(0, "must be a number of hops")),
      useRemoteAddress: v.optional(flag),
    }),
  ),
  route: v.optional(
    object({
      retries: v.optional(whole(0, "must be a number of retries")),
      internalRedirects: v.optional(whole(0, "must be a number of redirects")),
    }),
  ),
});

/** What a case says, or the file for all of its cases. */
const settings = {
  config: v.optional(v.unknown()),
  options: v.optional(options),
  upstream: v.optional(answer),
  clusters: v.optional(record(cluster)),
  needs: v.optional(v.array(v.picklist(["clock", "envoy"], 'must be "clock" or "envoy"'), "must be a list")),
};
const behaviour = {
  request: v.optional(request),
  expected: v.optional(expected),
  steps: v.optional(v.array(step, "must be a list")),
  /** The filter refuses the configuration, and this is why. */
  refused: v.optional(match),
};
const oneCase = object({ name: v.optional(text), ...settings, ...behaviour });
const list = v.pipe(v.array(oneCase, "must be a list"), v.minLength(1, "must hold a case"));

export const severalCases = object({ ...settings, cases: list });
export const singleCase = oneCase;

export type CaseInput = v.InferOutput<typeof oneCase>;
export type CasesInput = v.InferOutput<typeof severalCases>;
export type StepInput = v.InferOutput<typeof step>;
export type ExpectedInput = v.InferOutput<typeof expected>;
export type RequestCase = v.InferOutput<typeof request>;
export type AnswerInput = v.InferOutput<typeof answer>;
export type ClusterInput = v.InferOutput<typeof cluster>;
