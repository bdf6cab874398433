import { AssertionError } from "node:assert";
import { createProxy } from "../create.js";
import { toLines } from "../headers.js";
import { needing, type RunnerTest } from "../needs.js";
import type { ClusterScript, Proxy, ProxyOptions, RequestInput, TextMatch, UpstreamResponse } from "../types.js";
import type { AnswerInput, CaseInput, ClusterInput, ExpectedInput, RequestCase, StepInput } from "./format.js";
import { readCases, type Case } from "./read.js";

/**
 * Makes a test of each case in a *.case.yaml file, by the `test` of any runner. Throws when the file is wrong, with
 * the line.
 */
export function caseTests(test: RunnerTest, file: string): void {
  const { project, cases } = readCases(file);
  for (const each of cases) {
    const define = needing(test, each.input.needs ?? []) as unknown as (name: string, run: () => Promise<void>) => void;
    define(`${each.name} (${each.place})`, () => runCase(project, each));
  }
}

/** Runs one case on a proxy of its own. */
async function runCase(project: string, { input, place }: Case): Promise<void> {
  const options: ProxyOptions = { filter: project, config: input.config, ...settingsOf(input) };
  try {
    if (input.refused !== undefined) return await mustRefuse(() => createProxy(options), input.refused);
    const { request, expected } = input;
    const proxy = await createProxy(options);
    try {
      for (const step of input.steps ?? [{ request, expected }]) await runStep(proxy, step);
    } finally {
      await proxy.close();
    }
  } catch (error) {
    // The stack leads into this file; the reader wants the case's line.
    if (error instanceof Error) error.message = `${place}: ${error.message}`;
    throw error;
  }
}

function settingsOf(input: CaseInput): ProxyOptions {
  const { upstream, clusters = {}, needs, options = {} } = input;
  return {
    ...options,
    needs,
    ...(upstream === undefined ? {} : { upstream: () => answerOf(upstream) }),
    clusters: Object.fromEntries(Object.entries(clusters).map(([name, cluster]) => [name, scriptOf(cluster)])),
  };
}

async function runStep(proxy: Proxy, step: StepInput): Promise<void> {
  if ("advance" in step) return proxy.advance(step.advance);
  if ("tick" in step) return proxy.tick();
  if ("cluster" in step) return proxy.cluster(step.cluster, scriptOf(step.becomes));
  if ("reconfigure" in step) {
    const { reconfigure, refused } = step;
    return refused === undefined
      ? proxy.reconfigure(reconfigure)
      : mustRefuse(() => proxy.reconfigure(reconfigure), refused);
  }
  const { request = {}, expected = {} } = step;
  await exchange(proxy, requestOf(request), expected);
}

async function exchange(proxy: Proxy, input: RequestInput, expected: ExpectedInput): Promise<void> {
  const { metrics, error, ...rest } = expected;
  if (error !== undefined) return mustRefuse(() => proxy.request(input), error);
  const response = await proxy.request(input);
  response.expect(rest);
  if (metrics === undefined) return;
  const counted = await proxy.metrics();
  const wrong = Object.entries(metrics).flatMap(([name, value]) => {
    const got = counted.counter(name) ?? counted.gauge(name);
    return got === value ? [] : [`metric ${name}: expected ${value}, got ${got ?? "none"}`];
  });
  if (wrong.length > 0) throw new AssertionError({ message: `${wrong.join("\n")}\n\n${response.toString()}` });
}

/** The action must fail, and its message must hold the text or match the pattern. */
async function mustRefuse(action: () => Promise<unknown>, match: TextMatch): Promise<void> {
  let result: unknown;
  try {
    result = await action();
  } catch (error) {
    const { message } = error as Error;
    if (typeof match === "string" ? message.includes(match) : match.test(message)) return;
    throw new AssertionError({ message: `expected an error with ${String(match)}, got ${JSON.stringify(message)}` });
  }
  if (isProxy(result)) await result.close();
  throw new AssertionError({
    message: `expected an error with ${String(match)}, got none${isProxy(result) || result === undefined ? "" : `\n\n${String(result)}`}`,
  });
}

function isProxy(value: unknown): value is Proxy {
  return typeof value === "object" && value !== null && "close" in value;
}

/** A JSON body says so in its content type, unless the case does. */
function withJson<T extends Pick<RequestCase, "headers" | "body" | "json">>(
  input: T,
): Omit<T, "json"> & { headers?: [string, string][]; body?: string | Uint8Array } {
  const { json, ...rest } = input;
  const lines = toLines(input.headers).map(([name, value]): [string, string] => [name, value]);
  if (json === undefined) return { ...rest, headers: lines };
  if (!lines.some(([name]) => name.toLowerCase() === "content-type")) lines.push(["content-type", "application/json"]);
  return { ...rest, headers: lines, body: JSON.stringify(json) };
}

function requestOf(input: RequestCase): RequestInput {
  const made = withJson(input);
  return made.body !== undefined && made.method === undefined ? { ...made, method: "POST" } : made;
}

function answerOf(input: AnswerInput): UpstreamResponse {
  return withJson(input);
}

function scriptOf(input: ClusterInput): ClusterScript {
  if ("refuses" in input) return { refuses: true };
  if ("hosts" in input) return { hosts: false };
  if (!("grpc" in input)) return () => answerOf(input);
  const { metadata, messages = [], reset, ...end } = input.grpc;
  return {
    grpc: async (call) => {
      for await (const _ of call.messages);
      if (metadata !== undefined) call.sendMetadata(metadata);
      for (const message of messages) call.send(typeof message === "string" ? Buffer.from(message) : message);
      if (reset) call.reset();
      else call.finish(end);
    },
  };
}
