/* From the offsets in a trap's backtrace to lines of the author's source, by the unstripped twin and its source map. */

import { decodedMappings, sourceContentFor, TraceMap } from "@jridgewell/trace-mapping";
import type { EncodedSourceMap, SourceMapSegment } from "@jridgewell/trace-mapping";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BUILD_ID, buildIdOf, shipped } from "./build-id.js";
import { BuildError } from "./errors.js";
import { readFunctions, WasmFormatError, type FunctionBody } from "./wasm.js";

/** A place in the source. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The compiled function that holds it, which may be the one that it was inlined into. */
  readonly functionName: string;
  /** For a line of a library that was inlined into the author's function: the author's line before it. */
  readonly caller: Position | null;
}

export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const TWIN = "filter.debug.wasm";

/** A module with names and its source map, as a build leaves it beside filter.wasm. */
export class Twin {
  readonly buildId: string;
  /** Digest of the filter.wasm that belongs to it, `sha256:<hex>`. */
  readonly digest: string;
  readonly #functions: readonly FunctionBody[];
  readonly #map: TraceMap;

  /** Reads filter.debug.wasm and its map. */
  static read(file: string): Twin {
    try {
      return new Twin(readFileSync(file), readFileSync(`${file}.map`, "utf8"));
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") throw new BuildError(`There is no ${path}; build the filter again.`);
      if (error instanceof WasmFormatError) throw new BuildError(`${file} ${error.message}; build the filter again.`);
      if (error instanceof SyntaxError) throw new BuildError(`${file}.map is no source map; build the filter again.`);
      throw error;
    }
  }

  readonly #segments: readonly SourceMapSegment[];

  constructor(wasm: Uint8Array, sourceMap: string) {
    this.buildId = buildIdOf(wasm);
    this.digest = `sha256:${createHash("sha256").update(shipped(wasm)).digest("hex")}`;
    this.#functions = readFunctions(wasm);
    // Sources are named as the compiler names them, not below the folder that it writes before them.
    this.#map = new TraceMap({ ...(JSON.parse(sourceMap) as EncodedSourceMap), sourceRoot: undefined });
    this.#segments = decodedMappings(this.#map)[0] ?? [];
  }

  /** The place of a byte of the module; null when it belongs to no line. */
  place(offset: number): Place | null {
    const body = this.#functions.find(({ start, end }) => offset >= start && offset < end);
    if (body === undefined) return null;
    const position = this.#before(offset, body.start, () => true);
    if (position === null) return null;
    // The author's callback, all of it, may stand in the SDK's export; what the SDK's runtime itself does there has no caller.
    const inlined = isLibrary(position.file) && (!isLibrary(body.name) || !isRuntime(position.file));
    const caller = inlined ? this.#before(offset, body.start, (file) => !isLibrary(file)) : null;
    return { ...position, functionName: body.name, caller };
  }

  /** A line of a source; null when the map does not hold it. */
  text({ file, line }: Position): string | null {
    return sourceContentFor(this.#map, file)?.split("\n")[line - 1] ?? null;
  }

  /** The last position at or before the offset, of a file that is wanted. Instructions that the compiler made have none. */
  #before(offset: number, least: number, wanted: (file: string) => boolean): Position | null {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#segments[middle]![0] <= offset) low = middle + 1;
      else high = middle;
    }
    for (let at = low - 1; at >= 0; at--) {
      const segment = this.#segments[at]!;
      if (segment[0] < least) return null;
      if (segment.length === 1) continue;
      const file = this.#map.sources[segment[1]] ?? "";
      if (wanted(file)) return { file, line: segment[2] + 1, column: segment[3] + 1 };
    }
    return null;
  }
}

/** The compiler's own library and that of packages. */
function isLibrary(path: string): boolean {
  return path.startsWith("~lib/");
}

/** The part of the SDK that calls the author. */
function isRuntime(path: string): boolean {
  return path.startsWith("~lib/meshwasm/sdk/runtime/");
}

/** The twin beside a filter.wasm, when it is there and belongs to it; null for a module from elsewhere. */
export function twinOf(module: string): Twin | null {
  try {
    const twin = Twin.read(join(dirname(module), TWIN));
    return twin.buildId === buildIdOf(readFileSync(module)) ? twin : null;
  } catch {
    return null;
  }
}

const START = "Proxy-Wasm plugin in-VM backtrace:";
/** A frame as Envoy prints it, with whatever a log collector writes before it. */
const FRAME = /^.*?\b\d{1,3}: +0x([0-9a-f]{1,8}) - /;
/** A longer line is no frame. */
const LONGEST_FRAME = 2000;

interface FrameLine {
  readonly text: string;
  readonly offset: number;
}

/**
 * Takes a log line by line and gives it back with the places in it. A backtrace is kept until it is over: which module
 * it is about stands in its last lines.
 */
export class Symbolicator {
  #frames: FrameLine[] | null = null;

  constructor(
    /** The twin for a build id; null: the backtrace names none. */
    private readonly find: (buildId: string | null) => Twin | null,
  ) {}

  /** The lines that are ready once this one is known. */
  line(text: string): string[] {
    // A message that was written as JSON has its line breaks escaped.
    if (text.includes("\\n") && text.includes(START)) {
      const parts = text.split("\\n").flatMap((part) => this.#one(part));
      return [[...parts, ...this.flush()].join("\n")];
    }
    return this.#one(text);
  }

  /** What was kept. */
  flush(): string[] {
    const frames = this.#frames ?? [];
    const found = this.#resolve();
    this.#frames = null;
    if (found === null) return frames.map(({ text }) => text);
    const lines = frames.map(({ text }, i) => {
      const place = found.places[i];
      return place ? `${text.trimEnd()}: ${describe(place)}` : text;
    });
    const own = firstOwn(found.places);
    return own === null ? lines : [...lines, ...excerpt(own, found.twin.text(own))];
  }

  /** The author's place of the trap whose backtrace is kept at the moment. */
  place(): Position | null {
    const found = this.#resolve();
    return found === null ? null : firstOwn(found.places);
  }

  #resolve(): { twin: Twin; places: (Place | null)[] } | null {
    const frames = this.#frames ?? [];
    if (frames.length === 0) return null;
    const id = frames.map(({ text }) => BUILD_ID.exec(text)?.[1]).find((each) => each !== undefined) ?? null;
    const twin = this.find(id);
    return twin && { twin, places: frames.map(({ offset }) => twin.place(offset)) };
  }

  #one(text: string): string[] {
    if (text.includes(START)) {
      const before = this.flush();
      this.#frames = [];
      return [...before, text];
    }
    if (this.#frames !== null) {
      const match = text.length <= LONGEST_FRAME ? FRAME.exec(text) : null;
      if (match) {
        this.#frames.push({ text, offset: parseInt(match[1]!, 16) });
        return [];
      }
    }
    return [...this.flush(), text];
  }
}

/** A whole text with the places in it. */
export function symbolicate(text: string, find: (buildId: string | null) => Twin | null): string {
  const symbolicator = new Symbolicator(find);
  return [...text.split("\n").flatMap((line) => symbolicator.line(line)), ...symbolicator.flush()].join("\n");
}

/** The innermost place in the author's own source. */
function firstOwn(places: readonly (Place | null)[]): Position | null {
  for (const place of places) {
    const own = place === null ? null : isLibrary(place.file) ? place.caller : place;
    if (own !== null) return own;
  }
  return null;
}

function describe({ file, line, column, functionName, caller }: Place): string {
  const name = functionName.slice(functionName.lastIndexOf("/") + 1);
  const inlined = caller === null ? "" : `, inlined at ${caller.file}:${caller.line}:${caller.column}`;
  return `${file}:${line}:${column}${name ? ` (${name})` : ""}${inlined}`;
}

/** The author's line, marked as a compiler would. */
function excerpt({ file, line, column }: Position, text: string | null): string[] {
  if (text === null) return [];
  const number = String(line).padStart(5);
  return [`${file}:${line}:${column}:`, `${number} | ${text}`, `      | ${" ".repeat(column - 1)}^`];
}
