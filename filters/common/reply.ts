/* Answers in place of the upstream. Nothing of the request is in them. */

import { GrpcStatus, HeaderLines, HttpContext } from "meshwasm/sdk";

/** Answers with a problem (RFC 9457); a gRPC call ends with `grpcStatus`. `details` shows in access logs. */
export function denyWith(
  stream: HttpContext,
  status: u32,
  title: string,
  details: string,
  grpcStatus: GrpcStatus,
): void {
  const body = `{"type":"about:blank","title":"${title}","status":${status}}\n`;
  stream.sendLocalResponse(
    status,
    body,
    new HeaderLines().add("content-type", "application/problem+json"),
    details,
    grpcStatus,
  );
}
