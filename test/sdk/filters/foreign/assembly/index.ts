import {
  clock,
  DnsAnswer,
  env,
  Expression,
  foreign,
  HeadersAction,
  HttpFilter,
  LifeSpan,
  log,
  memoryUsage,
  NoConfig,
  Plugin,
  property,
  PropertyType,
  random,
  registerHttpFilter,
  Status,
} from "meshwasm/sdk";

const NAMES: StaticArray<string> = [
  "verify_signature",
  "sign",
  "compress",
  "uncompress",
  "set_envoy_filter_state",
  "clear_route_cache",
  "expr_create",
  "expr_evaluate",
  "expr_delete",
  "declare_property",
  "no_such_function",
];

class ForeignPlugin extends Plugin<NoConfig> {
  private asked: u32 = 0;
  host: Expression | null = null;
  path: Expression | null = null;

  onConfigure(): bool {
    let has = "";
    for (let i = 0; i < NAMES.length; i++) if (foreign.has(NAMES[i])) has += NAMES[i] + " ";
    log.info("has " + has);
    const first = foreign.declareProperty("declared", PropertyType.String, true, LifeSpan.DownstreamRequest);
    const second = foreign.declareProperty("declared");
    log.info("declared " + said(first) + " " + said(second));
    this.host = Expression.create("request.host + '!'");
    this.path = Expression.create("request.path.startsWith('/cel')");
    const bad = Expression.create("1 +");
    log.info("bad " + (bad === null).toString() + " " + said(foreign.status()));
    return true;
  }

  /** Asks for a name; the answer is logged. */
  resolve(name: string): string {
    const token = this.resolveDns(name);
    this.asked = token;
    return token ? "asked" : "refused";
  }

  onResolveDns(token: u32, answer: DnsAnswer): void {
    log.info("answer " + (token == this.asked).toString() + " " + answer.addresses.join(","));
  }
}

class Foreign extends HttpFilter<ForeignPlugin> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const path = this.request.headers.get(":path");
    this.sendLocalResponse(200, this.act(path === null ? "" : path.substring(1)));
    return HeadersAction.StopIteration;
  }

  /** An argument of the request. */
  private text(name: string): string {
    const value = this.request.headers.get(name);
    return value === null ? "" : value;
  }

  /** An argument in hexadecimal. */
  private bytes(name: string): Uint8Array {
    const text = this.text(name);
    const bytes = new Uint8Array(text.length >> 1);
    for (let i = 0; i < bytes.length; i++) bytes[i] = <u8>parseInt(text.substr(i << 1, 2), 16);
    return bytes;
  }

  private act(action: string): string {
    if (action == "verify") {
      const right = foreign.verifySignature(
        this.text("x-hash"),
        this.bytes("x-key"),
        this.bytes("x-sig"),
        this.bytes("x-text"),
      );
      return right.toString() + " " + said(foreign.status()) + " " + foreign.error();
    }
    if (action == "verify-pem") {
      const pem = textOf(this.bytes("x-key"));
      const right = foreign.verifySignaturePem(this.text("x-hash"), pem, this.bytes("x-sig"), this.bytes("x-text"));
      return right.toString() + " " + said(foreign.status()) + " " + foreign.error();
    }
    if (action == "sign") {
      const made = foreign.sign(this.text("x-hash"), this.bytes("x-key"), this.bytes("x-text"));
      return hex(made) + " " + said(foreign.status()) + " " + foreign.error();
    }
    if (action == "sign-pem") {
      const made = foreign.signPem(this.text("x-hash"), textOf(this.bytes("x-key")), this.bytes("x-text"));
      return hex(made) + " " + said(foreign.status()) + " " + foreign.error();
    }
    if (action == "compress") return hex(foreign.compress(this.bytes("x-text"))) + " " + said(foreign.status());
    if (action == "uncompress") {
      const before = memoryUsage().total;
      const bytes = foreign.uncompress(this.bytes("x-text"), <u32>parseInt(this.text("x-limit")));
      const grown = memoryUsage().total - before;
      const size = bytes === null ? "null" : bytes.length.toString();
      return size + " " + said(foreign.status()) + " " + (grown < 1048576 ? "flat" : grown.toString());
    }
    if (action == "state") {
      const name = this.text("x-name");
      const status = foreign.setEnvoyFilterState(name, this.bytes("x-text"), LifeSpan.DownstreamRequest);
      const back = property.filterState(name);
      return said(status) + " " + (back === null ? "null" : textOf(back));
    }
    if (action == "declared") {
      const first = property.setString("declared", "one");
      const second = property.setString("declared", "two");
      const value = property.getString("declared");
      return said(first) + " " + said(second) + " " + (value === null ? "null" : value);
    }
    if (action == "route") return said(foreign.clearRouteCache());
    if (action.startsWith("cel/")) return cel(this.text("x-text"), action.substring(4));
    if (action == "cel-own") {
      const host = this.plugin.host;
      const path = this.plugin.path;
      if (!host || !path) return "none";
      const text = host.evaluateString();
      const starts = path.evaluateBool();
      return (text === null ? "null" : text) + " " + (starts ? starts.value.toString() : "null");
    }
    if (action == "call") {
      const answer = foreign.call(this.text("x-name"), this.bytes("x-text"), <u32>parseInt(this.text("x-limit")));
      return hex(answer) + " " + said(foreign.status());
    }
    if (action == "twice") {
      const once = foreign.call("uncompress", this.bytes("x-text"));
      if (once === null) return "null";
      const twice = foreign.call("uncompress", once);
      return once.length.toString() + " " + (twice === null ? "null" : twice.length.toString());
    }
    if (action == "random") {
      const count = <i32>parseInt(this.text("x-limit"));
      const bytes = random.bytes(count);
      if (bytes === null) return "null";
      let zeros = 0;
      let longest = 0;
      for (let i = 0; i < bytes.length; i++) {
        zeros = bytes[i] ? 0 : zeros + 1;
        longest = max(longest, zeros);
      }
      return bytes.length.toString() + " " + longest.toString() + " " + hex(bytes.subarray(0, 8));
    }
    if (action == "clocks") return clock.realtime().toString() + " " + clock.monotonic().toString();
    if (action == "env") {
      const value = env.getBytes(this.text("x-name"));
      return env.names().join(",") + "|" + (value === null ? "null" : hex(value));
    }
    if (action == "dns") return this.plugin.resolve(this.text("x-name"));
    if (action == "dns-many") {
      let asked = 0;
      for (let i = 0; i < 300; i++) asked += i32(this.plugin.resolve("127.0.0.1") == "asked");
      return asked.toString();
    }
    return "unknown";
  }
}

function cel(source: string, type: string): string {
  const expression = Expression.create(source);
  if (!expression) return "none " + said(foreign.status());
  let text = "null";
  if (type == "bool") {
    const value = expression.evaluateBool();
    if (value) text = value.value.toString();
  } else if (type == "int") {
    const value = expression.evaluateInt();
    if (value) text = value.value.toString();
  } else if (type == "pairs") {
    const value = expression.evaluatePairs();
    if (value) {
      text = "";
      for (let i = 0; i < value.length; i++) text += value.key(i) + "=" + value.value(i) + ";";
    }
  } else {
    const value = expression.evaluateString();
    if (value !== null) text = value;
  }
  const evaluated = said(foreign.status());
  const deleted = said(expression.delete());
  const gone = expression.evaluate() === null;
  return text + " " + evaluated + " " + deleted + " " + gone.toString() + " " + said(foreign.status());
}

function said(status: Status): string {
  return (<i32>status).toString();
}

function hex(bytes: Uint8Array | null): string {
  if (bytes === null) return "null";
  const digits = "0123456789abcdef";
  const text = new Uint8Array(bytes.length << 1);
  for (let i = 0; i < bytes.length; i++) {
    text[i << 1] = <u8>digits.charCodeAt(bytes[i] >> 4);
    text[(i << 1) + 1] = <u8>digits.charCodeAt(bytes[i] & 15);
  }
  return textOf(text);
}

function textOf(bytes: Uint8Array): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}

registerHttpFilter<Foreign, ForeignPlugin, NoConfig>();
