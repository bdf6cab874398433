/* Bodies: the current piece of a streamed one, or the whole of one that was buffered. */

import { BufferType, Status } from "./abi/enums";
import { proxy_set_buffer_bytes } from "./abi/hostcalls";
import { HostBuffer } from "./buffer";
import { HeaderMap } from "./headers";
import { putString, roomFor, scratchFor } from "./runtime/memory";

/** What happens to a body that is larger than the limit of inspectBody or holdBody. */
export enum OverLimit {
  /** Request: answered with 413. Response: with 500 while its headers are held, else the stream is reset. */
  Reject,
  /** The callback is told (`isWhole` is false) and the body goes on unbuffered. */
  Pass,
}

/** How one direction of a stream treats its body. Kept by the stream. */
export class BodyPlan {
  /** Nothing more is buffered: the callback for the whole body was called, or none is wanted. */
  done: bool = false;
  /** The callback for the body has let the message go on. */
  released: bool = false;

  constructor(
    readonly limit: u32,
    readonly over: OverLimit,
    /** Headers wait for the body and can still be changed. */
    readonly holds: bool,
    /** A change of the size is announced to the peer: content-length was removed, or is still to be written. */
    readonly resizable: bool,
  ) {}
}

/** One direction's body. Readable and writable in the body callbacks only; anywhere else calls give BadArgument. */
export class HttpBody extends HostBuffer {
  /** Whether `length` bytes are the whole body. */
  isWhole: bool = false;
  private plan: BodyPlan | null = null;

  constructor(
    buffer: BufferType,
    private headers: HeaderMap,
  ) {
    super(buffer);
  }

  /** Replaces what is there. */
  set(bytes: Uint8Array): Status {
    return this.write(0, this.length, bytes.dataStart, bytes.length);
  }

  setText(text: string): Status {
    const ptr = scratchFor(roomFor(text));
    return this.write(0, this.length, ptr, <u32>putString(ptr, text));
  }

  prepend(bytes: Uint8Array): Status {
    return this.write(0, 0, bytes.dataStart, bytes.length);
  }

  append(bytes: Uint8Array): Status {
    return this.write(this.length, 0, bytes.dataStart, bytes.length);
  }

  /** For the dispatcher: a body callback begins. */
  begin(plan: BodyPlan | null, length: u32, isWhole: bool): void {
    this.hold(length);
    this.plan = plan;
    this.isWhole = isWhole;
  }

  end(): void {
    super.end();
    this.plan = null;
    this.isWhole = false;
  }

  private write(start: u32, replaced: u32, data: usize, length: u32): Status {
    if (!this.open) return (this.status = Status.BadArgument);
    const plan = this.plan;
    // The peer was told another length: the message would be cut off, or what is too much taken for the next one. What was
    // held has its length told by then, unless it is whole.
    const resizable = plan != null && plan.resizable && (this.isWhole || !plan.holds);
    if (length != replaced && !resizable) return (this.status = Status.BadArgument);
    this.status = proxy_set_buffer_bytes(this.buffer, start, replaced, data, length);
    if (this.status == Status.Ok) {
      this.length += length - replaced;
      if (plan && plan.holds && this.headers.has("content-length")) {
        this.headers.set("content-length", this.length.toString());
        this.status = Status.Ok;
      }
    }
    return this.status;
  }
}
