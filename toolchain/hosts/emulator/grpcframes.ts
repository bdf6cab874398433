/** gRPC's length-prefixed messages; latin1, one char per byte. */

const HEAD = 5;

export function frame(message: string): string {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE(message.length, 1);
  return head.toString("latin1") + message;
}

/** Takes bytes in pieces and gives whole messages. */
export class FrameReader {
  #rest = "";
  /** Something has come. */
  started = false;
  /** What came is no gRPC, or is compressed, which nobody has offered. */
  failed = false;

  read(bytes: string): string[] {
    this.started = true;
    this.#rest += bytes;
    const messages: string[] = [];
    while (this.#rest.length > 0) {
      if (this.#rest.charCodeAt(0) !== 0) {
        this.failed = true;
        break;
      }
      if (this.#rest.length < HEAD) break;
      const size = Buffer.from(this.#rest.slice(1, HEAD), "latin1").readUInt32BE(0);
      if (this.#rest.length < HEAD + size) break;
      messages.push(this.#rest.slice(HEAD, HEAD + size));
      this.#rest = this.#rest.slice(HEAD + size);
    }
    return messages;
  }
}
