/* Envoy's retries of a callout, which the filter asks for by headers that Envoy keeps for itself. */

import type { UpstreamRequest } from "../types.js";
import type { Answer } from "./clusters.js";
import { Lines } from "../headers.js";
import type { HeaderMap } from "./headermap.js";

export class Retries {
  #left: number;

  private constructor(
    private readonly on: ReadonlySet<string>,
    most: number,
  ) {
    this.#left = on.size ? most : 0;
  }

  /** Takes the headers out of the request. */
  static take(headers: HeaderMap): Retries {
    const on = new Set((headers.get("x-envoy-retry-on") ?? "").split(",").filter((policy) => policy !== ""));
    const most = Number(headers.get("x-envoy-max-retries") ?? 1);
    for (const name of ["x-envoy-retry-on", "x-envoy-max-retries"]) headers.remove(name);
    return new Retries(on, Number.isSafeInteger(most) ? most : 1);
  }

  /** Whether the answer is not taken and the request sent once more. */
  again(answer: Answer): boolean {
    if (this.#left <= 0 || !this.#covers(answer)) return false;
    this.#left--;
    return true;
  }

  #covers(answer: Answer): boolean {
    const { on } = this;
    if ("response" in answer) {
      const status = answer.response.status ?? 200;
      return (on.has("5xx") && status >= 500) || (on.has("gateway-error") && [502, 503, 504].includes(status));
    }
    if ("refused" in answer) return on.has("5xx") || on.has("connect-failure") || on.has("reset");
    return on.has("5xx") || on.has("reset");
  }

  /** Envoy 1.40 sends a request without a body once more as one with an empty chunked body. */
  static repeated(request: UpstreamRequest): UpstreamRequest {
    if (request.headers.has("content-length") || request.headers.has("transfer-encoding")) return request;
    return { ...request, headers: new Lines([...request.headers, ["transfer-encoding", "chunked"]]) };
  }
}
