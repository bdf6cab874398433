import type { HeaderLine } from "../types.js";
import { HeaderMap } from "./headermap.js";

export interface LocalReply {
  readonly code: number;
  /** latin1. */
  readonly body: string;
  readonly headers: readonly HeaderLine[];
  /** null: derived from the HTTP status when the request is a gRPC one. */
  readonly grpcStatus: number | null;
  readonly details: string;
}

export function isGrpc(request: HeaderMap): boolean {
  return /^application\/grpc(\+|$)/.test(request.get("content-type") ?? "");
}

/** gRPC's mapping of HTTP statuses. */
const GRPC_OF_HTTP: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};

export function grpcOfHttp(status: number): number {
  return GRPC_OF_HTTP[status] ?? 2;
}

/** Percent-encoding of grpc-message. */
function grpcMessage(text: string): string {
  return text.replace(
    /[^\x20-\x24\x26-\x7e]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** A local reply as Envoy makes it: the filter's headers first, then Envoy's own; a gRPC request gets status 200. */
export function prepareLocalReply(reply: LocalReply, request: { grpc: boolean }): { headers: HeaderMap; body: string } {
  const headers = new HeaderMap("response", [[":status", String(reply.code)], ...reply.headers]);
  if (request.grpc) {
    headers.setInPlace(":status", "200");
    headers.setInPlace("content-type", "application/grpc");
    headers.setInPlace("grpc-status", String(reply.grpcStatus ?? grpcOfHttp(reply.code)));
    if (reply.body !== "") headers.setInPlace("grpc-message", grpcMessage(reply.body));
    headers.remove("content-length");
    return { headers, body: "" };
  }
  if (reply.body === "") {
    headers.remove("content-length");
    headers.remove("content-type");
  } else {
    headers.setInPlace("content-length", String(reply.body.length));
    if (headers.get("content-type") === null) headers.setInPlace("content-type", "text/plain");
  }
  return { headers, body: reply.body };
}
