import { Status } from "./abi.js";

/** Bytes of a body or of a connection on their way through a filter chain; latin1, one char per byte. */
export class HostBuffer {
  constructor(public data = "") {}

  get length(): number {
    return this.data.length;
  }

  /** Takes all of another buffer's bytes. */
  move(other: HostBuffer): void {
    this.data += other.data;
    other.data = "";
  }

  drain(): string {
    const all = this.data;
    this.data = "";
    return all;
  }
}

/** What a host call on a buffer works on: a live buffer, or bytes that cannot be changed. */
export class BufferView {
  static readonly EMPTY = new BufferView("");

  constructor(private readonly source: HostBuffer | string) {}

  get data(): string {
    return typeof this.source === "string" ? this.source : this.source.data;
  }

  /** Clipped to what is there. */
  slice(start: number, length: number): string {
    return this.data.slice(start, start + length);
  }

  /** Envoy only puts data in front (replacing `length` bytes there) or behind, never in the middle. */
  write(start: number, length: number, data: string): number {
    if (typeof this.source === "string") return Status.BadArgument;
    if (start === 0) this.source.data = data + this.source.data.slice(length);
    else if (start >= this.source.length) this.source.data += data;
    else return Status.BadArgument;
    return Status.Ok;
  }
}
