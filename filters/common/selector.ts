/* Selectors: short names of what a filter can look at. They are read once, when the filter is configured; what only an
 * earlier callback can see is kept for a later one only if a rule there asks for it. */

import { env, Expression, property } from "meshwasm/sdk";
import { IpAddress } from "meshwasm/sdk/std/cidr";
import { CookieReader } from "meshwasm/sdk/std/cookie";
import { xffAddress } from "meshwasm/sdk/std/forwarded";
import { isToken } from "meshwasm/sdk/std/field";
import { isJsonPointer, jsonAt } from "meshwasm/sdk/std/json-pointer";
import { JsonDocument, JsonValue } from "meshwasm/sdk/std/json-value";
import { percentDecode, QueryReader } from "meshwasm/sdk/std/url";
import { fromUtf8, toUtf8 } from "meshwasm/sdk/std/utf8";
import { Exchange, Kept, NOTHING, Phase } from "./exchange";
import { CLAIMS, GROUPS, IDENTITY } from "./identity";

/** What is looked at. Those up to Scheme are in the request's headers. */
const enum Source {
  Header,
  Query,
  Cookie,
  Path,
  Segment,
  WholeQuery,
  Target,
  Method,
  Host,
  Scheme,
  // In the request's body, JSON.
  Body,
  // In the response's headers.
  ResponseHeader,
  Status,
  // In the trailers of the callback.
  Trailer,
  // What can be read in all callbacks.
  Ip,
  Network,
  Port,
  Sni,
  Principal,
  Namespace,
  ServiceAccount,
  Identity,
  Group,
  Claim,
  Property,
  Cel,
  Constant,
}

/** Items of a list, and bytes in all, that a selector of the body can have as its value. */
const MOST_OF_BODY: i32 = 100;
const MOST_BYTES_OF_BODY: i32 = 4096;
/** Segments that a property's path can have. */
const MAX_SEGMENTS = 6;

export class Selector {
  /** Where its values are kept for a later callback; -1 when none needs them. */
  slot: i32 = -1;
  private name: string = "";
  private nameBytes: Uint8Array = new Uint8Array(0);
  private parts: string[] = [];
  private number: i32 = 0;
  private values: Uint8Array[] = NOTHING;
  private expression: Expression | null = null;

  constructor(
    readonly text: string,
    private source: Source,
  ) {}

  /** Reads a selector; null with the reason in `Selectors.reason`. */
  static parse(text: string): Selector | null {
    const colon = text.indexOf(":");
    if (colon < 0) return plain(text);
    const kind = text.substring(0, colon);
    const name = text.substring(colon + 1);
    if (!name.length) return refuse("needs a name behind the colon");
    const made = new Selector(text, Source.Constant);
    made.name = name;
    made.nameBytes = toUtf8(name);
    if (kind == "header" || kind == "response" || kind == "trailer") {
      if (!isToken(made.nameBytes.dataStart, made.nameBytes.length)) return refuse("is not the name of a header");
      made.source = kind == "header" ? Source.Header : kind == "response" ? Source.ResponseHeader : Source.Trailer;
      return made;
    }
    if (kind == "query") made.source = Source.Query;
    else if (kind == "cookie") made.source = Source.Cookie;
    else if (kind == "claim") {
      made.source = Source.Claim;
      made.parts = name.split(".");
    } else if (kind == "property") {
      made.source = Source.Property;
      made.parts = name.split(".");
    } else if (kind == "metadata") {
      const slash = name.lastIndexOf("/");
      if (slash < 1 || slash == name.length - 1) return refuse("must be metadata:NAMESPACE/KEY");
      made.source = Source.Property;
      made.parts = ["metadata", "filter_metadata", name.substring(0, slash), name.substring(slash + 1)];
    } else if (kind == "body") {
      if (name.charCodeAt(0) != 0x2f || !isJsonPointer(name)) return refuse("must be body: and a JSON Pointer, /a/0/b");
      made.source = Source.Body;
    } else if (kind == "env") {
      const value = env.getBytes(name);
      made.source = Source.Constant;
      if (value !== null) made.values = [value];
    } else if (kind == "cel") {
      const expression = Expression.create(name);
      if (!expression) return refuse("the host takes no such CEL expression, or has no CEL");
      made.source = Source.Cel;
      made.expression = expression;
    } else return refuse(UNKNOWN);
    if (made.source == Source.Property && made.parts.length > MAX_SEGMENTS) return refuse("has more than six segments");
    return made;
  }

  /** Why it has no meaning in this phase, or null. */
  refusedIn(phase: Phase): string | null {
    if (this.isOfResponse) {
      return phase >= Phase.Response ? null : "there is no response yet";
    }
    if (this.source == Source.Body) {
      return phase > Phase.Request ? null : "the body comes behind the headers: rules for them cannot look at it";
    }
    if (this.source == Source.Trailer) {
      return phase == Phase.RequestTrailers || phase == Phase.ResponseTrailers
        ? null
        : "trailers come behind the body: only rules for trailers can look at them";
    }
    return null;
  }

  /** The callback that alone can read it; -1 when all can. */
  get home(): i32 {
    if (this.source <= Source.Scheme) return <i32>Phase.Request;
    if (this.source == Source.Body) return <i32>Phase.RequestBody;
    return this.isOfResponse ? <i32>Phase.Response : -1;
  }

  /** Whether it is a part of the path or the query as it was sent, percent-encoded. */
  get isEncoded(): bool {
    return this.source >= Source.Path && this.source <= Source.Target;
  }

  /** Its values, in their order. */
  valuesIn(exchange: Exchange): Uint8Array[] {
    const home = this.home;
    if (home >= 0 && home != <i32>exchange.phase) {
      const kept = exchange.kept;
      return kept !== null && this.slot >= 0 ? kept[this.slot] : NOTHING;
    }
    return this.read(exchange);
  }

  /** Whether it is in the body of the request. */
  get isOfBody(): bool {
    return this.source == Source.Body;
  }

  private get isOfResponse(): bool {
    return this.source == Source.ResponseHeader || this.source == Source.Status;
  }

  private read(exchange: Exchange): Uint8Array[] {
    const map = exchange.map!;
    switch (this.source) {
      case Source.Header:
      case Source.ResponseHeader:
      case Source.Trailer:
        return map.linesBytes(this.name);
      case Source.Query:
        return this.query(map.getBytes(":path"));
      case Source.Cookie:
        return this.cookie(map.getBytes("cookie"));
      case Source.Path:
        return one(pathOf(map.getBytes(":path")));
      case Source.Segment:
        return one(segment(pathOf(map.getBytes(":path")), this.number));
      case Source.WholeQuery:
        return one(queryOf(map.getBytes(":path")));
      case Source.Target:
        return one(map.getBytes(":path"));
      case Source.Method:
        return one(map.getBytes(":method"));
      case Source.Host:
        return one(hostOf(map.getBytes(":authority")));
      case Source.Scheme:
        return one(map.getBytes(":scheme"));
      case Source.Body: {
        const body = exchange.body;
        return body ? bounded(scalars(jsonAt(body.root, this.name), MOST_OF_BODY)) : NOTHING;
      }
      case Source.Status:
        return one(map.getBytes(":status"));
      case Source.Ip:
      case Source.Network:
        return address(clientOf(exchange), this.source == Source.Network ? this.number : -1);
      case Source.Port: {
        const port = property.destination.port();
        return port === null ? NOTHING : text(port.value.toString());
      }
      case Source.Sni:
        return nonEmpty(property.connection.requestedServerName());
      case Source.Principal:
      case Source.Namespace:
      case Source.ServiceAccount:
        return this.spiffe(property.connection.uriSanPeerCertificate());
      case Source.Identity:
        return one(property.getBytes(IDENTITY));
      case Source.Group:
        return groups(property.getString(GROUPS));
      case Source.Claim:
        return this.claim(exchange.claims);
      case Source.Property:
        return one(this.propertyBytes());
      case Source.Cel:
        return this.evaluated();
      default:
        return this.values;
    }
  }

  private query(target: Uint8Array | null): Uint8Array[] {
    const query = queryOf(target);
    if (query === null) return NOTHING;
    const values: Uint8Array[] = [];
    const reader = new QueryReader(query.dataStart, query.length);
    const name = this.nameBytes;
    while (reader.next()) {
      if (decodesTo(reader.name, reader.nameLength, name)) values.push(decoded(reader.value, reader.valueLength));
    }
    return values;
  }

  private cookie(line: Uint8Array | null): Uint8Array[] {
    if (line === null) return NOTHING;
    const values: Uint8Array[] = [];
    const reader = new CookieReader(line.dataStart, line.length);
    const name = this.nameBytes;
    while (reader.next()) {
      if (reader.nameLength == name.length && !memory.compare(reader.namePtr, name.dataStart, name.length)) {
        values.push(copyOf(reader.valuePtr, reader.valueLength));
      }
    }
    return values;
  }

  /** As Istio has it: the principal is the SPIFFE identity without its scheme. */
  private spiffe(uri: string | null): Uint8Array[] {
    if (uri === null || !uri.startsWith("spiffe://")) return NOTHING;
    const principal = uri.substring(9);
    if (this.source == Source.Principal) return text(principal);
    const parts = principal.split("/");
    if (parts.length != 5 || parts[1] != "ns" || parts[3] != "sa") return NOTHING;
    return text(parts[this.source == Source.Namespace ? 2 : 4]);
  }

  private claim(given: JsonDocument | null): Uint8Array[] {
    let document = given;
    if (!document) {
      const json = property.getBytes(CLAIMS);
      if (json === null) return NOTHING;
      document = JsonDocument.fromBytes(json);
    }
    let value = document.root;
    for (let i = 0; i < this.parts.length; i++) value = value.get(this.parts[i]);
    return scalars(value);
  }

  private propertyBytes(): Uint8Array | null {
    const parts = this.parts;
    const count = parts.length;
    return property.getBytes(
      parts[0],
      count > 1 ? parts[1] : null,
      count > 2 ? parts[2] : null,
      count > 3 ? parts[3] : null,
      count > 4 ? parts[4] : null,
      count > 5 ? parts[5] : null,
    );
  }

  /** A text as it is, a boolean as true or false. An evaluation that fails has no value. */
  private evaluated(): Uint8Array[] {
    const value = this.expression!.evaluate();
    if (value === null) return NOTHING;
    if (value.length == 1 && value[0] < 2) return text(value[0] ? "true" : "false");
    return [value];
  }

  // For `plain` below.
  withNumber(number: i32): Selector {
    this.number = number;
    return this;
  }
}

const UNKNOWN =
  "is not a selector: header:NAME, query:NAME, cookie:NAME, path, path[N], query, target, method, host, scheme, response:NAME, " +
  "status, trailer:NAME, body:/JSON/POINTER, ip, ip/BITS, port, sni, principal, namespace, serviceAccount, identity, group, claim:A.B, " +
  "metadata:NAMESPACE/KEY, property:A.B, route, virtualHost, cel:EXPRESSION, env:NAME";

function plain(text: string): Selector | null {
  if (text == "path") return new Selector(text, Source.Path);
  if (text == "query") return new Selector(text, Source.WholeQuery);
  if (text == "target") return new Selector(text, Source.Target);
  if (text == "method") return new Selector(text, Source.Method);
  if (text == "host") return new Selector(text, Source.Host);
  if (text == "scheme") return new Selector(text, Source.Scheme);
  if (text == "status") return new Selector(text, Source.Status);
  if (text == "ip") return new Selector(text, Source.Ip);
  if (text == "port") return new Selector(text, Source.Port);
  if (text == "sni") return new Selector(text, Source.Sni);
  if (text == "principal") return new Selector(text, Source.Principal);
  if (text == "namespace") return new Selector(text, Source.Namespace);
  if (text == "serviceAccount") return new Selector(text, Source.ServiceAccount);
  if (text == "identity") return new Selector(text, Source.Identity);
  if (text == "group") return new Selector(text, Source.Group);
  if (text == "route") return Selector.parse("property:xds.route_name");
  if (text == "virtualHost") return Selector.parse("property:xds.virtual_host_name");
  if (text.startsWith("path[") && text.endsWith("]")) {
    const number = decimal(text.substring(5, text.length - 1), 1000);
    if (number < 1) return refuse("has a number that is not from 1 to 1000");
    return new Selector(text, Source.Segment).withNumber(number);
  }
  if (text.startsWith("ip/")) {
    const bits = decimal(text.substring(3), 128);
    if (bits < 1) return refuse("has a number of bits that is not from 1 to 128");
    return new Selector(text, Source.Network).withNumber(bits);
  }
  return refuse(UNKNOWN);
}

/** All selectors of a filter, and what of them is kept. */
export class Selectors {
  /** Why the last one was refused. */
  static reason: string = "";
  /** Whether one looks at the request's body. */
  needsBody: bool = false;
  private all: Selector[] = [];
  private slots: i32 = 0;

  /** `readsBodies`: the filter gives the body to its Exchange. */
  constructor(private readsBodies: bool = false) {}

  /** Whether nothing is looked at. */
  get isEmpty(): bool {
    return !this.all.length;
  }

  /** The selector of this text, for rules that run in `phase`; null with the reason in `reason`. */
  find(text: string, phase: Phase): Selector | null {
    let found: Selector | null = null;
    for (let i = 0; i < this.all.length; i++) if (this.all[i].text == text) found = this.all[i];
    if (!found) {
      found = Selector.parse(text);
      if (!found) return null;
      this.all.push(found);
    }
    if (found.isOfBody) {
      if (!this.readsBodies) return refuse("this filter does not read bodies");
      this.needsBody = true;
    }
    const refusal = found.refusedIn(phase);
    if (refusal !== null) return refuse(refusal);
    const home = found.home;
    if (home >= 0 && home != <i32>phase && found.slot < 0) found.slot = this.slots++;
    return found;
  }

  /** Reads what later callbacks will ask for, of what only this one can see. Null when nothing is ever kept. */
  keep(exchange: Exchange): Kept | null {
    if (!this.slots) return null;
    let kept = exchange.kept;
    if (!kept) {
      kept = new StaticArray<Uint8Array[]>(this.slots);
      for (let i = 0; i < this.slots; i++) kept[i] = NOTHING;
    }
    for (let i = 0; i < this.all.length; i++) {
      const selector = this.all[i];
      if (selector.slot >= 0 && selector.home == <i32>exchange.phase) kept[selector.slot] = selector.valuesIn(exchange);
    }
    exchange.kept = kept;
    return kept;
  }
}

function refuse(reason: string): Selector | null {
  Selectors.reason = reason;
  return null;
}

function one(value: Uint8Array | null): Uint8Array[] {
  return value === null ? NOTHING : [value];
}

function text(value: string): Uint8Array[] {
  return [toUtf8(value)];
}

function nonEmpty(value: string | null): Uint8Array[] {
  return value === null || !value.length ? NOTHING : text(value);
}

function copyOf(ptr: usize, length: usize): Uint8Array {
  const bytes = new Uint8Array(<i32>length);
  memory.copy(bytes.dataStart, ptr, length);
  return bytes;
}

function decoded(ptr: usize, length: usize): Uint8Array {
  const bytes = copyOf(ptr, length);
  return bytes.subarray(0, <i32>percentDecode(ptr, length, bytes.dataStart, true));
}

/** Whether a name of a query stands for these bytes. */
export function decodesTo(ptr: usize, length: usize, name: Uint8Array): bool {
  if (length < <usize>name.length) return false;
  if (length == <usize>name.length && !memory.compare(ptr, name.dataStart, length)) {
    // As it is, unless something in it means something else.
    for (let i: usize = 0; i < length; i++) {
      const c = load<u8>(ptr + i);
      if (c == 0x25 || c == 0x2b) return same(decoded(ptr, length), name);
    }
    return true;
  }
  return same(decoded(ptr, length), name);
}

export function same(a: Uint8Array, b: Uint8Array): bool {
  return a.length == b.length && !memory.compare(a.dataStart, b.dataStart, a.length);
}

/** Where the query of a request target begins: at its first ?; -1 when there is none. */
export function queryStart(target: Uint8Array): i32 {
  return target.indexOf(0x3f);
}

function pathOf(target: Uint8Array | null): Uint8Array | null {
  if (target === null) return null;
  const mark = queryStart(target);
  return mark < 0 ? target : target.subarray(0, mark);
}

function queryOf(target: Uint8Array | null): Uint8Array | null {
  if (target === null) return null;
  const mark = queryStart(target);
  return mark < 0 ? null : target.subarray(mark + 1);
}

/** The segment of this number, from 1 on. */
function segment(path: Uint8Array | null, number: i32): Uint8Array | null {
  if (path === null || !path.length || path[0] != 0x2f) return null;
  let start = 1;
  for (let n = 1; start <= path.length; n++) {
    let end = path.indexOf(0x2f, start);
    if (end < 0) end = path.length;
    if (n == number) return path.subarray(start, end);
    start = end + 1;
  }
  return null;
}

/** Without a port, in lower case: names of hosts have no case. */
function hostOf(authority: Uint8Array | null): Uint8Array | null {
  if (authority === null) return null;
  let end = authority.length;
  while (end > 0 && authority[end - 1] - 0x30 < 10) end--;
  const cut = end > 0 && end < authority.length && authority[end - 1] == 0x3a;
  const host = authority.slice(0, cut ? end - 1 : authority.length);
  for (let i = 0; i < host.length; i++) if (host[i] - 0x41 < 26) host[i] |= 0x20;
  return host;
}

/** Where the request comes from; null when x-forwarded-for does not have so many entries. What a client has written is further left. */
function clientOf(exchange: Exchange): string | null {
  const hops = exchange.trustedHops;
  if (!hops || exchange.phase != Phase.Request) return property.source.address();
  const line = exchange.map!.getBytes("x-forwarded-for");
  return line === null ? null : xffAddress(line.dataStart, line.length, hops - 1);
}

/** The client's address, or, with `bits`, its network: of an IPv6 address so many bits, of an IPv4 address 32 at most. */
function address(from: string | null, bits: i32): Uint8Array[] {
  if (from === null) return NOTHING;
  const bytes = toUtf8(from);
  const ip = new IpAddress();
  // Envoy's has a port, that of a header has none.
  if (ip.parseWithPort(bytes.dataStart, bytes.length) < 0 && !ip.parse(bytes.dataStart, bytes.length)) return NOTHING;
  if (bits >= 0) ip.mask(ip.isV4 ? min(bits, 32) : bits);
  return text(ip.toString());
}

function groups(lines: string | null): Uint8Array[] {
  if (lines === null || !lines.length) return NOTHING;
  const parts = lines.split("\n");
  const values: Uint8Array[] = [];
  for (let i = 0; i < parts.length; i++) if (parts[i].length) values.push(toUtf8(parts[i]));
  return values;
}

/** A text, number or boolean, or all such items of a list; none of a list that is longer than `most`. */
function scalars(value: JsonValue, most: i32 = i32.MAX_VALUE): Uint8Array[] {
  const values: Uint8Array[] = [];
  if (!value.isArray) pushScalar(value, values);
  else if (value.length <= most) for (let i = 0, n = value.length; i < n; i++) pushScalar(value.at(i), values);
  return values;
}

/** What is kept of a body until its stream ends is little, whatever a client sends. */
function bounded(values: Uint8Array[]): Uint8Array[] {
  let bytes = 0;
  for (let i = 0; i < values.length; i++) bytes += values[i].length;
  return bytes <= MOST_BYTES_OF_BODY ? values : NOTHING;
}

function pushScalar(value: JsonValue, values: Uint8Array[]): void {
  if (value.isString || value.isNumber) values.push(copyOf(value.textPtr, value.textLength));
  else if (value.isBool) values.push(toUtf8(value.bool() ? "true" : "false"));
}

/** A number up to `most` in decimal digits; -1 for anything else. */
function decimal(digits: string, most: i32): i32 {
  if (!digits.length || digits.length > 4) return -1;
  let value = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(i) - 0x30;
    if (<u32>digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= most ? value : -1;
}
