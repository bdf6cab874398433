/* Which bodies are JSON, and may be waited for: what streams in both directions would never end. */

import { HeaderMap } from "meshwasm/sdk";
import { MediaType } from "meshwasm/sdk/std/mediatype";

/** Whether a message says that its body is JSON: application/json, text/json or any type that ends with +json. */
export function hasJsonBody(headers: HeaderMap): bool {
  const given = headers.getBytes("content-type");
  if (given === null) return false;
  const type = MediaType.parse(given.dataStart, given.length);
  return (
    type !== null && (type.is("application/json") || type.is("text/json") || type.subtype.toString().endsWith("+json"))
  );
}
