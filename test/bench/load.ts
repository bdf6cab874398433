/* A load generator that costs little: it writes prepared HTTP/2 frames and counts answers. HTTP/2, because several requests
 * in one packet leave less of the CPU time to the kernel, and a filter's share shows more clearly. */

import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";

export type Line = readonly [name: string, value: string];

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const HEADER_LENGTH = 9;
const enum Frame {
  Data = 0,
  Headers = 1,
  Reset = 3,
  Settings = 4,
  GoAway = 7,
}
const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;
/** ":status: 200" in HPACK's static table. */
const STATUS_200 = 0x88;

function frame(type: Frame, flags: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_LENGTH);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  return Buffer.concat([header, payload]);
}

/** HPACK string without Huffman code (RFC 7541, 5.2). */
function hpackString(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  const length: number[] = [];
  if (bytes.length < 127) length.push(bytes.length);
  else {
    length.push(127);
    let rest = bytes.length - 127;
    for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** A request without body as one frame; each line is a literal that is not indexed, so it can be sent again and again. */
function requestFrame(lines: readonly Line[]): Buffer {
  const fields = lines.map(([name, value]) => Buffer.concat([Buffer.from([0]), hpackString(name), hpackString(value)]));
  return frame(Frame.Headers, END_STREAM | END_HEADERS, Buffer.concat(fields));
}

interface Connection {
  readonly socket: net.Socket;
  nextStream: number;
  /** Requests without an answer. */
  open: number;
  /** A frame that has not arrived whole. */
  rest: Buffer;
}

/** Connections to one address that send requests over and over, in turn, a batch at a time. */
export class Load {
  readonly #connections: Connection[] = [];
  readonly #frames: readonly Buffer[];
  #next = 0;
  #toSend = 0;
  #toAnswer = 0;
  #done: (error?: Error) => void = () => {};

  private constructor(
    requests: readonly (readonly Line[])[],
    private readonly batch: number,
  ) {
    this.#frames = requests.map(requestFrame);
  }

  static async connect(
    address: string,
    requests: readonly (readonly Line[])[],
    connections: number,
    batch: number,
  ): Promise<Load> {
    const [host, port] = address.split(":");
    const load = new Load(requests, batch);
    for (let i = 0; i < connections; i++) {
      const socket = net.connect({ host, port: Number(port), noDelay: true });
      await once(socket, "connect");
      const connection: Connection = { socket, nextStream: 1, open: 0, rest: Buffer.alloc(0) };
      socket.on("data", (chunk) => load.#received(connection, chunk));
      socket.on("error", (error) => load.#done(error));
      socket.on("close", () => load.#done(new Error("Envoy closed a connection")));
      socket.write(Buffer.concat([PREFACE, frame(Frame.Settings, 0, Buffer.alloc(0))]));
      load.#connections.push(connection);
    }
    return load;
  }

  /** Sends `count` requests and waits for their answers; any answer but 200 is an error. */
  async run(count: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const late = (): void => reject(new Error(`${this.#toAnswer} of ${count} answers are missing after 60 s`));
        timer = setTimeout(late, 60_000);
        this.#done = (error) => (error ? reject(error) : resolve());
        this.#toSend = count;
        this.#toAnswer = count;
        for (const connection of this.#connections) this.#send(connection);
      });
    } finally {
      clearTimeout(timer);
      this.#done = () => {};
    }
  }

  close(): void {
    for (const { socket } of this.#connections) socket.destroy();
  }

  #send(connection: Connection): void {
    const count = Math.min(this.batch, this.#toSend);
    if (count === 0) return;
    this.#toSend -= count;
    connection.open = count;
    const frames: Buffer[] = [];
    for (let i = 0; i < count; i++) {
      frames.push(this.#frames[this.#next]!);
      this.#next = (this.#next + 1) % this.#frames.length;
    }
    const bytes = Buffer.concat(frames);
    let at = 0;
    for (const { length } of frames) {
      bytes.writeUInt32BE(connection.nextStream, at + 5);
      connection.nextStream += 2;
      at += length;
    }
    connection.socket.write(bytes);
  }

  #received(connection: Connection, chunk: Buffer): void {
    const data = connection.rest.length > 0 ? Buffer.concat([connection.rest, chunk]) : chunk;
    let at = 0;
    let answers = 0;
    while (data.length - at >= HEADER_LENGTH) {
      const end = at + HEADER_LENGTH + data.readUIntBE(at, 3);
      if (end > data.length) break;
      const type = data[at + 3]!;
      const flags = data[at + 4]!;
      if (type === Frame.Settings && !(flags & ACK)) {
        connection.socket.write(frame(Frame.Settings, ACK, Buffer.alloc(0)));
      } else if (type === Frame.Reset || type === Frame.GoAway) {
        return this.#done(new Error("Envoy reset a stream or closed a connection"));
      } else if (type === Frame.Headers || type === Frame.Data) {
        // Before the first answer's status an update of the dynamic table's size may stand (0x20 to 0x3f).
        const status = data[at + HEADER_LENGTH]!;
        if (type === Frame.Headers && status !== STATUS_200 && status >> 5 !== 1) {
          return this.#done(new Error("Envoy gave an answer other than 200"));
        }
        if (flags & END_STREAM) answers++;
      }
      at = end;
    }
    connection.rest = data.subarray(at);
    if (answers === 0) return;
    connection.open -= answers;
    this.#toAnswer -= answers;
    if (this.#toAnswer === 0) this.#done();
    else if (connection.open === 0) this.#send(connection);
  }
}

/** One request by a connection of its own; the answer's status and headers. */
export async function ask(address: string, request: readonly Line[]): Promise<{ status: number; headers: Headers }> {
  const session = http2.connect(`http://${address}`);
  try {
    const stream = session.request(Object.fromEntries(request));
    stream.resume();
    const [lines] = (await once(stream, "response", { signal: AbortSignal.timeout(10_000) })) as [
      http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader,
    ];
    const headers = new Headers();
    for (const [name, value] of Object.entries(lines)) {
      if (!name.startsWith(":") && value !== undefined) headers.set(name, String(value));
    }
    return { status: Number(lines[":status"]), headers };
  } finally {
    session.destroy();
  }
}
