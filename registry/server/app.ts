import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import {
  beginUpload,
  cancelUpload,
  continueUpload,
  deleteBlob,
  finishUpload,
  readBlob,
  uploadStatus,
} from "./blobs.js";
import type { Call } from "./call.js";
import { SpecError } from "./errors.js";
import { listReferrers, listRepositories, listTags } from "./lists.js";
import { deleteManifest, putManifest, readManifest } from "./manifests.js";
import { parseRoute, type Route } from "./route.js";
import type { Store } from "./store.js";
import type { Uploads } from "./uploads.js";

export interface AppOptions {
  readonly store: Store;
  readonly uploads: Uploads;
  readonly readOnly: boolean;
  /** Told in one line of what should not have happened, such as a failing disk. */
  readonly log: (line: string) => void;
}

/** The distribution API. Pages beside it (a catalogue) can be added to the Hono app that this returns. */
export function createApp(options: AppOptions): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.all("/v2", (c) => c.redirect("/v2/", 308));
  app.all("/v2/*", async (c) => {
    const url = new URL(c.req.raw.url);
    const call: Call = {
      method: c.req.method,
      incoming: c.env.incoming,
      outgoing: c.env.outgoing,
      header: (name) => c.req.raw.headers.get(name),
      query: (name) => url.searchParams.get(name),
      queryAll: (name) => url.searchParams.getAll(name),
    };
    try {
      const route = parseRoute(url.pathname);
      if (!route) throw new SpecError("UNSUPPORTED", "the registry has no such path", { status: 404 });
      return await dispatch(route, call, options);
    } catch (error) {
      return failure(error, call, options.log);
    }
  });
  return app;
}

function failure(error: unknown, call: Call, log: AppOptions["log"]): Response {
  if (error instanceof SpecError) return error.toResponse();
  // The client is gone; the answer goes nowhere and it is no fault of ours.
  if (call.incoming.destroyed && !call.incoming.complete) return new Response(null, { status: 400 });
  const code = (error as NodeJS.ErrnoException).code;
  log(`registry: ${call.method} ${JSON.stringify(call.incoming.url)} failed: ${String(error)}`);
  const full = code === "ENOSPC" || code === "EDQUOT";
  const message = full ? "the registry's disk is full" : "the registry failed; see its log";
  return new SpecError("UNSUPPORTED", message, { status: full ? 507 : 500 }).toResponse();
}

function dispatch(route: Route, call: Call, options: AppOptions): Promise<Response> | Response {
  const { store, uploads } = options;
  const isRead = call.method === "GET" || call.method === "HEAD";
  if (options.readOnly && !isRead) throw new SpecError("DENIED", "this registry is read-only");
  const { method } = call;
  switch (route.kind) {
    case "base":
      if (isRead) return new Response("{}", { headers: { ...BASE, "content-type": "application/json" } });
      break;
    case "catalog":
      if (isRead) return listRepositories(store, call);
      break;
    case "tags":
      if (isRead) return listTags(store, route.repository, call);
      break;
    case "referrers":
      if (isRead) return listReferrers(store, route.repository, route.digest, call);
      break;
    case "blob":
      if (isRead) return readBlob(store, route.repository, route.digest, call);
      if (method === "DELETE") return deleteBlob(store, route.repository, route.digest);
      break;
    case "manifest":
      if (isRead) return readManifest(store, route, call);
      if (method === "PUT") return putManifest(store, route, call);
      if (method === "DELETE") return deleteManifest(store, route);
      break;
    case "uploads":
      if (method === "POST") return beginUpload(store, uploads, route.repository, call);
      break;
    case "upload":
      if (isRead) return uploadStatus(uploads, route.repository, route.id);
      if (method === "PATCH") return continueUpload(uploads, route.repository, route.id, call);
      if (method === "PUT") return finishUpload(uploads, route.repository, route.id, call);
      if (method === "DELETE") return cancelUpload(uploads, route.repository, route.id);
      break;
  }
  throw new SpecError("UNSUPPORTED", `${method} is not possible here`, { status: 405 });
}

const BASE = { "docker-distribution-api-version": "registry/2.0" };
