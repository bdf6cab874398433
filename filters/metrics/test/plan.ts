/**
 * What is tested, by number. A test's name begins with the number of its line; test/library/plans.test.ts fails for one without a test.
 * Lines of the checklist for telemetry that are about access logs and traces are not this filter's.
 */
export const PLAN: Readonly<Record<string, string>> = {
  "TM-1": "a value that looks like another label stays a value",
  "TM-2": "line breaks and quotes in a value reach no exposition format",
  "TM-3": "a million distinct values make no more series than are allowed, and all are counted",
  "TM-4": "histograms: milliseconds and bytes",
  "TM-5": "the duration of a response that streams is that of the whole",
  "TM-6": "a request that the client resets is counted, with duration and flag",
  "TM-7": "a request that times out is counted (408)",
  "TM-8": "gRPC status from trailers, and from headers when there are no trailers",
  "TM-9": "what an earlier filter answers is counted",
  "TM-10": "counts go on when the module is loaded again",
  "TM-11": "response flags by their names",
  "TM-12": "sizes with content-length and chunked",
  "TM-13": "the presets: names and labels",
  "TM-14": "routes by template, Envoy's route name without any",
  "TM-15": "own metrics: counter, gauge and histogram, by selector and by CEL, under conditions",
  "TM-16": "nothing is changed; shadow counts, off does not",
  "TM-17": "Prometheus reads it: names, labels, values",
  "TM-18": "Envoy's own counters say the same",
  "TM-19": "every wrong configuration is refused with its path",
  "TM-20": "the configurations of the README are taken",
  "TM-21": "requests that are not over",
  "TM-22": "where the host has no CEL, a configuration with CEL is refused and others are not",
  "TM-23": "random messages and configurations never trap",
  "TM-24":
    "a value of the request's JSON body: labels, conditions and amounts; any other body, one too large or none has no value",
};
