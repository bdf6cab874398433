/* A load generator for HTTP/1.1 that costs little: it writes prepared bytes and counts status lines. */

import { once } from "node:events";
import net from "node:net";

const STATUS = Buffer.from("HTTP/1.1 ");
const STATUS_LENGTH = STATUS.length + 3;

interface Client {
  readonly socket: net.Socket;
  /** Requests sent and not answered yet. */
  open: number;
  /** Begin of a status line that the last chunk has cut. */
  rest: Buffer;
}

/** Keep-alive connections to one address. On each, a request is sent when the one before is answered. */
export class Load {
  readonly #clients: Client[] = [];
  readonly #request: Buffer;
  #toSend = 0;
  #toAnswer = 0;
  #done: (error?: Error) => void = () => {};

  private constructor(request: Buffer) {
    this.#request = request;
  }

  static async connect(address: string, request: Buffer, connections: number): Promise<Load> {
    const [host, port] = address.split(":");
    const load = new Load(request);
    for (let i = 0; i < connections; i++) {
      const socket = net.connect({ host, port: Number(port), noDelay: true });
      await once(socket, "connect");
      const client: Client = { socket, open: 0, rest: Buffer.alloc(0) };
      socket.on("data", (chunk) => load.#answered(client, chunk));
      socket.on("error", (error) => load.#done(error));
      socket.on("close", () => load.#done(new Error("Envoy closed a connection")));
      load.#clients.push(client);
    }
    return load;
  }

  /** Sends `count` requests and waits for their answers; any answer but 200 is an error. */
  async run(count: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(
          () => reject(new Error(`${this.#toAnswer} of ${count} answers are missing after 60 s`)),
          60_000,
        );
        this.#done = (error) => (error ? reject(error) : resolve());
        this.#toSend = count;
        this.#toAnswer = count;
        for (const client of this.#clients) this.#send(client);
      });
    } finally {
      clearTimeout(timer);
      this.#done = () => {};
    }
  }

  close(): void {
    for (const { socket } of this.#clients) socket.destroy();
  }

  #send(client: Client): void {
    if (this.#toSend <= 0) return;
    this.#toSend--;
    client.open++;
    client.socket.write(this.#request);
  }

  #answered(client: Client, chunk: Buffer): void {
    const data = client.rest.length > 0 ? Buffer.concat([client.rest, chunk]) : chunk;
    let at = 0;
    for (;;) {
      const found = data.indexOf(STATUS, at);
      if (found < 0 || found + STATUS_LENGTH > data.length) {
        client.rest = data.subarray(found < 0 ? Math.max(at, data.length - STATUS.length + 1) : found);
        return;
      }
      at = found + STATUS_LENGTH;
      const status = data.toString("latin1", found + STATUS.length, at);
      if (status !== "200") return this.#done(new Error(`Envoy answered ${status}`));
      client.open--;
      if (--this.#toAnswer === 0) return this.#done();
      this.#send(client);
    }
  }
}

/** One request by a connection of its own; the answer's status and headers, names in lower case. */
export async function ask(address: string, request: Buffer): Promise<{ status: number; headers: Map<string, string> }> {
  const [host, port] = address.split(":");
  const socket = net.connect({ host, port: Number(port) });
  try {
    socket.write(request);
    let text = "";
    for await (const chunk of socket) {
      text += (chunk as Buffer).toString("latin1");
      if (text.includes("\r\n\r\n")) break;
    }
    const [first = "", ...lines] = text.split("\r\n\r\n")[0]!.split("\r\n");
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(":");
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    return { status: Number(first.split(" ")[1]), headers };
  } finally {
    socket.destroy();
  }
}
