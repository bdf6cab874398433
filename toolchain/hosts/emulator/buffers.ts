import { Status } from "./abi.js";

/** Bytes that a filter may read and, when writable, change; latin1, one char per byte. */
export class HostBuffer {
  constructor(
    public data: string,
    readonly writable: boolean,
  ) {}

  /** Clipped to what is there. */
  slice(start: number, length: number): string {
    return this.data.slice(start, start + length);
  }

  /** Envoy only puts data in front (replacing `length` bytes there) or behind, never in the middle. */
  write(start: number, length: number, data: string): number {
    if (!this.writable) return Status.BadArgument;
    if (start === 0) this.data = data + this.data.slice(length);
    else if (start >= this.data.length) this.data += data;
    else return Status.BadArgument;
    return Status.Ok;
  }
}
