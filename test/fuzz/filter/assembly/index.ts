import {
  DataAction,
  HeaderLines,
  HeaderMap,
  HeadersAction,
  HttpBody,
  HttpFilter,
  HttpMessage,
  log,
  OverLimit,
  registerHttpFilter,
  Status,
  TrailersAction,
} from "meshwasm/sdk";
import { FuzzConfig } from "./config";
import { StateFuzz } from "./state";

/**
 * Uses all of the SDK in each callback. What to do it with stands in the VM's configuration, which the host of the fuzz test
 * changes before each call: a byte of flags, the length of a name, the name, the rest is a value.
 */
class FuzzPlugin extends StateFuzz {
  onConfigure(): bool {
    const config = this.config;
    let facts = "config " + config.limit.toString() + " " + config.on.toString() + " " + config.tags.length.toString();
    let sum: i64 = 0;
    for (let i = 0; i < config.grid.length; i++) {
      for (let j = 0; j < config.grid[i].length; j++) sum ^= config.grid[i][j];
    }
    facts += " " + sum.toString();
    for (let i = 0; i < config.rules.length; i++) {
      const rule = config.rules[i];
      facts += "|" + rule.path + "," + rule.deny.toString() + "," + rule.limits.bytes.toString();
      facts += "," + rule.limits.names.join("+");
    }
    log.info(facts + "|" + config.name);
    return true;
  }
}

class Fuzz extends HttpFilter<FuzzPlugin> {
  private flags: u32 = 0;
  private name: string = "";
  private value: Uint8Array = new Uint8Array(0);
  private valueText: string = "";

  onRequestHeaders(endOfStream: bool): HeadersAction {
    return this.headers(this.request);
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    return this.headers(this.response);
  }

  onRequestTrailers(): TrailersAction {
    this.read();
    this.lines(this.request.trailers);
    this.change(this.request.trailers);
    return this.flags & 1 ? TrailersAction.StopIteration : TrailersAction.Continue;
  }

  onResponseTrailers(): TrailersAction {
    this.read();
    this.lines(this.response.trailers);
    this.change(this.response.trailers);
    return this.flags & 1 ? TrailersAction.StopIteration : TrailersAction.Continue;
  }

  onRequestBody(size: u32, endOfStream: bool): DataAction {
    this.read();
    return this.body(this.request);
  }

  onResponseBody(size: u32, endOfStream: bool): DataAction {
    this.read();
    return this.body(this.response);
  }

  onWholeRequestBody(body: HttpBody): DataAction {
    this.read();
    return this.body(this.request);
  }

  onWholeResponseBody(body: HttpBody): DataAction {
    this.read();
    return this.body(this.response);
  }

  onLog(): void {
    this.read();
    this.lines(this.request.headers);
    this.lines(this.response.headers);
    this.lines(this.request.trailers);
    this.lines(this.response.trailers);
    this.levels();
    this.reply();
  }

  onDone(): void {
    this.request.headers.get("x-late");
  }

  private headers(message: HttpMessage): HeadersAction {
    this.read();
    this.lines(message.headers);
    this.change(message.headers);
    this.levels();
    const plan = this.flags >> 5;
    if (plan == 1) return message.inspectBody(1000);
    if (plan == 2) return message.inspectBody(1000, OverLimit.Pass, true);
    if (plan == 3) return message.holdBody(2000000);
    if (plan == 4) return message.holdBody(1000, OverLimit.Pass);
    if (plan == 5) return message.transformBody();
    if (plan == 6) this.reply();
    if (plan == 7) {
      message.resume();
      this.resetStream();
    }
    return HeadersAction.Continue;
  }

  private read(): void {
    const input = this.plugin.vmConfiguration();
    const end = input.length > 1 ? min(input.length, 2 + <i32>input[1]) : 0;
    this.flags = input.length ? input[0] : 0;
    this.name = text(input.subarray(end ? 2 : 0, end));
    this.value = input.subarray(end);
    this.valueText = text(this.value);
  }

  /** Reads in every way, and logs what a model can foretell. */
  private lines(headers: HeaderMap): void {
    const name = this.name;
    const joined = headers.get(name);
    log.info("get " + said(headers.status) + " " + (joined === null ? "-" : "=" + joined));
    const bytes = headers.getBytes(name);
    log.info("bytes " + said(headers.status) + " " + (bytes === null ? "-" : hash(bytes)));
    const lines = headers.lines(name);
    log.info("lines " + lines.length.toString() + " " + headers.has(name).toString());
    const count = headers.length;
    let sum: u32 = 0;
    // From the end as well, and beyond it.
    for (let i = 0; i <= min(count, 40); i++) {
      sum = add(sum, headers.nameAt(i));
      sum = add(sum, headers.valueAt(i));
      headers.valueBytesAt(count - i);
    }
    headers.valueAt(-1);
    log.info("all " + count.toString() + " " + sum.toString());
  }

  private change(headers: HeaderMap): void {
    const first = headers.nameAt(0);
    if (this.flags & 1) headers.set(this.name, this.valueText);
    if (this.flags & 2) headers.append(this.name, this.valueText);
    if (this.flags & 4) headers.setBytes(this.name, this.value);
    if (this.flags & 8) headers.appendBytes(first, this.value);
    if (this.flags & 16) headers.remove(this.name);
    headers.has(this.name);
  }

  private body(message: HttpMessage): DataAction {
    const body = message.body;
    const text = body.text();
    log.info("text " + said(body.status) + " " + text.length.toString() + " " + add(0, text).toString());
    const bytes = body.bytes();
    log.info("body " + said(body.status) + " " + hash(bytes));
    const some = body.bytes(this.flags, <u32>this.value.length);
    log.info("part " + said(body.status) + " " + hash(some));
    let status: Status = Status.Ok;
    if (this.flags & 1) status = body.set(this.value);
    if (this.flags & 2) status = body.setText(this.valueText);
    if (this.flags & 4) status = body.append(this.value);
    if (this.flags & 8) status = body.prepend(this.value);
    this.change(message.headers);
    if (this.flags & 64) this.reply();
    return this.flags & 128 ? DataAction.StopIterationAndBuffer : DataAction.Continue;
  }

  private reply(): void {
    const lines = new HeaderLines();
    lines.add(this.name, this.valueText).addBytes(this.name, this.value).add("x-value", this.valueText);
    lines.addBytes("x-bytes", this.value);
    const headers = this.request.headers;
    for (let i = 0; i < min(headers.length, 1100); i++) {
      lines.add(headers.nameAt(i), headers.valueAt(i));
      if (i < 40) lines.addBytes(headers.nameAt(i), headers.valueBytesAt(i));
    }
    const status = (this.flags << 3) ^ (<u32>this.value.length);
    const grpc = <i32>(this.flags & 31) - 1;
    this.sendLocalResponse(status, this.valueText, lines, this.name, grpc);
    this.sendLocalResponse(500);
    log.info("refused " + lines.refused.toString() + " of " + (lines.refused + lines.count).toString());
  }

  private levels(): void {
    log.trace(this.name);
    log.debug(this.valueText);
    log.warn(this.name);
    log.critical(this.valueText);
  }
}

function said(status: Status): string {
  return (<i32>status).toString();
}

/** A text that follows from the bytes: of characters of one to three bytes and lone surrogates, as long as the bytes are many. */
function text(bytes: Uint8Array): string {
  const length = bytes.length;
  const units = new Array<i32>(min(length, 256));
  for (let i = 0; i < units.length; i++) units[i] = bytes[i] < 0xf0 ? bytes[i] : ((<i32>bytes[i]) << 8) - 0x1800;
  const part = String.fromCharCodes(units);
  return length > 256 ? part.repeat(length >> 8) : part;
}

function hash(bytes: Uint8Array): string {
  let sum: u32 = 0;
  for (let i = 0; i < bytes.length; i++) sum = sum * 31 + bytes[i];
  return bytes.length.toString() + " " + sum.toString();
}

function add(sum: u32, text: string): u32 {
  for (let i = 0; i < text.length; i++) sum = sum * 31 + text.charCodeAt(i);
  return sum;
}

registerHttpFilter<Fuzz, FuzzPlugin, FuzzConfig>();
