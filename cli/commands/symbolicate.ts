import type { Command } from "commander";
import { createReadStream, existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { Symbolicator, Twin } from "../../toolchain/build/symbolicate.js";
import { CliError, note, print } from "../output.js";

const TWIN = "filter.debug.wasm";
const DEEPEST = 8;
/** A backtrace is over with the next line; the log that is followed may not have one for long. */
const IDLE_MS = 300;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

interface Options {
  dir: string[];
  digest?: string;
}

export function addSymbolicate(program: Command): void {
  program
    .command("symbolicate")
    .description("put source lines behind the backtraces in an Envoy log")
    .argument("[log]", "the log; default standard input")
    .option("--dir <dir...>", "where builds are: projects, or folders that hold some", ["."])
    .option("--digest <digest>", "the module's sha256:…, for a backtrace that does not say which build it is")
    .action(async (log: string | undefined, options: Options) => {
      if (options.digest !== undefined && !DIGEST.test(options.digest)) {
        throw new CliError(`--digest ${options.digest}: give sha256: and 64 hexadecimal digits`, 2);
      }
      const input = source(log);
      const search = new Search(options);
      await follow(input, search);
      search.report();
    });
}

function source(log: string | undefined): Readable {
  if (log === undefined || log === "-") {
    if (process.stdin.isTTY) note("paste the log, then Ctrl-D");
    return process.stdin;
  }
  if (!existsSync(log) || !statSync(log).isFile()) {
    throw new CliError(`${log}: there is no such file; give a log or pipe one in`);
  }
  return createReadStream(log);
}

async function follow(input: Readable, search: Search): Promise<void> {
  const symbolicator = new Symbolicator((id) => search.find(id));
  const show = (lines: readonly string[]): void => lines.forEach(print);
  let timer: NodeJS.Timeout | undefined;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    clearTimeout(timer);
    show(symbolicator.line(line));
    timer = setTimeout(() => show(symbolicator.flush()), IDLE_MS);
  }
  clearTimeout(timer);
  show(symbolicator.flush());
}

/** Finds unstripped twins by what a backtrace says of its build. */
class Search {
  readonly #twins: { twin: Twin; file: string }[] = [];
  readonly #missing = new Set<string>();
  #asked = 0;
  #read = false;

  constructor(private readonly options: Options) {}

  find(buildId: string | null): Twin | null {
    this.#asked++;
    this.#readAll();
    const { digest } = this.options;
    const wanted = this.#twins.filter(({ twin }) =>
      buildId !== null ? twin.buildId === buildId : digest === undefined || twin.digest === digest,
    );
    const [first] = wanted;
    // Equal builds in several places are one.
    if (first !== undefined && wanted.every(({ twin }) => twin.buildId === first.twin.buildId)) return first.twin;
    this.#missing.add(
      buildId !== null
        ? `no ${TWIN} below ${this.#places} is of build ${buildId}; give the folder of that build with --dir`
        : wanted.length === 0
          ? `no ${TWIN} below ${this.#places}${digest === undefined ? "" : ` is of ${digest}`}; give the folder of the build with --dir`
          : `a backtrace does not say which of ${wanted.length} builds it is of; give the module's --digest`,
    );
    return null;
  }

  /** What was not found, once all is read. */
  report(): void {
    for (const line of this.#missing) note(`meshwasm: ${line}`);
    if (this.#asked === 0) note("meshwasm: there is no backtrace of a Wasm plugin in the log");
    if (this.#missing.size > 0) process.exitCode = 1;
  }

  get #places(): string {
    return this.options.dir.join(", ");
  }

  #readAll(): void {
    if (this.#read) return;
    this.#read = true;
    for (const dir of this.options.dir) {
      if (!existsSync(dir)) throw new CliError(`${dir}: there is no such folder`);
      for (const file of twinsBelow(dir, DEEPEST)) {
        try {
          this.#twins.push({ twin: Twin.read(file), file });
        } catch (error) {
          note(`meshwasm: ${(error as Error).message}`);
        }
      }
    }
  }
}

function twinsBelow(dir: string, depth: number): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.isFile() && entry.name === TWIN) found.push(join(dir, entry.name));
    else if (entry.isDirectory() && depth > 0 && entry.name !== "node_modules" && !entry.name.startsWith(".")) {
      found.push(...twinsBelow(join(dir, entry.name), depth - 1));
    }
  }
  return found;
}
