import {
  Counter,
  DnsAnswer,
  env,
  foreign,
  Gauge,
  Histogram,
  log,
  Plugin,
  property,
  SharedData,
  SharedQueue,
  Status,
} from "meshwasm/sdk";
import { AbiConfig } from "./config";

/** What a plugin shares with others and with the host, and the calls that a request's path names. */
export abstract class StatePlugin extends Plugin<AbiConfig> {
  protected shared: SharedData = new SharedData("abi");
  protected queue: SharedQueue = new SharedQueue("abi");
  protected own: SharedQueue = new SharedQueue("own");

  onQueueReady(queueId: u32): void {
    const items: string[] = [];
    for (let item = this.own.dequeue(); item !== null; item = this.own.dequeue()) items.push(textOf(item));
    if (items.length) log.info("woken by " + (queueId == this.own.id ? "own" : "other") + ": " + items.join(","));
  }

  onResolveDns(token: u32, answer: DnsAnswer): void {
    log.info("resolved " + answer.addresses.join(" ") + " " + answer.ttls.join(" "));
  }

  /** What a call gives, as text; null for a path that names none of these. */
  call(name: string): string | null {
    if (name == "proxy_set_property") {
      const status = property.setString("abi", "value");
      const value = property.getString("abi");
      return said(status) + " " + said(value) + " " + said(property.setString("a\0b", ""));
    }
    if (name.endsWith("shared_data")) return this.data(name);
    if (name.endsWith("shared_queue")) return this.queues(name);
    if (name.endsWith("_metric")) return this.metrics(name);
    if (name == "proxy_call_foreign_function") return this.functions();
    if (name == "proxy_on_queue_ready") {
      this.own.register();
      this.own.enqueueText("one");
      this.own.enqueueText("two");
      return "";
    }
    if (name == "environ_sizes_get") return env.names().join(",");
    if (name == "environ_get") {
      const values = [env.get("ONE"), env.get("TWO"), env.get("EMPTY"), env.get("LIGHT"), env.get("ONES")];
      return values.map<string>((value) => (value === null ? "none" : value)).join("|");
    }
    if (name.endsWith("resolve_dns")) return "asked " + this.resolveDns("127.0.0.1").toString();
    return null;
  }

  private data(name: string): string {
    const shared = this.shared;
    if (name == "proxy_get_shared_data") {
      const none = said(shared.getText("absent")) + " " + said(shared.status);
      const status = shared.setText("key", "value");
      return none + ", " + said(status) + " " + said(shared.getText("key"));
    }
    const first = shared.setText("twice", "a");
    shared.get("twice");
    const cas = shared.cas;
    const second = shared.setText("twice", "b");
    const third = shared.setIf("twice", bytesOf("c"), cas);
    const value = said(shared.getText("twice"));
    const created = said(shared.create("once" + this.contextId.toString(), bytesOf("1")));
    const again = said(shared.create("once" + this.contextId.toString(), bytesOf("2")));
    return said(first) + " " + said(second) + " " + said(third) + " " + value + ", " + created + " " + again;
  }

  private queues(name: string): string {
    const queue = this.queue;
    if (name == "proxy_resolve_shared_queue") {
      const missing = said(new SharedQueue("missing").resolve());
      queue.register();
      const other = new SharedQueue("abi");
      return missing + " " + said(other.resolve()) + " " + (other.id == queue.id ? "same" : "other");
    }
    const registered = said(queue.register());
    if (name == "proxy_register_shared_queue") return registered + " " + queue.id.toString();
    if (name == "proxy_enqueue_shared_queue") {
      const answers = said(queue.enqueue(bytesOf("one"))) + " " + said(queue.enqueueText("two"));
      const items = said(textOf(queue.dequeue())) + " " + said(textOf(queue.dequeue()));
      queue.dequeue();
      return answers + " " + items + " " + said(queue.status);
    }
    queue.dequeue();
    const unknown = new SharedQueue("never");
    unknown.dequeue();
    return said(queue.status) + " " + said(unknown.status);
  }

  private metrics(name: string): string {
    if (name == "proxy_define_metric") return new Counter("abi_defined").value.toString();
    const counter = new Counter(name == "proxy_get_metric" ? "abi_read" : "abi_counter");
    const gauge = new Gauge(name == "proxy_get_metric" ? "abi_get" : "abi_gauge");
    if (name == "proxy_record_metric") {
      const recorded = new Gauge("abi_recorded");
      recorded.set(30);
      recorded.set(12);
      const histogram = new Histogram("abi_histogram");
      histogram.record(7);
      return said(histogram.record(9));
    }
    if (name == "proxy_increment_metric") {
      counter.increment();
      counter.increment(0);
      counter.increment(3);
      gauge.add(9);
      gauge.add(-2);
      return "";
    }
    counter.increment(5);
    gauge.set(9);
    return counter.value.toString() + " " + gauge.value.toString();
  }

  private functions(): string {
    const packed = foreign.call("compress", bytesOf("hello"));
    if (packed === null) return "null";
    const text = foreign.call("uncompress", packed);
    const status = said(foreign.status());
    const limited = foreign.call("uncompress", packed, 5);
    foreign.call("no_such_function", packed);
    return status + " " + textOf(text) + ", " + textOf(limited) + " " + said(foreign.status());
  }
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? "null" : String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}

function said<T>(value: T): string {
  if (isString<T>()) return value === null ? "none" : <string>value;
  // @ts-ignore: a status
  return (<i32>value).toString();
}
