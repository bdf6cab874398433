import type { TcpClient, TcpConnection, TcpHandler } from "../types.js";
import { HostBuffer } from "./buffers.js";
import { EmulatorError } from "./errors.js";
import { UPSTREAM, UPSTREAM_LOCAL, type Server, type Worker } from "./server.js";
import type { StreamInfo } from "./streaminfo.js";
import { Peer, TcpContext } from "./tcpcontext.js";
import { TcpEnd, type Wire } from "./tcpends.js";
import type { TlsFacts } from "./tls.js";

const CONNECT_MS = 5000;
/** Envoy reads no more at once: per_connection_buffer_limit_bytes. */
const MOST_READ = 1 << 20;
/** Filter state by which a filter chooses the cluster. */
const CLUSTER_KEY = "envoy.tcp_proxy.cluster";

/** A network filter; true: iteration goes on. */
export interface NetworkFilter {
  onNewConnection(): boolean;
  onData(data: HostBuffer, end: boolean): boolean;
}

/** The default upstream: sends back what it gets, and ends when the client ends. */
export const echoTcp: TcpHandler = async (connection) => {
  for await (const piece of connection) await connection.write(piece);
  await connection.end();
};

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));

/** The client's end, which knows the upstream's. */
class Client extends TcpEnd implements TcpClient {
  constructor(private readonly stream: TcpStream) {
    super(stream.downstreamWire);
  }

  async upstream(): Promise<TcpConnection> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new EmulatorError(`The proxy did not connect an upstream within ${CONNECT_MS / 1000} s.`));
      }, CONNECT_MS);
    });
    try {
      return await Promise.race([this.stream.connected, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** One connection through the filters to the TCP proxy, and on to an upstream: Envoy's network filter manager. */
export class TcpStream {
  readonly client: TcpClient;
  readonly connected: Promise<TcpConnection>;
  readonly info: StreamInfo;
  readonly #client: Client;
  readonly #contexts: TcpContext[] = [];
  readonly #filters: NetworkFilter[];
  readonly #begun: boolean[] = [];
  #upstream: TcpEnd | null = null;
  #announce: (upstream: TcpConnection) => void = () => {};
  /** What has come from the client and no filter has passed on. */
  readonly #read = new HostBuffer();
  #readEnd = false;
  #readEndTold = false;
  /** The TCP proxy reads nothing before it is connected. */
  #reading = false;
  /** What has come from the upstream and no filter has passed on. */
  readonly #fromUpstream = new HostBuffer();
  #written = false;
  #closed = false;
  #clientReset = false;

  constructor(
    private readonly server: Server,
    private readonly worker: Worker,
    private readonly handler: TcpHandler,
    tls: TlsFacts | null,
  ) {
    this.info = server.newStreamInfo(null, tls);
    this.#client = new Client(this);
    this.client = this.#client;
    this.connected = new Promise((resolve) => (this.#announce = resolve));
    let refused = false;
    for (const slot of worker.slots) {
      const handle = slot.forStream();
      if (handle === "closed") refused = true;
      else if (handle !== "open") this.#contexts.push(new TcpContext(handle, this.info));
    }
    for (const context of this.#contexts) context.connection = this;
    const proxy: NetworkFilter = {
      onNewConnection: () => this.#connect(),
      onData: (data, end) => this.#toUpstream(data, end),
    };
    this.#filters = [...this.#contexts, proxy];
    server.streams.add(this);
    if (refused) this.close();
    else this.#enter(() => this.#continueFrom(0));
  }

  /** What the client does; Envoy hears of it in its own time, and of all that came meanwhile at once. */
  readonly downstreamWire = this.#wire(
    (data, end) => {
      if (this.#closed) return;
      this.info.requestBodySize += data.length;
      this.#read.data += data;
      this.#readEnd ||= end;
      this.#onRead();
    },
    () => {
      this.#clientReset = true;
      // Where nothing is read, nothing is noticed.
      if (this.#reading) this.#finish(Peer.Remote);
    },
  );

  readonly #upstreamWire = this.#wire(
    (data, end) => {
      this.#fromUpstream.data += data;
      this.#write(end);
    },
    () => this.#finish(Peer.Local, "reset"),
  );

  /** A way on which bytes wait until the proxy takes them. */
  #wire(take: (data: string, end: boolean) => void, reset: () => void): Wire {
    let waiting = "";
    let ended = false;
    let posted = false;
    const post = (): void => {
      if (posted) return;
      posted = true;
      this.server.post(() => {
        const data = waiting.slice(0, MOST_READ);
        waiting = waiting.slice(MOST_READ);
        posted = false;
        if (waiting !== "") post();
        take(data, ended && waiting === "");
      });
    };
    return {
      write(bytes) {
        waiting += latin1(bytes);
        post();
      },
      end() {
        ended = true;
        post();
      },
      reset: () => this.server.post(reset),
    };
  }

  #enter(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.server.report(error);
      this.#abandon();
    }
  }

  #onRead(): void {
    if (this.#closed || !this.#reading || (this.#read.length === 0 && !this.#readEnd)) return;
    if (this.#readEndTold) return;
    this.#readEndTold = this.#readEnd;
    this.#enter(() => this.#continueFrom(0));
  }

  #continueFrom(index: number): void {
    for (let i = index; i < this.#filters.length; i++) {
      const filter = this.#filters[i]!;
      if (!this.#begun[i]) {
        this.#begun[i] = true;
        if (!filter.onNewConnection() || this.#closed) return;
      }
      if (this.#read.length === 0 && !this.#readEnd) continue;
      if (!filter.onData(this.#read, this.#readEnd) || this.#closed) return;
    }
  }

  continueReading(context: TcpContext): void {
    if (!this.#closed) this.#continueFrom(this.#contexts.indexOf(context) + 1);
  }

  /** The TCP proxy begins: it stops iteration until it is connected. */
  #connect(): boolean {
    const { server } = this;
    const name = this.info.filterState.text(CLUSTER_KEY) ?? "upstream";
    const script = name === "upstream" ? { tcp: this.handler } : server.clusters.find(name);
    if (script === null || typeof script === "function" || !("tcp" in script)) {
      this.server.post(() => this.#finish(Peer.Local));
      return false;
    }
    server.pending++;
    server.post(() => {
      server.pending--;
      if (this.#closed) return;
      this.info.upstreamHost = { ...UPSTREAM, cluster: name };
      this.info.upstreamConnection = UPSTREAM_LOCAL;
      const upstream = new TcpEnd(this.#upstreamWire);
      this.#upstream = upstream;
      this.#announce(upstream);
      this.#reading = true;
      void this.#serve(script.tcp, upstream);
      if (this.#clientReset) this.#finish(Peer.Remote);
      else this.#onRead();
    });
    return false;
  }

  async #serve(handler: TcpHandler, upstream: TcpEnd): Promise<void> {
    try {
      await handler(upstream);
    } catch (error) {
      this.server.report(error);
      upstream.reset();
    }
  }

  #toUpstream(data: HostBuffer, end: boolean): boolean {
    const upstream = this.#upstream;
    if (upstream === null) return false;
    if (data.length > 0) upstream.push(bytesOf(data.drain()));
    if (end) {
      upstream.closeWith("end");
      if (this.#written) this.#finish(Peer.Remote);
    }
    return false;
  }

  /** What has come from the upstream, through the filters in reverse order to the client. */
  #write(end: boolean): void {
    if (this.#closed || this.#written) return;
    const data = this.#fromUpstream;
    this.#enter(() => {
      for (const context of [...this.#contexts].reverse()) {
        if (!context.onWrite(data, end) || this.#closed) return this.#writeEnded(end);
      }
      this.info.responseBodySize += data.length;
      if (data.length > 0) this.#client.push(bytesOf(data.drain()));
      this.#writeEnded(end);
    });
  }

  /** Both sides are done: the connection is closed. */
  #writeEnded(end: boolean): void {
    if (!end || this.#closed) return;
    this.#written = true;
    this.#client.closeWith("end");
    if (this.#readEnd) this.#finish(Peer.Local);
  }

  /** A filter closes the connection. */
  close(): void {
    this.#finish(Peer.Local);
  }

  #finish(peer: number, how: "end" | "reset" = "end"): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#client.closeWith(how);
    this.#upstream?.closeWith(this.#clientReset ? "reset" : "end");
    this.#enter(() => {
      for (const context of this.#contexts) context.onClose(peer);
    });
    this.#abandon();
  }

  #abandon(): void {
    this.#closed = true;
    if (!this.server.streams.delete(this)) return;
    this.worker.open--;
    for (const context of this.#contexts) context.destroy();
  }

  /** The proxy is closed. */
  fail(): void {
    this.#client.closeWith("reset");
    this.#upstream?.closeWith("reset");
    this.#finish(Peer.Local, "reset");
  }
}
