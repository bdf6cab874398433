/* The rules for one direction: checked when the configuration arrives, applied to each message without allocating. */

import { HeaderMap, log, Status } from "meshwasm/sdk";
import { Change, overwritten, refusedName, refusedValue, sameName } from "./names";

/** Each rule is a host call in every message. */
const MAX_RULES = 500;
/** Envoy's own default limit for all headers of a message is 60 KiB: the next proxy would refuse more. */
const MAX_BYTES = 60 * 1024;

export class HeaderRules {
  /** JSON path and reason of the first refusal; "" while there is none. */
  error: string = "";
  /** Rules that are taken but may have no effect, with their paths. */
  readonly warnings: string[] = [];
  private removeNames: string[] = [];
  private setNames: string[] = [];
  private setValues: Uint8Array[] = [];
  private addNames: string[] = [];
  private addValues: Uint8Array[] = [];
  private bytes: i32 = 0;

  constructor(private inRequest: bool) {}

  remove(name: string): void {
    const path = this.path("remove", this.removeNames.length);
    const reason = refusedName(name, Change.Remove, this.inRequest);
    if (reason) this.refuse(path, reason);
    this.warn(path, name, Change.Remove);
    this.removeNames.push(name);
    this.limit(path, 0);
  }

  set(name: string, value: string): void {
    const path = this.path("set", this.setNames.length);
    const bytes = this.check(path, Change.Set, name, value);
    for (let i = 0; i < this.setNames.length; i++) {
      if (sameName(this.setNames[i], name)) {
        this.refuse(path + ".name", "is the same as that of " + this.path("set", i) + ", which would have no effect");
        break;
      }
    }
    this.setNames.push(name);
    this.setValues.push(bytes);
    this.limit(path, name.length + bytes.length);
  }

  add(name: string, value: string): void {
    const path = this.path("add", this.addNames.length);
    const bytes = this.check(path, Change.Add, name, value);
    this.addNames.push(name);
    this.addValues.push(bytes);
    this.limit(path, name.length + bytes.length);
  }

  /** Changes the headers: remove, then set, then add. */
  apply(headers: HeaderMap): void {
    for (let i = 0, n = this.removeNames.length; i < n; i++) {
      if (headers.remove(unchecked(this.removeNames[i])) != Status.Ok) this.complain("remove", i);
    }
    for (let i = 0, n = this.setNames.length; i < n; i++) {
      const status = headers.setBytes(unchecked(this.setNames[i]), unchecked(this.setValues[i]));
      if (status != Status.Ok) this.complain("set", i);
    }
    for (let i = 0, n = this.addNames.length; i < n; i++) {
      const status = headers.appendBytes(unchecked(this.addNames[i]), unchecked(this.addValues[i]));
      if (status != Status.Ok) this.complain("add", i);
    }
  }

  /** The value as the bytes that are sent. */
  private check(path: string, change: Change, name: string, value: string): Uint8Array {
    const nameReason = refusedName(name, change, this.inRequest);
    if (nameReason) this.refuse(path + ".name", nameReason);
    const valueReason = refusedValue(name, value, this.inRequest);
    if (valueReason) this.refuse(path + ".value", valueReason);
    this.warn(path + ".name", name, change);
    return Uint8Array.wrap(String.UTF8.encode(value));
  }

  private limit(path: string, bytes: i32): void {
    this.bytes += bytes;
    if (this.bytes > MAX_BYTES) {
      this.refuse(path, `with it set and add have more than ${MAX_BYTES} bytes of names and values`);
    }
    if (this.removeNames.length + this.setNames.length + this.addNames.length > MAX_RULES) {
      this.refuse(path, `with it $.${this.side} has more than ${MAX_RULES} rules`);
    }
  }

  private refuse(path: string, reason: string): void {
    if (!this.error.length) this.error = path + ": " + reason;
  }

  private warn(path: string, name: string, change: Change): void {
    const reason = overwritten(name, change, this.inRequest);
    if (reason) this.warnings.push(path + " may have no effect: " + reason);
  }

  /** Key of these rules in the configuration. */
  private get side(): string {
    return this.inRequest ? "request" : "response";
  }

  private path(list: string, index: i32): string {
    return `$.${this.side}.${list}[${index}]`;
  }

  /** What was checked at configure cannot fail here; should it all the same, it must not go unseen. */
  private complain(list: string, index: i32): void {
    log.error("the host refused " + this.path(list, index));
  }
}
