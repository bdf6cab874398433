import { symbolicate, Symbolicator, twinOf, type Twin } from "../build/symbolicate.js";

const BACKTRACE = "in-VM backtrace:";

/** Source lines for the backtraces in a host's messages, for modules beside which a build has left the unstripped twin. */
export class Traps {
  #twins: ReadonlyMap<string, Twin> | null = null;

  constructor(private readonly modules: readonly string[]) {}

  /** The message with the places behind its frames and the author's line below them. */
  explain(message: string): string {
    return message.includes(BACKTRACE) ? symbolicate(message, this.#find) : message;
  }

  /** The message with the author's place of the trap instead of its backtrace. */
  summarise(message: string): string {
    const at = message.indexOf("\n");
    if (!message.includes(BACKTRACE) || at < 0) return message;
    const symbolicator = new Symbolicator(this.#find);
    for (const line of message.split("\n")) symbolicator.line(line);
    const place = symbolicator.place();
    // Of a module from elsewhere the names of its functions are all there is.
    return place === null ? message : `${message.slice(0, at)} at ${place.file}:${place.line}:${place.column}`;
  }

  readonly #find = (buildId: string | null): Twin | null => {
    this.#twins ??= new Map(
      this.modules.flatMap((module) => {
        const twin = twinOf(module);
        return twin === null ? [] : [[twin.buildId, twin] as const];
      }),
    );
    if (buildId !== null) return this.#twins.get(buildId) ?? null;
    // A deep recursion's backtrace ends before the callback that would name the build.
    const [only, ...others] = this.#twins.values();
    return only !== undefined && others.length === 0 && this.modules.length === 1 ? only : null;
  };
}
