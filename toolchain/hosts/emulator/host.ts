import { requestText } from "../exchange.js";
import type {
  ClientTls,
  ClusterScript,
  HostOptions,
  LogLine,
  Metrics,
  Proxy,
  ProxyResponse,
  RequestInput,
  TcpClient,
} from "../types.js";
import { loadExpressions } from "./cel.js";
import { loadCode } from "./code.js";
import { EmulatorError } from "./errors.js";
import { Server } from "./server.js";
import { HttpStream } from "./stream.js";
import { echoTcp, TcpStream } from "./tcp.js";
import { TlsListener, type TlsFacts } from "./tls.js";

/** The host that a request names, and a TCP client asks for, when the test says nothing. */
const EXAMPLE = "example.test";

export interface EmulatorProxyOptions extends HostOptions {
  /** The clock stands still but for `advance` and `tick`. */
  readonly standingClock?: boolean;
}

/** The host "emulator": the module in Node's V8, with everything around it as Envoy 1.40 does it. */
export class EmulatorProxy implements Proxy {
  readonly host = "emulator";
  readonly #server: Server;

  constructor(
    private readonly options: EmulatorProxyOptions,
    private readonly tls: TlsListener | null = null,
  ) {
    this.#server = new Server(options, options.standingClock ?? false);
  }

  #running(): Server {
    if (!this.#server.open) throw new EmulatorError("The proxy is closed; create a new one.");
    return this.#server;
  }

  async request(input: RequestInput = {}): Promise<ProxyResponse> {
    const server = this.#running();
    if (this.options.protocol === "tcp") throw new EmulatorError("The filter is a TCP filter; use tcp().");
    const host = (input.authority ?? EXAMPLE).replace(/:\d*$/, "");
    const tls = await this.#handshake(input.tls, host).catch((error: unknown) => {
      if (!(error instanceof EmulatorError)) throw error;
      throw new EmulatorError(`${error.message}\n${requestText(input)}`, { cause: error });
    });
    const worker = server.connect();
    try {
      return await new HttpStream(server, worker, input, this.options, tls).run();
    } finally {
      worker.open--;
    }
  }

  async tcp({ tls }: { tls?: ClientTls } = {}): Promise<TcpClient> {
    const server = this.#running();
    if (this.options.protocol !== "tcp") throw new EmulatorError("The filter is an HTTP filter; use request().");
    const facts = await this.#handshake(tls, EXAMPLE);
    const { client } = new TcpStream(server, server.connect(), this.options.tcpUpstream ?? echoTcp, facts);
    await server.settle(1);
    return client;
  }

  async #handshake(tls: ClientTls | undefined, host: string): Promise<TlsFacts | null> {
    if (this.tls !== null) return this.tls.handshake(tls ?? {}, host);
    if (tls !== undefined) throw new EmulatorError("The proxy speaks no TLS; create it with tls: true.");
    return null;
  }

  async reconfigure(config: unknown): Promise<void> {
    const server = this.#running();
    server.reconfigure(config);
    // The old plugin has taken leave by then, if no stream holds it.
    await new Promise<void>((done) => server.post(done));
  }

  async cluster(name: string, script: ClusterScript): Promise<void> {
    this.#running().clusters.replace(name, script);
  }

  async metrics(): Promise<Metrics> {
    return this.#server.metrics.snapshot();
  }

  async tick(): Promise<void> {
    const server = this.#running();
    const wait = server.untilTick();
    if (wait === null) throw new EmulatorError("No filter ticks; has it set a tick period?");
    await server.advance(wait);
  }

  async advance(milliseconds: number): Promise<void> {
    if (!(milliseconds >= 0)) throw new EmulatorError(`Time cannot advance by ${milliseconds} ms.`);
    await this.#running().advance(milliseconds);
  }

  async shiftClock(milliseconds: number): Promise<void> {
    if (!Number.isFinite(milliseconds)) throw new EmulatorError(`A clock cannot be set by ${milliseconds} ms.`);
    this.#running().clock.shift(milliseconds);
  }

  logs(plugin: string = this.options.name): readonly LogLine[] {
    const names = [this.options, ...(this.options.plugins ?? [])].map(({ name }) => name);
    if (names.includes(plugin)) return this.#server.logs.lines(plugin);
    throw new EmulatorError(`The proxy has no plugin "${plugin}"; it has ${names.join(", ")}.`);
  }

  async close(): Promise<void> {
    this.#server.close();
    const error = this.#server.takeError();
    if (error !== null) throw error.value;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Loads the modules; rejects with a filter's own reason when it refuses its configuration. */
export async function createEmulatorProxy(options: EmulatorProxyOptions): Promise<EmulatorProxy> {
  const modules = [options, ...(options.plugins ?? [])].map(({ module }) => loadCode(module));
  if (modules.some(({ expressions }) => expressions)) await loadExpressions();
  return new EmulatorProxy(options, options.tls ? await TlsListener.create(options.tls) : null);
}
