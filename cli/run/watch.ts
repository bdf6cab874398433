import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Between two looks at the files. They are some dozens, so a look costs well below a millisecond. */
const EVERY_MS = 150;
/** How long all must be still: an editor that saves several files is waited for. */
const STILL_MS = 50;

type Stamps = ReadonlyMap<string, string>;

/** What changes when a file does: also when it is replaced by another, or comes, or goes. */
function stampsOf(files: readonly string[]): Stamps {
  return new Map(
    files.map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return [file, stat === undefined ? "-" : `${stat.mtimeMs}:${stat.size}:${stat.ino}`];
    }),
  );
}

function same(a: Stamps, b: Stamps): boolean {
  return a.size === b.size && [...a].every(([file, stamp]) => b.get(file) === stamp);
}

export interface Watched {
  /** The files at the moment; asked at every look. */
  readonly files: () => readonly string[];
  readonly onChange: () => Promise<void>;
}

/**
 * Calls onChange when one of its files has changed, come or gone, one call after the other; until the signal is aborted.
 * Looks instead of being told: editors replace files, and folders come and go.
 */
export async function watch(groups: readonly Watched[], signal: AbortSignal): Promise<void> {
  const pause = (milliseconds: number): Promise<void> => sleep(milliseconds, undefined, { signal }).catch(() => {});
  const seen = groups.map(({ files }) => stampsOf(files()));
  while (!signal.aborted) {
    await pause(EVERY_MS);
    for (const [i, { files, onChange }] of groups.entries()) {
      let now = stampsOf(files());
      if (same(now, seen[i]!)) continue;
      for (let before: Stamps = new Map(); !same(before, now) && !signal.aborted; now = stampsOf(files())) {
        before = now;
        await pause(STILL_MS);
      }
      if (signal.aborted) return;
      await onChange();
      // A build may find out that it depends on further files: that is no change of them.
      seen[i] = new Map([...stampsOf(files())].map(([file, stamp]) => [file, now.get(file) ?? stamp]));
    }
  }
}
