/* Bytes that the host holds for the running callback. */

import { BufferType, Status } from "./abi/enums";
import { proxy_get_buffer_bytes, proxy_get_buffer_status } from "./abi/hostcalls";
import {
  clearReturn,
  dropReturn,
  hostFree,
  retLen,
  retPtr,
  returnedLength,
  returnedPtr,
  takeBytes,
} from "./runtime/memory";
import { decodeUtf8 } from "../sdk/std/utf8";

/** Readable in the callback that it belongs to; anywhere else calls give BadArgument and nothing. */
export class HostBuffer {
  /** Bytes that are there. 0 outside of the callback. */
  length: u32 = 0;
  /** How the last call went. InvalidMemoryAccess: more than 64 MiB were asked for at once. */
  status: Status = Status.Ok;
  protected open: bool = false;

  constructor(protected buffer: BufferType) {}

  /** Copies `length` bytes from `start` on, fewer when there are not as many. */
  bytes(start: u32 = 0, length: u32 = u32.MAX_VALUE): Uint8Array {
    return takeBytes(this.fetch(start, length), returnedLength());
  }

  /** The bytes as text; malformed UTF-8 becomes U+FFFD. */
  text(): string {
    const ptr = this.fetch(0, u32.MAX_VALUE);
    const text = decodeUtf8(ptr, returnedLength());
    hostFree(ptr);
    return text;
  }

  /** For the dispatcher: the callback begins. */
  hold(length: u32): void {
    this.open = true;
    this.length = length;
  }

  /** For the dispatcher: the callback has ended. */
  end(): void {
    this.open = false;
    this.length = 0;
  }

  /** For the dispatcher: bytes that the host has. */
  buffered(): u32 {
    clearReturn();
    return proxy_get_buffer_status(this.buffer, retPtr(), retLen()) == Status.Ok ? load<u32>(retPtr()) : 0;
  }

  protected fetch(start: u32, length: u32): usize {
    clearReturn();
    this.status = this.open
      ? <Status>proxy_get_buffer_bytes(this.buffer, start, length, retPtr(), retLen())
      : Status.BadArgument;
    if (this.status != Status.Ok) dropReturn();
    return returnedPtr();
  }
}
