import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** True for "there is no such file", as opposed to "it cannot be read". */
export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Runs `work`, giving null when the file is not there. */
export async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

export function readText(path: string): Promise<string | null> {
  return orNull(readFile(path, "utf8"));
}

/** Entries of a directory in code-point order; empty when it does not exist. */
export async function list(path: string): Promise<string[]> {
  return ((await orNull(readdir(path))) ?? []).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Moves a finished temporary file to its name so that after a crash it is there whole or not at all. */
export async function moveInto(temporary: string, path: string): Promise<void> {
  const dir = dirname(path);
  const created = await mkdir(dir, { recursive: true });
  await rename(temporary, path);
  await syncDirectory(dir);
  // A new directory is itself an entry that must be on disk: up to the parent of the first one made.
  if (created !== undefined) {
    for (let at = dir; at.length >= created.length; at = dirname(at)) await syncDirectory(dirname(at));
  }
}

/** Writes a small file atomically; `temporary` is a fresh name on the same file system. */
export async function writeAtomic(path: string, temporary: string, content: string | Uint8Array): Promise<void> {
  const file = await open(temporary, "wx");
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await moveInto(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Removes a file durably; false when it was not there. */
export async function remove(path: string): Promise<boolean> {
  try {
    await rm(path);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  await syncDirectory(dirname(path));
  return true;
}

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open a directory; NTFS journals renames by itself.
  if (process.platform === "win32") return;
  const dir = await open(path, "r");
  try {
    await dir.sync();
  } finally {
    await dir.close();
  }
}
