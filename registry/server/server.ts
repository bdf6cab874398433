import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import { createApp } from "./app.js";
import { RegistryServerError } from "./errors.js";
import { Store } from "./store.js";
import { Uploads } from "./uploads.js";

export interface RegistryServerOptions {
  /** The folder that holds everything; made when it is not there. */
  readonly root: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Answer reads only. */
  readonly readOnly?: boolean;
  /** Largest blob in bytes. Default 1 GiB. */
  readonly maxBlobBytes?: number;
  /** Milliseconds without a byte in either direction after which a connection is closed. Default 60 s. */
  readonly idleTimeoutMs?: number;
  /** Told in one line of failures inside the server. Default: standard error. */
  readonly log?: (line: string) => void;
}

export interface RegistryServer {
  readonly url: string;
  readonly port: number;
  /** Ends open connections and waits until all is on disk. */
  close(): Promise<void>;
}

/** Starts an OCI distribution server. One server at a time may write to a root; `readOnly` ones may stand beside it. */
export async function createRegistryServer(options: RegistryServerOptions): Promise<RegistryServer> {
  const host = options.host ?? "127.0.0.1";
  const store = new Store(options.root);
  const uploads = new Uploads(store, options.maxBlobBytes ?? 1 << 30);
  const log = options.log ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const app = createApp({ store, uploads, readOnly: options.readOnly ?? false, log });
  let opened = (): void => {};
  const ready = new Promise<void>((resolve) => (opened = resolve));
  const server = createAdaptorServer({
    fetch: (request, env) => ready.then(() => app.fetch(request, env as HttpBindings)),
    // The library would put its own Request and Response over Node's, for everything in the process.
    overrideGlobalObjects: false,
  }) as Server;
  // A large upload over a slow line may take long; what must not be is a connection on which nothing moves.
  server.requestTimeout = 0;
  server.headersTimeout = 30_000;
  server.setTimeout(options.idleTimeoutMs ?? 60_000, (socket) => socket.destroy());

  // Bound before the root is touched: a second server on the same port must not disturb the first one's uploads.
  await listen(server, host, options.port ?? 0);
  try {
    await store.open(options.readOnly ?? false);
    opened();
  } catch (cause) {
    server.closeAllConnections();
    server.close();
    const code = (cause as NodeJS.ErrnoException).code;
    throw new RegistryServerError(`cannot use ${options.root} (${code}); give a folder you may write with --root`, {
      cause,
    });
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await uploads.close();
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, "listening");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const say = (message: string): RegistryServerError => new RegistryServerError(message, { cause });
    if (code === "EADDRINUSE") throw say(`port ${port} on ${host} is in use; choose another with --port`);
    if (code === "EACCES") throw say(`port ${port} on ${host} needs more rights; choose one above 1023 with --port`);
    if (code === "ERR_SOCKET_BAD_PORT") throw say(`${port} is not a port; choose one from 0 to 65535 with --port`);
    throw say(`cannot listen at ${host}:${port} (${code}); choose another address with --host`);
  }
}
