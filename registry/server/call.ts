import type { IncomingMessage, ServerResponse } from "node:http";

/** A request as the handlers see it: bodies are Node streams, so that an upload is never held in memory. */
export interface Call {
  readonly method: string;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  header(name: string): string | null;
  query(name: string): string | null;
  queryAll(name: string): string[];
}
