/* A host for the module with a clock, one store of shared data, and writers that come between a read and a write. */

import { Fault, FuzzHost, NOTHING, OK, type Callback, type Given } from "../fuzz/host.js";
import { serialise } from "../fuzz/inputs.js";

const ROOT = 1;
const PLUGIN_CONFIGURATION = 7;
const NOT_FOUND = 1;
const CAS_MISMATCH = 8;

interface Item {
  value: Buffer;
  cas: number;
}

const given = (bytes: Uint8Array): Given => ({ ...NOTHING, bytes, fault: Fault.None });

export class RateLimitHost {
  readonly shared = new Map<string, Item>();
  readonly counters = new Map<string, number>();
  /** Nanoseconds. */
  realtime = 1_800_000_000_000_000_000n;
  private monotonic = 5_000_000_000_000n;
  /** Before so many writes another thread writes. */
  interferes = 0;
  /** Another thread creates what is created here, first. */
  createsFirst = false;
  fails: { which: "get" | "set"; status: number } | null = null;
  sets = 0;
  readonly isConfigured: boolean;
  private readonly host: FuzzHost;
  private readonly names: string[] = [];
  private cas = 0;
  private nextStream = 2;
  private readonly open: number[] = [];
  private refused = false;

  constructor(module: WebAssembly.Module, config: object, mayRefuse = false) {
    this.host = new FuzzHost(module, (host) => this.functions(host));
    this.host.call["proxy_on_context_create"]!(ROOT, 0);
    const text = Buffer.from(JSON.stringify(config));
    this.host.buffers[PLUGIN_CONFIGURATION] = given(text);
    this.isConfigured = this.host.call["proxy_on_configure"]!(ROOT, text.length) === 1;
    if (!this.isConfigured && !mayRefuse) throw new Error("the configuration is refused");
  }

  /** Bytes of linear memory. */
  get size(): number {
    return this.host.size;
  }

  /** Milliseconds. */
  advance(ms: number): void {
    this.monotonic += BigInt(ms) * 1_000_000n;
    this.realtime += BigInt(ms) * 1_000_000n;
  }

  /** Whether a request passes; it stays open until `endAll`. */
  passes(headers: readonly (readonly [string, string])[] = [], path = "/"): boolean {
    const { host } = this;
    const id = this.nextStream++;
    const lines = [[":path", path], [":method", "GET"], [":authority", "a"], ...headers] as [string, string][];
    this.refused = false;
    host.maps[0] = given(mapOf(lines));
    host.call["proxy_on_context_create"]!(id, ROOT);
    host.call["proxy_on_request_headers"]!(id, lines.length, 1);
    host.maps[0] = NOTHING;
    if (!this.refused) {
      host.maps[2] = given(mapOf([[":status", "200"]]));
      host.call["proxy_on_response_headers"]!(id, 1, 1);
      host.maps[2] = NOTHING;
    }
    this.open.push(id);
    if (this.refused || this.open.length > 100) this.end(this.open.pop()!);
    return !this.refused;
  }

  endAll(): void {
    for (const id of this.open.splice(0)) this.end(id);
  }

  private end(id: number): void {
    this.host.call["proxy_on_done"]!(id);
    this.host.call["proxy_on_delete"]!(id);
  }

  private functions(host: FuzzHost): Readonly<Record<string, Callback>> {
    let random = 1;
    return {
      proxy_get_property: (path, length, ret, retLength) =>
        host.take(path!, length!).toString() === "plugin_name"
          ? host.give(given(Buffer.from("rate-limit")), ret!, retLength!)
          : NOT_FOUND,
      clock_time_get: ((id: number, _precision: bigint, ret: number) => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigUInt64LE(id ? this.monotonic : this.realtime);
        host.put(ret, bytes);
        return OK;
      }) as unknown as Callback,
      random_get: (ptr, length) => {
        host.put(
          ptr!,
          Buffer.from(Array.from({ length: length! }, () => (random = (random * 16807) % 2147483647) & 255)),
        );
        return OK;
      },
      proxy_set_tick_period_milliseconds: () => OK,
      proxy_define_metric: (_type, name, length, ret) =>
        host.number(ret!, this.names.push(host.take(name!, length!).toString())),
      proxy_increment_metric: (id, by) => {
        const name = this.names[id! - 1]!;
        this.counters.set(name, (this.counters.get(name) ?? 0) + Number(by));
        return OK;
      },
      proxy_send_local_response: () => {
        this.refused = true;
        return OK;
      },
      proxy_get_shared_data: (key, length, ret, retLength, retCas) => {
        if (this.fails?.which === "get") return this.fails.status;
        const item = this.shared.get(host.take(key!, length!).toString("latin1"));
        if (!item) return NOT_FOUND;
        host.number(retCas!, item.cas);
        return host.give(given(item.value), ret!, retLength!);
      },
      proxy_set_shared_data: (key, length, value, valueLength, cas) => {
        this.sets++;
        if (this.fails?.which === "set") return this.fails.status;
        const name = host.take(key!, length!).toString("latin1");
        const bytes = host.take(value!, valueLength!);
        let item = this.shared.get(name);
        if (!item && this.createsFirst) this.shared.set(name, (item = { value: Buffer.alloc(0), cas: ++this.cas }));
        if (item && this.interferes > 0) {
          this.interferes--;
          item.cas = ++this.cas;
        }
        if (item && cas && cas >>> 0 !== item.cas) return CAS_MISMATCH;
        this.shared.set(name, { value: bytes, cas: ++this.cas });
        return OK;
      },
    };
  }
}

function mapOf(lines: readonly (readonly [string, string])[]): Uint8Array {
  return serialise(lines.map(([name, value]) => [Buffer.from(name, "latin1"), Buffer.from(value, "latin1")] as const));
}
