import { readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { packageRoot } from "../../toolchain/build/index.js";
import { CliError } from "../output.js";
import type { Traffic } from "./traffic.js";

const REQUESTS_KEPT = 200;
const LINES_KEPT = 500;

/** What the page is told. */
export type PageEvent =
  | { readonly type: "request"; readonly request: Traffic }
  | { readonly type: "log"; readonly level: string; readonly message: string }
  | { readonly type: "state"; readonly state: PageState };

export interface PageState {
  /** The filter's name. */
  readonly name: string;
  readonly proxy: string;
  /** Digest of the module that runs. */
  readonly digest: string;
  readonly reloads: number;
  /** Why the last change is not in force; null when it is. */
  readonly problem: string | null;
}

const FILES: Readonly<Record<string, { file: string; type: string }>> = {
  "/": { file: "index.html", type: "text/html; charset=utf-8" },
  "/client.js": { file: "client.js", type: "text/javascript; charset=utf-8" },
  "/style.css": { file: "style.css", type: "text/css; charset=utf-8" },
};

/** The page of `meshwasm run --watch`, for this machine's browsers. */
export class Page {
  readonly #server: http.Server;
  /** Read once: a file that is gone later ends no run. */
  readonly #files = new Map(
    Object.values(FILES).map(({ file }) => [file, readFileSync(join(packageRoot, "cli/page", file))]),
  );
  readonly #streams = new Set<http.ServerResponse>();
  readonly #requests: Traffic[] = [];
  readonly #lines: PageEvent[] = [];
  #state: PageState;

  static async start(port: number, state: PageState): Promise<Page> {
    const page = new Page(state);
    await new Promise<void>((resolve, reject) => {
      page.#server.once("error", (error: NodeJS.ErrnoException) => {
        const why = error.code === "EADDRINUSE" ? "is taken" : `cannot be opened (${error.code ?? error.message})`;
        reject(new CliError(`port ${port} of the page ${why} on 127.0.0.1; choose another with --page`));
      });
      page.#server.listen({ port, host: "127.0.0.1", exclusive: true }, resolve);
    });
    return page;
  }

  private constructor(state: PageState) {
    this.#state = state;
    this.#server = http.createServer((request, response) => this.#serve(request, response));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get state(): PageState {
    return this.#state;
  }

  update(change: Partial<PageState>): void {
    this.#state = { ...this.#state, ...change };
    this.#tell({ type: "state", state: this.#state });
  }

  request(request: Traffic): void {
    this.#requests.push(request);
    if (this.#requests.length > REQUESTS_KEPT) this.#requests.shift();
    this.#tell({ type: "request", request });
  }

  log(level: string, message: string): void {
    const event: PageEvent = { type: "log", level, message };
    this.#lines.push(event);
    if (this.#lines.length > LINES_KEPT) this.#lines.shift();
    this.#tell(event);
  }

  async close(): Promise<void> {
    for (const stream of this.#streams) stream.end();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #tell(event: PageEvent): void {
    for (const stream of this.#streams) stream.write(eventText(event));
  }

  #serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { port } = this.#server.address() as AddressInfo;
    response.on("error", () => {});
    // A name that some site lets point to this machine must not read what passes here.
    if (![`127.0.0.1:${port}`, `localhost:${port}`].includes(request.headers.host ?? "")) {
      return void response.writeHead(421, { "content-type": "text/plain" }).end("open the page by 127.0.0.1\n");
    }
    const url = request.url ?? "/";
    const path = URL.canParse(url, "http://page") ? new URL(url, "http://page").pathname : "";
    if (request.method !== "GET") return void response.writeHead(405, { allow: "GET" }).end();
    if (path === "/events") return this.#stream(response);
    const known = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
    if (known === undefined) return void response.writeHead(404).end();
    response.writeHead(200, {
      "content-type": known.type,
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    });
    response.end(this.#files.get(known.file));
  }

  #stream(response: http.ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    // A browser that comes again has what it had before.
    response.write("event: reset\ndata: {}\n\n");
    response.write(eventText({ type: "state", state: this.#state }));
    for (const event of this.#lines) response.write(eventText(event));
    for (const request of this.#requests) response.write(eventText({ type: "request", request }));
    this.#streams.add(response);
    response.once("close", () => this.#streams.delete(response));
  }
}

function eventText(event: PageEvent): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}
