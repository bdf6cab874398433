/* The entrances by which bytes come into a filter, and what must hold for each input: no trap, nothing out of bounds, what
 * was read is what a model reads, and memory that does not grow. */

import { received, FuzzHost, linesOf, NOTHING, OK, type Given } from "./host.js";
import {
  anyConfig,
  anyMap,
  anyName,
  anyValue,
  given,
  instruction,
  LARGE_KINDS,
  largeBytes,
  largeConfig,
  largeMap,
  Random,
} from "./inputs.js";
import { fileURLToPath } from "node:url";
import { CALL_ENTRANCES, CallsRun, type CallEntrance } from "./calls.js";
import { STATE_ENTRANCES, StateRun, type StateEntrance } from "./state.js";

const ROOT = 1;
const VM_CONFIGURATION = 6;
const PLUGIN_CONFIGURATION = 7;

export const ENTRANCES = [
  "request headers",
  "response headers",
  "trailers",
  "request body",
  "response body",
  "configuration",
  "local reply",
  "log",
  ...STATE_ENTRANCES,
  ...CALL_ENTRANCES,
] as const;
export type Entrance = (typeof ENTRANCES)[number];
type StreamEntrance = Exclude<Entrance, StateEntrance | CallEntrance>;

const isCall = (entrance: Entrance): entrance is CallEntrance =>
  (CALL_ENTRANCES as readonly string[]).includes(entrance);

/** Folder of the filter that an entrance leads into. */
export function projectOf(entrance: Entrance): string {
  return fileURLToPath(new URL(isCall(entrance) ? "calls" : "filter", import.meta.url));
}

export interface Options {
  readonly seed: number;
  readonly count: number;
  /** Each such input is compared with the model. */
  readonly checkEvery: number;
  /** Each such input is one of the largest size. */
  readonly largeEvery: number;
}

export interface Result {
  readonly inputs: number;
  readonly hostCalls: number;
  readonly checked: number;
  /** Header lines and bodies that the module has written. */
  readonly written: number;
  /** Bytes of linear memory after half of the inputs, and after all. */
  readonly half: number;
  readonly end: number;
}

/** Thrown with the seed and the number of the input. */
export class FuzzError extends Error {
  override readonly name = "FuzzError";
}

/** Runs `count` inputs on one instance. */
export function fuzz(wasm: Uint8Array, entrance: Entrance, options: Options): Result {
  const run = isCall(entrance)
    ? new CallsRun(wasm, entrance)
    : (STATE_ENTRANCES as readonly string[]).includes(entrance)
      ? new StateRun(wasm, entrance as StateEntrance)
      : new Run(new FuzzHost(wasm), entrance as StreamEntrance);
  let half = 0;
  for (let index = 0; index < options.count; index++) {
    if (index === options.count >> 1) half = run.host.size;
    const checked = index % options.checkEvery === 0;
    const nth = Math.floor(index / options.largeEvery);
    const large = index % options.largeEvery === 1 ? nth % LARGE_KINDS : -1;
    if (run instanceof Run) run.largeFlags = LARGE_FLAGS[Math.floor(nth / LARGE_KINDS) % LARGE_FLAGS.length]!;
    try {
      run.input(options.seed, index, checked, large);
    } catch (error) {
      throw new FuzzError(`${entrance}, seed ${options.seed}, input ${index}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  const { hostCalls, written, size } = run.host;
  return { inputs: options.count, hostCalls, checked: run.checked, written, half, end: size };
}

/** What is done with the largest inputs, in turn, so that the first half of a run has seen all there is. */
const LARGE_FLAGS = [0xdf, 0x61, 0x8a, 0x04];

class Run {
  checked = 0;
  largeFlags = 0;
  private readonly random = new Random();
  private nextId = 2;
  private name: Uint8Array = new Uint8Array();
  private value: Uint8Array = new Uint8Array();
  private flags = 0;
  private told: Given = NOTHING;

  constructor(
    readonly host: FuzzHost,
    private readonly entrance: StreamEntrance,
  ) {
    host.call["proxy_on_context_create"]!(ROOT, 0);
  }

  input(seed: number, index: number, checked: boolean, large: number): void {
    const { host, random } = this;
    random.seed(seed, index);
    host.keepsTexts = checked;
    host.texts.length = 0;
    host.bodies.length = 0;
    host.answer = random.below(6) ? OK : random.below(13);
    if (this.entrance === "configuration") this.configuration(large);
    else this.stream(large);
    if (checked) this.checked++;
  }

  private configuration(large: number): void {
    const { host, random } = this;
    const { text, valid } = large < 0 ? anyConfig(random) : largeConfig(large);
    const config = large < 0 && text.length ? given(random, text) : { ...NOTHING, bytes: text, fault: 0 };
    host.buffers[PLUGIN_CONFIGURATION] = config;
    const id = this.id();
    host.call["proxy_on_context_create"]!(id, 0);
    const accepted = host.call["proxy_on_configure"]!(id, text.length);
    host.call["proxy_on_done"]!(id);
    host.call["proxy_on_delete"]!(id);
    const arrived = received(config);
    if (config.fault === 0 && valid !== Boolean(accepted) && (valid || !this.parses(text))) {
      throw new Error(`${accepted ? "accepted" : "refused"}: ${Buffer.from(text).subarray(0, 300).toString()}`);
    }
    if (accepted && host.keepsTexts) {
      equal("configuration", host.takeTexts()[0]!, factsOf(Buffer.from(arrived.bytes).toString()));
    }
  }

  private parses(text: Uint8Array): boolean {
    try {
      JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text));
      return true;
    } catch {
      return false;
    }
  }

  /** One stream from its beginning to its end, of which one callback gets most of the attention. */
  private stream(large: number): void {
    const { host, random, entrance } = this;
    const id = this.id();
    host.call["proxy_on_context_create"]!(id, ROOT);
    switch (entrance) {
      case "request headers":
      case "response headers":
        this.headers(id, entrance === "request headers" ? 0 : 2, large, random.next() & 0xff);
        break;
      case "local reply":
        // The plan of the headers callback that replies.
        this.headers(id, random.below(2) ? 2 : 0, large, (random.next() & 0x1f) | (6 << 5));
        break;
      case "trailers":
        for (const map of [1, 3]) {
          this.instruct(large, random.next() & 0xff);
          host.maps[map] = large < 0 ? anyMap(random) : largeMap(large);
          host.call[map === 1 ? "proxy_on_request_trailers" : "proxy_on_response_trailers"]!(id, random.below(5));
          this.compareLines([map]);
        }
        break;
      case "log":
        this.instruct(large, random.next() & 0xff);
        for (let map = 0; map < 4; map++) host.maps[map] = large < 0 ? anyMap(random) : largeMap((large + map) % 4);
        host.call["proxy_on_log"]!(id);
        this.compareLines([0, 2, 1, 3]);
        break;
      default:
        this.body(id, entrance === "request body", large);
    }
    host.call["proxy_on_done"]!(id);
    host.call["proxy_on_delete"]!(id);
  }

  private headers(id: number, map: 0 | 2, large: number, flags: number): void {
    const { host, random } = this;
    this.instruct(large, flags);
    host.maps[0] = host.maps[2] = NOTHING;
    host.maps[map] = large < 0 ? anyMap(random) : largeMap(large);
    const name = map === 0 ? "proxy_on_request_headers" : "proxy_on_response_headers";
    const action = host.call[name]!(id, random.below(9), random.below(2));
    if (action < 0 || action > 4) throw new Error(`${name} returned ${action}`);
    this.compareLines([map]);
  }

  private body(id: number, isRequest: boolean, large: number): void {
    const { host, random } = this;
    const map = isRequest ? 0 : 2;
    const plan = large < 0 ? random.below(6) : 3 + (this.largeFlags & 2);
    host.maps[map] = anyMap(random);
    this.instruct(-1, plan << 5);
    const side = isRequest ? "request" : "response";
    host.call[`proxy_on_${side}_headers`]!(id, 3, 0);
    const pieces = large < 0 ? 1 + random.below(3) : 1;
    for (let piece = 1; piece <= pieces; piece++) {
      host.texts.length = 0;
      host.bodies.length = 0;
      const bytes = large < 0 ? this.anyBody() : largeBytes(large);
      host.buffers[isRequest ? 0 : 1] = large < 0 ? given(random, bytes) : { ...NOTHING, bytes, fault: 0 };
      this.instruct(large, random.next() & 0xff);
      const ends = piece === pieces;
      const size = random.below(20) ? bytes.length : random.next();
      let action;
      if (ends && random.below(3) === 0) action = host.call[`proxy_on_${side}_trailers`]!(id, 1);
      else action = host.call[`proxy_on_${side}_body`]!(id, size, Number(ends));
      if (action < 0 || action > 3) throw new Error(`proxy_on_${side}_body returned ${action}`);
      this.compareBody(isRequest ? 0 : 1);
    }
  }

  private anyBody(): Uint8Array {
    const { random } = this;
    if (random.below(64) === 0) return new Uint8Array(random.below(3000)).fill(random.next());
    const parts = Array.from({ length: random.below(4) }, () => anyValue(random));
    return Buffer.concat(parts);
  }

  private id(): number {
    if (this.nextId >= 0x7ffffff0) this.nextId = 2;
    return this.nextId++;
  }

  /** What the filter is to do next. */
  private instruct(large: number, flags: number): void {
    const { host, random } = this;
    this.name = large < 0 ? anyName(random) : Buffer.from("a");
    // Of the largest inputs some have a large value as well, which is written and sent.
    this.value = large >= 0 && large & 1 ? largeBytes(large) : anyValue(random);
    this.flags = large < 0 ? flags : this.largeFlags;
    this.told = { bytes: instruction(this.flags, this.name, this.value), fault: 0, status: 0 };
    host.buffers[VM_CONFIGURATION] = this.told;
  }

  /** Compares what the filter has logged of these maps with what the model reads. */
  private compareLines(maps: readonly number[]): void {
    const { host } = this;
    if (!host.keepsTexts) return;
    const texts = host.takeTexts();
    const name = unitsOf(this.name);
    maps.forEach((map, nth) => {
      // Envoy keeps the host under another name.
      const kept = map === 0 && name.length === 4 && sameName(Buffer.from("host"), name) ? ":authority" : name;
      const expected = readingOf(host.maps[map]!, kept);
      expected.forEach((line, i) => equal(`map ${map}`, texts[nth * expected.length + i]!, line));
    });
  }

  private compareBody(buffer: 0 | 1): void {
    const { host, flags, value } = this;
    if (!host.keepsTexts) return;
    const texts = host.takeTexts();
    const at = texts.findIndex((text) => text.startsWith("text "));
    if (at >= 0) {
      const whole = received(host.buffers[buffer]!);
      const { bytes, fault, status } = host.buffers[buffer]!;
      const part =
        flags > bytes.length
          ? { status: 2, bytes: bytes.subarray(0, 0) }
          : received({ bytes: bytes.subarray(flags, flags + value.length), fault, status });
      const text = DECODER.decode(whole.bytes);
      equal("text", texts[at]!, `text ${whole.status} ${text.length} ${hashOf(text)}`);
      equal("body", texts[at + 1]!, `body ${whole.status} ${bytesHash(whole.bytes)}`);
      equal("part", texts[at + 2]!, `part ${part.status} ${bytesHash(part.bytes)}`);
    }
    const text = Buffer.from(unitsOf(value).toWellFormed());
    for (const body of host.bodies) {
      if (!text.equals(body) && Buffer.compare(body, value) !== 0)
        throw new Error("a body was written that is none given");
    }
  }
}

declare global {
  // ES2024; Node has it since 20.
  interface String {
    toWellFormed(): string;
  }
}

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** The text that the filter makes of these bytes. */
function unitsOf(bytes: Uint8Array): string {
  const units = Array.from(bytes.subarray(0, 256), (b) => (b < 0xf0 ? b : (b << 8) - 0x1800));
  const part = String.fromCharCode(...units);
  return bytes.length > 256 ? part.repeat(bytes.length >> 8) : part;
}

/** What the filter logs when it has read a map in every way. */
function readingOf(map: Given, name: string): string[] {
  const lines = linesOf(map);
  if (typeof lines === "number") return [`get ${lines} -`, `bytes ${lines} -`, "lines 0 false", "all 0 0"];
  const found = lines.filter((line) => sameName(line.name, name)).map(({ value }) => value);
  const is = (wanted: string): boolean => name.length === wanted.length && sameName(Buffer.from(wanted), name);
  let joined: Uint8Array | null = null;
  let status = 0;
  if (!found.length) status = 1;
  else if (found.length === 1) joined = found[0]!;
  else if (is("set-cookie")) status = 2;
  else {
    const separator = Buffer.from(is("cookie") ? "; " : ", ");
    joined = Buffer.concat(found.flatMap((value, i) => (i ? [separator, value] : [value])));
  }
  let sum = 0;
  for (const line of lines.slice(0, 41))
    sum = hashOf(DECODER.decode(line.value), hashOf(DECODER.decode(line.name), sum));
  return [
    `get ${status} ${joined ? `=${DECODER.decode(joined)}` : "-"}`,
    `bytes ${status} ${joined ? bytesHash(joined) : "-"}`,
    `lines ${found.length} ${found.length > 0}`,
    `all ${lines.length} ${sum}`,
  ];
}

const lower = (c: number): number => (c >= 0x41 && c <= 0x5a ? c | 0x20 : c);

function sameName(bytes: Uint8Array, name: string): boolean {
  return bytes.length === name.length && bytes.every((byte, i) => lower(byte) === lower(name.charCodeAt(i)));
}

function hashOf(text: string, sum = 0): number {
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) >>> 0;
  return sum;
}

function bytesHash(bytes: Uint8Array): string {
  let sum = 0;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) >>> 0;
  return `${bytes.length} ${sum}`;
}

interface FuzzConfig {
  name: string;
  limit?: number;
  on?: boolean;
  tags?: string[];
  grid?: number[][];
  rules?: { path: string; deny?: boolean; limits?: { bytes?: number; names?: string[] } }[];
}

/** What the filter logs of a configuration that it has accepted. */
function factsOf(text: string): string {
  const config = JSON.parse(text) as FuzzConfig;
  let sum = 0n;
  for (const row of config.grid ?? []) for (const n of row) sum ^= BigInt(n);
  const rules = (config.rules ?? []).map(
    ({ path, deny = true, limits = {} }) => `|${path},${deny},${limits.bytes ?? 100},${(limits.names ?? []).join("+")}`,
  );
  const { limit = 10, on = false, tags = [], name } = config;
  return `config ${limit + 0} ${on} ${tags.length} ${sum}${rules.join("")}|${name}`;
}

function equal(what: string, actual: string, expected: string): void {
  if (actual === expected) return;
  const short = (text: string | undefined): string => JSON.stringify(text?.slice(0, 300));
  throw new Error(`${what}: ${short(actual)} instead of ${short(expected)}`);
}
