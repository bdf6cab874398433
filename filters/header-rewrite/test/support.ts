import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  createProxy,
  type Proxy,
  type ProxyOptions,
  type ProxyResponse,
  type RequestInput,
  type UpstreamRequest,
  type UpstreamResponse,
} from "meshwasm/testing";

export const filter = fileURLToPath(new URL("..", import.meta.url));
/** See http2.test.ts. */
export const DOWNSTREAM = process.env["HEADER_REWRITE_DOWNSTREAM"] === "http2" ? "http2" : "http1";
export type Line = readonly [name: string, value: string];

/** A proxy with the filter, and an upstream whose answer a test can change. */
export class Subject {
  answer: UpstreamResponse = {};
  private constructor(readonly proxy: Proxy) {}

  static async start(options: ProxyOptions = {}): Promise<Subject> {
    let subject: Subject | null = null;
    const proxy = await createProxy({
      filter,
      config: {},
      downstream: DOWNSTREAM,
      upstream: () => subject?.answer ?? {},
      ...options,
    });
    subject = new Subject(proxy);
    return subject;
  }

  /** Sends a request under a configuration; it must reach the upstream. */
  async pass(
    config: unknown,
    input: RequestInput = {},
    answer: UpstreamResponse = {},
  ): Promise<{ request: UpstreamRequest; response: ProxyResponse }> {
    const response = await this.send(config, input, answer);
    assert.ok(response.upstream, `answered by the proxy: ${response.toString()}`);
    return { request: response.upstream, response };
  }

  async send(config: unknown, input: RequestInput = {}, answer: UpstreamResponse = {}): Promise<ProxyResponse> {
    await this.proxy.reconfigure(config);
    this.answer = answer;
    return this.proxy.request(input);
  }

  close(): Promise<void> {
    return this.proxy.close();
  }
}
