/* Envoy's internal redirects: a 302 of the upstream that the proxy follows by itself. */

import type { HeaderMap } from "./headermap.js";

/** An absolute URL of HTTP: its scheme, its host, and its path and query. */
const ABSOLUTE = /^(https?):\/\/(?:[^@/?#]*@)?([^/?#]+)(\/[^#]*)?(?:#.*)?$/;

/**
 * Makes the request of the upstream's answer to it; false: the answer goes to the client. Only 302 is followed, and only
 * from a scheme to the same.
 */
export function follow(request: HeaderMap, response: HeaderMap): boolean {
  if (response.get(":status") !== "302") return false;
  const [, scheme, host = "", path = "/"] = ABSOLUTE.exec(response.get("location") ?? "") ?? [];
  if (scheme === undefined || scheme !== request.get(":scheme")) return false;
  const original = `${scheme}://${request.get(":authority") ?? ""}${request.get(":path") ?? ""}`;
  // The router has not come to that yet.
  response.remove("x-envoy-upstream-service-time");
  request.setInPlace("x-envoy-original-url", original);
  request.setInPlace(":authority", host);
  request.setInPlace(":path", path);
  return true;
}
