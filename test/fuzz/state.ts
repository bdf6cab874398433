/* The entrances by which bytes come into a plugin: properties, shared data, queue items, results of foreign functions, the
 * environment, answers to DNS queries; and the names of metrics, which go out. */

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { isUtf8 } from "node:buffer";
import { BAD_ARGUMENT, Fault, FuzzHost, NOTHING, OK, received, type Callback, type Given } from "./host.js";
import { anyMap, anyName, anyValue, given, instruction, Random } from "./inputs.js";

const ROOT = 1;
const VM_CONFIGURATION = 6;
const CALL_DATA = 8;
const NOT_FOUND = 1;
const SERIALIZATION_FAILURE = 3;
const CAS_MISMATCH = 8;
const EMPTY = 7;

export const STATE_ENTRANCES = [
  "properties",
  "shared data",
  "queue items",
  "foreign results",
  "environment",
  "metric names",
  "DNS answers",
] as const;
export type StateEntrance = (typeof STATE_ENTRANCES)[number];

const NOW = 5_000_000_000_000n;
/** Items that one callback may take. */
const PER_CALLBACK = 64;

/** What the host returns in one input. */
interface Answers {
  property: Given;
  shared: Given;
  cas: number;
  item: Given;
  result: Given;
  environment: { readonly count: number; readonly size: number; readonly block: Uint8Array; readonly errors: number };
  status: number;
  /** How a DNS query is answered: 0 at once, 1 later, 2 refused. */
  dns: number;
}

const EMPTY_ENVIRONMENT = { count: 0, size: 0, block: new Uint8Array(), errors: 0 };

export class StateRun {
  checked = 0;
  private readonly random = new Random();
  private readonly module: WebAssembly.Module;
  private instance: FuzzHost;
  private answers: Answers = {
    property: NOTHING,
    shared: NOTHING,
    cas: 1,
    item: NOTHING,
    result: NOTHING,
    environment: EMPTY_ENVIRONMENT,
    status: OK,
    dns: 1,
  };
  private token = 0;
  private readonly series = new Set<string>();

  constructor(
    wasm: Uint8Array,
    private readonly entrance: StateEntrance,
  ) {
    this.module = new WebAssembly.Module(wasm as BufferSource);
    this.instance = this.start();
  }

  get host(): FuzzHost {
    return this.instance;
  }

  input(seed: number, index: number, checked: boolean): void {
    const { random } = this;
    random.seed(seed, index);
    // Read once per VM.
    if (this.entrance === "environment") {
      const { hostCalls } = this.instance;
      this.instance = this.start();
      this.instance.hostCalls += hostCalls;
    }
    const host = this.instance;
    host.keepsTexts = checked;
    host.texts.length = 0;
    this.answers.status = random.below(4) ? OK : random.below(13);
    this[this.entrance === "DNS answers" ? "dns" : "tick"]();
    if (checked) this.checked++;
  }

  private start(): FuzzHost {
    const host = new FuzzHost(this.module, (own) => this.functions(own));
    host.call["proxy_on_context_create"]!(ROOT, 0);
    return host;
  }

  private functions(host: FuzzHost): Readonly<Record<string, Callback>> {
    const answer = () => this.answers.status;
    return {
      proxy_get_property: (path, length, ret, retLength) =>
        host.take(path!, length!).toString() === "plugin_name"
          ? host.give({ bytes: Buffer.from("fuzz"), fault: Fault.None, status: OK }, ret!, retLength!)
          : host.give(this.answers.property, ret!, retLength!),
      proxy_set_property: (path, length, value, valueLength) => {
        if (host.take(path!, length!).includes(0)) throw new Error("a property with a zero in its name was written");
        host.within(value!, valueLength!);
        return answer();
      },
      proxy_get_shared_data: (key, length, ret, retLength, retCas) => {
        this.key(host.take(key!, length!));
        host.number(retCas!, this.answers.cas);
        return host.give(this.answers.shared, ret!, retLength!);
      },
      proxy_set_shared_data: (key, length, value, valueLength) => {
        this.key(host.take(key!, length!));
        host.within(value!, valueLength!);
        return answer();
      },
      proxy_register_shared_queue: (name, length, ret) => {
        this.key(host.take(name!, length!));
        host.number(ret!, 7);
        return answer();
      },
      proxy_resolve_shared_queue: (vmId, vmIdLength, name, length, ret) => {
        host.within(vmId!, vmIdLength!);
        this.key(host.take(name!, length!));
        host.number(ret!, 7);
        return answer();
      },
      proxy_enqueue_shared_queue: (_queue, value, length) => {
        host.within(value!, length!);
        return answer();
      },
      // As many as are asked for.
      proxy_dequeue_shared_queue: (_queue, ret, retLength) => host.give(this.answers.item, ret!, retLength!),
      proxy_call_foreign_function: (name, length, value, valueLength, ret, retLength) => {
        host.within(name!, length!);
        host.within(value!, valueLength!);
        const { bytes, fault, status } = this.answers.result;
        if (ret) {
          // Envoy writes to whatever malloc gives.
          return host.give(
            fault === Fault.Huge ? { bytes, fault: Fault.None, status } : this.answers.result,
            ret,
            retLength!,
          );
        }
        host.number(retLength!, fault === Fault.TooLong ? bytes.length * 2 + (1 << 20) : bytes.length);
        return fault === Fault.Refuses || fault === Fault.RefusesWithData ? status : OK;
      },
      environ_sizes_get: (count, size) => {
        const { environment } = this.answers;
        host.number(count!, environment.count);
        host.number(size!, environment.size);
        return environment.errors & 1 ? 76 : OK;
      },
      environ_get: (pointers, block) => {
        const { environment } = this.answers;
        const { count, size, errors } = environment;
        host.within(pointers!, count * 4);
        host.within(block!, size);
        for (let i = 0; i < count; i++) host.number(pointers! + i * 4, this.random.next());
        host.put(block!, environment.block.subarray(0, size));
        return errors & 2 ? 76 : OK;
      },
      clock_time_get: (_id, _precision, ret) => {
        host.number(ret!, Number(NOW & 0xffffffffn));
        return host.number(ret! + 4, Number(NOW >> 32n));
      },
      random_get: (ptr, length) => {
        host.within(ptr!, length!);
        host.put(ptr!, Buffer.from("12345678"));
        return OK;
      },
      proxy_define_metric: (type, name, length, ret) => {
        if (type! > 2) throw new Error(`metric type ${type}`);
        this.metric(host.take(name!, length!).toString());
        host.number(ret!, 1 + this.series.size);
        return answer();
      },
      proxy_increment_metric: (id, delta) => {
        if (!id) throw new Error("a metric without a number");
        if (BigInt(delta!) === 0n) throw new Error("an increment of 0 was sent");
        return answer();
      },
      proxy_record_metric: (id) => {
        if (!id) throw new Error("a metric without a number");
        return answer();
      },
      envoy_resolve_dns: (name, length, ret) => {
        host.within(name!, length!);
        const token = ++this.token;
        host.number(ret!, token);
        if (this.answers.dns === 0) {
          host.nests = true;
          this.answer(host, token);
          host.nests = false;
        }
        return this.answers.dns === 2 ? answer() || BAD_ARGUMENT : OK;
      },
    };
  }

  /** Names of shared data and queues are in the filter's own namespace. */
  private key(name: Buffer): void {
    if (!name.subarray(0, 8).equals(Buffer.from("meshwasm")))
      throw new Error(`the name ${name.toString("hex")} was used`);
    this.instance.written++;
  }

  /** A name of which each label can be told from all others. */
  private metric(name: string): void {
    const value = "[\\w\\-./+~%*@!?&$()]{0,128}";
    if (!new RegExp(`^[\\w.]*(\\.(\\w*=\\.=${value};\\.;){1,4})?$`).test(name)) {
      throw new Error(`the metric ${JSON.stringify(name)} was defined`);
    }
    if (name.startsWith("fuzz.a=")) this.series.add(name);
    if (this.series.size > 21) throw new Error(`${this.series.size} series`);
    this.instance.written++;
  }

  private instruct(area: number, name: Uint8Array, value: Uint8Array): void {
    const flags = (area << 4) | this.random.below(16);
    this.instance.buffers[VM_CONFIGURATION] = { bytes: instruction(flags, name, value), fault: Fault.None, status: OK };
  }

  private tick(): void {
    const { random, answers, instance: host } = this;
    const name = anyName(random);
    const value = anyValue(random);
    const area = STATE_ENTRANCES.indexOf(this.entrance);
    this.instruct(area, name, value);
    switch (this.entrance) {
      case "properties":
        answers.property = random.below(2) ? anyMap(random) : given(random, this.bytes());
        break;
      case "shared data":
        answers.shared = given(random, random.below(2) ? this.lease() : this.bytes());
        answers.cas = random.pick([0, 1, 2, 0xffffffff, random.next()]);
        if (random.below(4) === 0) answers.status = CAS_MISMATCH;
        break;
      case "queue items":
        answers.item = random.below(8)
          ? given(random, this.bytes())
          : { ...NOTHING, fault: Fault.Refuses, status: EMPTY };
        break;
      case "foreign results":
        answers.result = given(random, random.below(4) ? this.message() : this.bytes());
        break;
      case "environment":
        answers.environment = this.variables();
        break;
    }
    if (this.entrance === "queue items" && random.below(2)) host.call["proxy_on_queue_ready"]!(ROOT, random.below(9));
    else host.call["proxy_on_tick"]!(ROOT);
    if (host.keepsTexts) this.compare(name);
  }

  private compare(name: Uint8Array): void {
    const { answers, instance: host } = this;
    const texts = host.takeTexts();
    const expected: string[] = [];
    switch (this.entrance) {
      case "properties":
        expected.push(...readingOf(answers.property, name));
        break;
      case "shared data": {
        const { status, bytes } = received(answers.shared);
        expected.push(`shared ${status} ${status ? "null" : hash(bytes)} ${status ? 0 : answers.cas}`);
        if (texts[0] !== expected[0]) break;
        // Whoever does not get the lease does not lead.
        const free = status === NOT_FOUND || (status === OK && !holds(bytes));
        const leads = free && answers.status === OK && (status === NOT_FOUND || answers.cas !== 0);
        if (texts[2] !== `leads ${leads} ${leads}`)
          throw new Error(`${texts[2]} with ${Buffer.from(bytes).toString("hex")}`);
        const tries = Number(texts[1]!.split(" ")[2]);
        if (tries > 8) throw new Error(`${tries} tries`);
        break;
      }
      case "queue items": {
        const { status, bytes } = received(answers.item);
        const count = status === OK ? PER_CALLBACK : 0;
        let sum = 0;
        for (let i = 0; i < count; i++) for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) >>> 0;
        expected.push(`items ${count} ${sum} ${status === OK ? EMPTY : status}`);
        break;
      }
      case "foreign results":
        expected.push(...callsOf(answers.result));
        break;
      case "environment":
        expected.push(environmentOf(answers.environment));
        break;
    }
    expected.forEach((line, i) => {
      if (texts[i] !== line) {
        throw new Error(`${JSON.stringify(texts[i]?.slice(0, 300))} instead of ${JSON.stringify(line.slice(0, 300))}`);
      }
    });
  }

  /** Queries that are answered at once, later, twice, in another order, by whom nobody has asked. */
  private dns(): void {
    const { random, instance: host } = this;
    const answered: number[] = [];
    const asked: number[] = [];
    for (let n = 1 + random.below(4); n; n--) {
      this.answers.dns = random.below(8) ? random.below(2) : 2;
      host.buffers[CALL_DATA] = given(random, this.addresses());
      this.instruct(6, anyName(random), anyValue(random));
      const before = this.token;
      host.call["proxy_on_tick"]!(ROOT);
      // The empty name is not asked for.
      if (this.token === before) continue;
      if (this.answers.dns === 1) asked.push(this.token);
      else if (this.answers.dns === 0) answered.push(this.token);
    }
    while (asked.length) {
      const [token] = asked.splice(random.below(asked.length), 1);
      host.buffers[CALL_DATA] = given(random, this.addresses());
      host.texts.length = 0;
      this.answer(host, token!);
      if (host.keepsTexts) {
        const line = answerOf(token!, host.buffers[CALL_DATA]!);
        const [said] = host.takeTexts();
        if (said !== line) throw new Error(`${JSON.stringify(said)} instead of ${JSON.stringify(line)}`);
      }
      answered.push(token!);
    }
    host.texts.length = 0;
    this.answer(host, random.below(2) ? random.next() : random.pick(answered.length ? answered : [1]));
    if (host.texts.length) throw new Error(`an answer that nobody waits for: ${host.texts[0]}`);
  }

  private answer(host: FuzzHost, token: number): void {
    const { bytes } = host.buffers[CALL_DATA]!;
    host.call["envoy_on_resolve_dns"]!(ROOT, token, this.random.below(9) ? bytes.length : 0xffff);
  }

  private bytes(): Uint8Array {
    const { random } = this;
    if (random.below(200) === 0) return new Uint8Array(random.below(100_000)).fill(random.next());
    return random.below(3) ? anyValue(random) : words(random, 1 + random.below(3));
  }

  /** What a leader may have written, or nearly. */
  private lease(): Uint8Array {
    const { random } = this;
    const bytes = Buffer.alloc(random.below(8) ? 20 : 19 + random.below(3));
    bytes.writeBigUInt64LE(random.below(4) ? BigInt(random.next()) : 0x3837363534333231n | 1n, 0);
    const age = BigInt(random.pick([0, 1, 500, 999, 1000, 1001, -1, -59_999, -60_001, 100_000]));
    if (bytes.length >= 16) bytes.writeBigUInt64LE(random.below(8) ? NOW - age * 1_000_000n : (1n << 64n) - 1n, 8);
    if (bytes.length >= 20) bytes.writeUInt32LE(random.pick([0, 1, 1000, 3_600_000, 3_600_001, 0xffffffff]), 16);
    return bytes;
  }

  /** An answer of verify_signature or sign, or nearly. */
  private message(): Uint8Array {
    const { random } = this;
    const parts: number[] = [];
    for (let n = random.below(4); n; n--) {
      const field = random.below(8) ? 1 + random.below(3) : random.below(40);
      const type = random.below(6) ? (field === 1 ? 0 : 2) : random.below(8);
      parts.push(((field << 3) | type) & 0xff);
      if (type === 0) parts.push(random.pick([0, 1, 2, 0x7f, 0xff]));
      else if (type === 2) {
        const value = anyValue(random);
        parts.push(random.below(12) ? value.length : random.below(256), ...value);
      }
    }
    return Uint8Array.from(parts);
  }

  private addresses(): Uint8Array {
    const { random } = this;
    const texts = Array.from({ length: random.below(4) }, () =>
      random.pick([
        "127.0.0.1:0",
        "[::1]:0",
        "[2001:db8::1]:53",
        "",
        ":",
        "[",
        "[]:0",
        "x",
        "1:2:3",
        "[::1]",
        "\xff:0",
      ]),
    );
    const head = Buffer.alloc(4 + texts.length * 4);
    head.writeUInt32LE(random.below(8) ? texts.length : random.next(), 0);
    texts.forEach((_, i) => head.writeUInt32LE(random.next(), 4 + i * 4));
    const all = Buffer.concat([head, ...texts.map((text) => Buffer.from(`${text}\0`, "latin1"))]);
    return random.below(6) ? all : all.subarray(0, random.below(all.length + 1));
  }

  private variables(): Answers["environment"] {
    const { random } = this;
    const lines = Array.from({ length: random.below(5) }, () =>
      random.pick(["A=1", "B=", "=", "C", "", "LONG=a=b", "\xff=\xfe", "A=2"]),
    );
    const block = Buffer.from(lines.map((line) => `${line}\0`).join(""), "latin1");
    const size = random.below(6) ? block.length : random.pick([0, 1, 10, 1 << 20, (1 << 20) + 1, 0xffffffff]);
    const count = random.below(6) ? lines.length : random.pick([0, 1, 1000, 16384, 16385, 0xffffffff]);
    return { count, size, block, errors: random.below(6) ? 0 : random.below(4) };
  }
}

function words(random: Random, count: number): Uint8Array {
  const bytes = Buffer.alloc(count * 4);
  for (let i = 0; i < count; i++) bytes.writeUInt32LE(random.below(3) ? random.next() : 0, i * 4);
  return bytes;
}

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

function hash(bytes: Uint8Array): string {
  let sum = 0;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) >>> 0;
  return `${bytes.length} ${sum}`;
}

/** What the filter logs of a property that it reads in every way. */
function readingOf(property: Given, name: Uint8Array): string[] {
  const { status, bytes } = received(property);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const line = (what: string, value: string | null): string => {
    if (status !== OK) return `${what} ${status} null`;
    return value === null ? `${what} ${SERIALIZATION_FAILURE} null` : `${what} ${OK} =${value}`;
  };
  // A zero within a segment is refused.
  const zero = name.includes(0);
  const named = (what: string, value: string | null): string =>
    zero ? `${what} ${BAD_ARGUMENT} null` : line(what, value);
  return [
    named("bytes", hash(bytes)),
    named("text", DECODER.decode(bytes)),
    line("int", bytes.length === 8 ? String(view.getBigInt64(0, true)) : null),
    line("uint", bytes.length === 8 ? String(view.getBigUint64(0, true)) : null),
    line("bool", bytes.length === 1 && bytes[0]! <= 1 ? String(bytes[0] !== 0) : null),
    named("pairs", pairsOf(bytes)),
  ];
}

function pairsOf(bytes: Uint8Array): string | null {
  if (!bytes.length) return "0";
  if (bytes.length < 4) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = view.getUint32(0, true);
  let at = 4 + count * 8;
  if (at > bytes.length) return null;
  const parts = [String(count)];
  for (let i = 0; i < count; i++) {
    const value = at + view.getUint32(4 + i * 8, true) + 1;
    const end = value + view.getUint32(8 + i * 8, true) + 1;
    if (end > bytes.length) return null;
    if (i < 20) parts.push(`${hash(bytes.subarray(at, value - 1))}=${hash(bytes.subarray(value, end - 1))}`);
    at = end;
  }
  return parts.join("|");
}

/** Whether a lease is somebody else's and still valid. */
function holds(lease: Uint8Array): boolean {
  if (lease.length !== 20) return false;
  const view = new DataView(lease.buffer, lease.byteOffset, 20);
  const holder = view.getBigUint64(0, true);
  const renewed = view.getBigUint64(8, true);
  const milliseconds = BigInt(view.getUint32(16, true));
  if (milliseconds > 3_600_000n || renewed > NOW + 60_000_000_000n) return false;
  const own = 0x3837363534333231n | 1n;
  return NOW < renewed + milliseconds * 1_000_000n && holder !== 0n && holder !== own;
}

/** What the filter logs of the results of foreign functions. */
function callsOf(result: Given): string[] {
  // What malloc gives is never 0 here.
  const { status, bytes } = received(result.fault === Fault.Huge ? { ...result, fault: Fault.None } : result);
  const verified = messageOf(bytes, 2);
  const signed = messageOf(bytes, 3);
  const statusOf = ({ sound }: Answer): number => (status === OK && !sound ? SERIALIZATION_FAILURE : status);
  const right = status === OK && verified.sound && verified.right;
  const signature = status === OK && signed.sound && signed.right ? signed.signature : null;
  const size = result.fault === Fault.TooLong ? result.bytes.length * 2 + (1 << 20) : result.bytes.length;
  const measured = result.fault === Fault.Refuses || result.fault === Fault.RefusesWithData ? result.status : OK;
  let small = `null ${measured}`;
  if (measured === OK && size > 20) small = `null ${EMPTY}`;
  else if (measured === OK) small = status === OK ? `${hash(bytes)} ${OK}` : `null ${status}`;
  return [
    `verify ${right} ${statusOf(verified)}`,
    `sign ${signature === null ? "null" : hash(signature)} ${statusOf(signed)}`,
    `uncompress ${small}`,
    `call ${status === OK ? hash(bytes) : "null"} ${status}`,
  ];
}

interface Answer {
  readonly right: boolean;
  readonly signature: Uint8Array | null;
  readonly sound: boolean;
}

/** Fields 1 (bool), 2 and the text of `textField`, as @bufbuild/protobuf reads them. */
function messageOf(bytes: Uint8Array, textField: number): Answer {
  let right = false;
  let signature: Uint8Array | null = null;
  const reader = new BinaryReader(Uint8Array.from(bytes));
  try {
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (type === WireType.EndGroup) throw new RangeError("end");
      const wanted =
        field === 1 ? WireType.Varint : field === 2 || field === textField ? WireType.LengthDelimited : type;
      if (type !== wanted) throw new RangeError("type");
      if (field === 1) right = BigInt(reader.uint64()) !== 0n;
      else if (field === 2 || field === textField) {
        const value = reader.bytes();
        if (field === textField && !isUtf8(value)) throw new RangeError("text");
        if (field === 2) signature = value;
      } else reader.skip(type, field);
    }
  } catch {
    return { right: false, signature: null, sound: false };
  }
  return { right, signature, sound: true };
}

/** What the filter logs of the environment. */
function environmentOf({ count, size, block, errors }: Answers["environment"]): string {
  if (errors || count > 16384 || size > 1 << 20) return "env 0";
  const bytes = new Uint8Array(size + 1);
  bytes.set(block.subarray(0, size));
  const all: { name: Uint8Array; value: Uint8Array | null }[] = [];
  for (let at = 0; at < size && all.length < count;) {
    const end = bytes.indexOf(0, at);
    const entry = bytes.subarray(at, end);
    const equals = entry.indexOf(0x3d);
    all.push({
      name: equals < 0 ? entry : entry.subarray(0, equals),
      value: equals < 0 ? null : entry.subarray(equals + 1),
    });
    at = end + 1;
  }
  const parts = all.slice(0, 20).map(({ name }) => {
    const text = DECODER.decode(name);
    // Looked up by its text: the first of that name that has a value.
    const wanted = Buffer.from(text);
    const found = all.find((each) => each.value && Buffer.compare(each.name, wanted) === 0);
    return `|${text}=${found ? hash(found.value!) : "null"}`;
  });
  return `env ${all.length}${parts.join("")}`;
}

/** What the filter logs of an answer. */
function answerOf(token: number, given: Given): string {
  const { status, bytes } = received(given);
  const addresses: string[] = [];
  if (status === OK && bytes.length >= 4) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const count = view.getUint32(0, true);
    let at = 4 + count * 4;
    if (count <= (bytes.length - 4) >> 2) {
      for (let i = 0; i < count; i++) {
        const end = bytes.indexOf(0, at);
        if (end < 0) break;
        const text = Buffer.from(bytes.subarray(at, end)).toString("latin1");
        const address = /^\[(.*)\]:[^:]*$/s.exec(text)?.[1] ?? text.replace(/(?<=.):[^:]*$/s, "");
        addresses.push(`|${DECODER.decode(Buffer.from(address, "latin1"))} ${view.getUint32(4 + i * 4, true)}`);
        at = end + 1;
      }
    }
  }
  return `dns ${token}${addresses.join("")}`;
}
