import {
  Counter,
  DnsAnswer,
  env,
  Expression,
  foreign,
  Gauge,
  Histogram,
  Labelled,
  Leader,
  log,
  Pairs,
  Plugin,
  property,
  SharedData,
  SharedQueue,
  SharedUpdate,
  Status,
  Value,
} from "meshwasm/sdk";
import { FuzzConfig } from "./config";

class Longer extends SharedUpdate {
  tries: i32 = 0;

  next(old: Uint8Array | null): Uint8Array | null {
    this.tries++;
    const length = old === null ? 0 : min(old.length, 64);
    const bytes = new Uint8Array(length + 1);
    for (let i = 0; i < length; i++) bytes[i] = old === null ? 0 : old[i];
    return bytes;
  }
}

/** What a plugin does on a tick, as the instruction says; logs what a model can foretell. */
export abstract class StateFuzz extends Plugin<FuzzConfig> {
  private flags: u32 = 0;
  private name: string = "";
  private value: Uint8Array = new Uint8Array(0);
  private shared: SharedData = new SharedData("fuzz");
  private queue: SharedQueue = new SharedQueue("fuzz");
  private leader: Leader = new Leader(this.shared, "leader", 1000);
  private counters: Labelled<Counter> = new Labelled<Counter>("fuzz", ["a", "b"], 20);

  onTick(): void {
    this.instruction();
    const area = this.flags >> 4;
    if (area == 0) this.properties();
    else if (area == 1) this.sharedData();
    else if (area == 2) this.items();
    else if (area == 3) this.functions();
    else if (area == 4) this.environment();
    else if (area == 5) this.names();
    else if (area == 6) log.info("asked " + this.resolveDns(this.name).toString());
  }

  onQueueReady(queueId: u32): void {
    this.instruction();
    this.items();
  }

  onResolveDns(token: u32, answer: DnsAnswer): void {
    let line = "dns " + token.toString();
    for (let i = 0; i < answer.addresses.length; i++) {
      line += "|" + answer.addresses[i] + " " + answer.ttls[i].toString();
    }
    log.info(line);
  }

  private instruction(): void {
    const input = this.vmConfiguration();
    const end = input.length > 1 ? min(input.length, 2 + <i32>input[1]) : 0;
    this.flags = input.length ? input[0] : 0;
    this.name = textOf(input.subarray(end ? 2 : 0, end));
    this.value = input.subarray(end);
  }

  private properties(): void {
    const name = this.name;
    say("bytes", hashOrNull(property.getBytes(name)));
    say("text", property.getString("a", name));
    say("int", numberOf<i64>(property.getInt("a", "b")));
    say("uint", numberOf<u64>(property.getUint("a", "b")));
    say("bool", numberOf<bool>(property.getBool("a")));
    say("pairs", pairsOf(property.getPairs("a", name, "c")));
    property.getDouble("a", "b", "c", "d", "e", name);
    property.request.headers();
    property.response.headersBytes();
    property.connection.mtls();
    property.set(name, this.value);
    property.filterState(name);
  }

  private sharedData(): void {
    const shared = this.shared;
    const value = shared.get(this.name);
    log.info(
      "shared " + said(shared.status) + " " + (value === null ? "null" : hash(value)) + " " + shared.cas.toString(),
    );
    shared.getText(this.name);
    const change = new Longer();
    log.info(
      "update " + said(shared.update(this.name, change, 1 + <i32>(this.flags & 7))) + " " + change.tries.toString(),
    );
    shared.set(this.name, this.value);
    shared.setIf(this.name, this.value, this.flags);
    const leads = this.leader.renew();
    log.info("leads " + leads.toString() + " " + this.leader.leads.toString());
    this.leader.resign();
  }

  private items(): void {
    this.queue.register();
    this.queue.resolve(this.name);
    this.queue.enqueue(this.value);
    let count = 0;
    let sum: u32 = 0;
    for (let item = this.queue.dequeue(); item !== null; item = this.queue.dequeue()) {
      count++;
      for (let i = 0; i < item.length; i++) sum = sum * 31 + item[i];
    }
    log.info("items " + count.toString() + " " + sum.toString() + " " + said(this.queue.status));
  }

  private functions(): void {
    const value = this.value;
    log.info(
      "verify " + foreign.verifySignature("sha256", value, value, value).toString() + " " + said(foreign.status()),
    );
    const signed = foreign.signPem(this.name, this.name, value);
    log.info("sign " + (signed === null ? "null" : hash(signed)) + " " + said(foreign.status()));
    const small = foreign.uncompress(value, 20);
    log.info("uncompress " + (small === null ? "null" : hash(small)) + " " + said(foreign.status()));
    const any = foreign.call(this.name, value);
    log.info("call " + (any === null ? "null" : hash(any)) + " " + said(foreign.status()));
    foreign.has("sign");
    const expression = Expression.create(this.name);
    if (expression) {
      expression.evaluateBool();
      expression.evaluateInt();
      expression.evaluateString();
      expression.evaluatePairs();
      expression.delete();
    }
    foreign.declareProperty(this.name);
    foreign.setEnvoyFilterState(this.name, value);
    foreign.clearRouteCache();
    foreign.compress(value);
  }

  private environment(): void {
    const names = env.names();
    let line = "env " + names.length.toString();
    for (let i = 0; i < min(names.length, 20); i++) {
      const value = env.getBytes(names[i]);
      line += "|" + names[i] + "=" + (value === null ? "null" : hash(value));
    }
    log.info(line);
    env.get(this.name);
  }

  private names(): void {
    const text = textOf(this.value);
    this.counters.of(this.name, text).increment(this.flags & 15);
    this.counters.of(text, this.name).increment();
    new Counter(this.name).increment();
    new Gauge(text).set(<u64>this.flags);
    new Gauge(this.name).add(-(<i64>this.flags));
    new Histogram(this.name).record(1);
    new Labelled<Gauge>(text, [this.name, text, "c", "d", "e"]).of(text, this.name, text, text).set(3);
    log.info("series " + this.counters.overflowed.toString());
  }
}

function say(what: string, value: string | null): void {
  log.info(what + " " + said(property.status()) + " " + (value === null ? "null" : "=" + value));
}

function said(status: Status): string {
  return (<i32>status).toString();
}

function numberOf<T>(value: Value<T> | null): string | null {
  return value ? value.value.toString() : null;
}

function pairsOf(pairs: Pairs | null): string | null {
  if (!pairs) return null;
  let line = pairs.length.toString();
  for (let i = 0; i < min(pairs.length, 20); i++) {
    line += "|" + hash(pairs.keyBytes(i)) + "=" + hash(pairs.valueBytes(i));
    const found = pairs.getBytes(pairs.key(i));
    if (found === null) line += "?";
  }
  // Beyond the end and before the beginning.
  line += pairs.key(pairs.length) + pairs.value(-1);
  return line;
}

function hashOrNull(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : hash(bytes);
}

function hash(bytes: Uint8Array): string {
  let sum: u32 = 0;
  for (let i = 0; i < bytes.length; i++) sum = sum * 31 + bytes[i];
  return bytes.length.toString() + " " + sum.toString();
}

function textOf(bytes: Uint8Array): string {
  const units = new Array<i32>(min(bytes.length, 256));
  for (let i = 0; i < units.length; i++) units[i] = bytes[i];
  return String.fromCharCodes(units);
}
