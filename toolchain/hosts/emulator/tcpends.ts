import type { TcpConnection } from "../types.js";
import { EmulatorError } from "./errors.js";

const WAIT_MS = 5000;

/** What the other side of an end does with what it sends. */
export interface Wire {
  write(bytes: Uint8Array): void;
  end(): void;
  reset(): void;
}

/** One end of a connection in memory: the client's, or the upstream's. */
export class TcpEnd implements TcpConnection {
  readonly #pieces: Uint8Array[] = [];
  #size = 0;
  #closed: "end" | "reset" | null = null;
  #writable = true;
  readonly #wakes = new Set<() => void>();

  constructor(private readonly wire: Wire) {}

  get received(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#pieces));
  }

  text(): string {
    return new TextDecoder().decode(this.received);
  }

  async write(data: string | Uint8Array): Promise<void> {
    if (!this.#writable) throw new EmulatorError("The TCP connection is closed for writing.");
    const bytes = Buffer.from(data as string);
    if (bytes.length > 0) this.wire.write(new Uint8Array(bytes));
  }

  async end(data?: string | Uint8Array): Promise<void> {
    if (data !== undefined && data.length > 0) {
      const written = this.write(data);
      this.#end();
      return written;
    }
    this.#end();
  }

  /** At once, so that the end comes with the last bytes. */
  #end(): void {
    if (!this.#writable) return;
    this.#writable = false;
    this.wire.end();
  }

  reset(): void {
    const open = this.#closed !== "reset";
    this.closeWith("reset");
    if (open) this.wire.reset();
  }

  async waitFor(size: number): Promise<Uint8Array> {
    const inTime = await this.#until(() => this.#size >= size || this.#closed !== null);
    if (this.#size >= size) return this.received;
    const what = `${this.#size} of the ${size} bytes that were waited for came on the TCP connection`;
    throw new EmulatorError(`Only ${what}, ${inTime ? `then it was closed (${this.#closed})` : "within 5 s"}.`);
  }

  async closed(): Promise<"end" | "reset"> {
    if (await this.#until(() => this.#closed !== null)) return this.#closed!;
    throw new EmulatorError(`The other end did not close the TCP connection within 5 s (${this.#size} bytes came).`);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (let at = 0; ; at++) {
      while (at >= this.#pieces.length) {
        if (this.#closed !== null) return;
        await new Promise<void>((resolve) => this.#wakes.add(resolve));
      }
      yield this.#pieces[at]!;
    }
  }

  // What the proxy does to this end.

  push(bytes: Uint8Array): void {
    if (this.#closed !== null) return;
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    this.#wake();
  }

  /** The other side sends nothing more. */
  closeWith(how: "end" | "reset"): void {
    this.#closed ??= how;
    if (how === "reset") this.#writable = false;
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
