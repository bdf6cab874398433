import net from "node:net";
import type { TcpConnection, TcpHandler } from "../types.js";
import { EnvoyError } from "./errors.js";
import { listenOn, stopListening } from "./port.js";

const WAIT_MS = 5000;
/** "PROXY TCP4 … \r\n" is 107 bytes at most. */
const LONGEST_PROXY_LINE = 107;

/** Sends back what it gets, and ends when the client ends. */
export const echoTcp: TcpHandler = async (connection) => {
  for await (const piece of connection) await connection.write(piece);
  await connection.end();
};

/** One end of a TCP connection, over a socket with allowHalfOpen. */
export class Connection implements TcpConnection {
  readonly #pieces: Uint8Array[] = [];
  #size = 0;
  #closed: "end" | "reset" | null = null;
  readonly #wakes = new Set<() => void>();

  constructor(
    private readonly socket: net.Socket,
    /** The socket below TLS, which alone can send RST. */
    private readonly raw: net.Socket = socket,
  ) {
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => this.#close("end"));
    socket.on("error", () => this.#close("reset"));
    socket.on("close", (failed) => this.#close(failed ? "reset" : "end"));
  }

  get received(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#pieces));
  }

  text(): string {
    return new TextDecoder().decode(this.received);
  }

  write(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.socket.writable) reject(new EnvoyError("The TCP connection is closed for writing."));
      else this.socket.write(data, (error) => (error ? reject(error) : resolve()));
    });
  }

  async end(data?: string | Uint8Array): Promise<void> {
    if (data !== undefined && data.length > 0) await this.write(data);
    if (!this.socket.writable) return;
    await new Promise<void>((resolve) => this.socket.end(resolve));
  }

  reset(): void {
    this.#close("reset");
    if (this.raw.destroyed) return;
    this.raw.resetAndDestroy();
  }

  async waitFor(size: number): Promise<Uint8Array> {
    const what = (): string => `${this.#size} of the ${size} bytes that were waited for came on the TCP connection`;
    const inTime = await this.#until(() => this.#size >= size || this.#closed !== null);
    if (this.#size >= size) return this.received;
    throw new EnvoyError(`Only ${what()}, ${inTime ? `then it was closed (${this.#closed})` : "within 5 s"}.`);
  }

  async closed(): Promise<"end" | "reset"> {
    if (await this.#until(() => this.#closed !== null)) return this.#closed!;
    throw new EnvoyError(`The other end did not close the TCP connection within 5 s (${this.#size} bytes came).`);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (let at = 0; ; at++) {
      while (at >= this.#pieces.length) {
        if (this.#closed !== null) return;
        // Only while somebody waits: a forgotten connection keeps no Node process alive.
        this.socket.ref();
        await new Promise<void>((resolve) => this.#wakes.add(resolve));
        this.socket.unref();
      }
      yield this.#pieces[at]!;
    }
  }

  #take(chunk: Uint8Array): void {
    this.#pieces.push(chunk);
    this.#size += chunk.length;
    this.#wake();
  }

  #close(how: "end" | "reset"): void {
    this.#closed ??= how;
    this.#wake();
  }

  #wake(): void {
    const wakes = [...this.#wakes];
    this.#wakes.clear();
    for (const wake of wakes) wake();
  }

  /** False when the condition has not come true in time. */
  async #until(condition: () => boolean): Promise<boolean> {
    const deadline = Date.now() + WAIT_MS;
    while (!condition()) {
      const left = deadline - Date.now();
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(wake, left);
        function wake(): void {
          clearTimeout(timer);
          resolve();
        }
        this.#wakes.add(wake);
      });
    }
    return true;
  }
}

/** A TCP server that learns by PROXY protocol which client port a connection of Envoy's stands for. */
export class TcpServer {
  /** Not listening yet. */
  readonly server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #connections = new Map<number, Connection>();
  readonly #waits = new Map<number, (connection: Connection) => void>();

  constructor(
    public handler: TcpHandler,
    /** Gets what the handler throws. */
    private readonly onError: (error: unknown) => void,
  ) {
    this.server = net.createServer({ allowHalfOpen: true, noDelay: true });
    this.server.on("connection", (socket) => {
      socket.unref();
      socket.on("error", () => {});
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      this.#greet(socket);
    });
  }

  async start(): Promise<void> {
    await listenOn(this.server, 0);
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  /** The connection that stands for the client's, once it is there; `cancel` stops the wait. */
  connectionOf(clientPort: number): { promise: Promise<Connection>; cancel: () => void } {
    const here = this.#connections.get(clientPort);
    if (here !== undefined) return { promise: Promise.resolve(here), cancel: () => {} };
    const promise = new Promise<Connection>((resolve) => this.#waits.set(clientPort, resolve));
    return { promise, cancel: () => this.#waits.delete(clientPort) };
  }

  /** A port is used again later: what it stood for is over. */
  forget(clientPort: number): void {
    this.#connections.delete(clientPort);
    this.#waits.delete(clientPort);
  }

  /** Ends all connections, whatever their handlers still wait for. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): Promise<void> {
    const closed = stopListening(this.server);
    this.drop();
    return closed;
  }

  /** Reads the line of the PROXY protocol that comes before all else. */
  #greet(socket: net.Socket): void {
    let head = Buffer.alloc(0);
    const read = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n");
      if (end < 0 && head.length <= LONGEST_PROXY_LINE) return;
      socket.off("data", read);
      socket.pause();
      const port = Number(/^PROXY TCP[46] \S+ \S+ (\d+) \d+$/.exec(head.toString("latin1", 0, Math.max(end, 0)))?.[1]);
      const rest = end < 0 ? head : head.subarray(end + 2);
      if (rest.length > 0) socket.unshift(rest);
      const connection = new Connection(socket);
      if (port > 0) {
        this.#connections.set(port, connection);
        this.#waits.get(port)?.(connection);
        this.#waits.delete(port);
      }
      void this.#serve(connection);
      socket.resume();
    };
    socket.on("data", read);
  }

  async #serve(connection: Connection): Promise<void> {
    try {
      await this.handler(connection);
    } catch (error) {
      this.onError(error);
      connection.reset();
    }
  }
}
