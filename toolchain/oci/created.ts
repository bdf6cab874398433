import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { OciError } from "./errors.js";

/** The time an image says it was made: SOURCE_DATE_EPOCH, else the commit time of `dir`, else 1970. */
export async function createdTime(dir: string, env: NodeJS.ProcessEnv = process.env): Promise<Date> {
  const epoch = env["SOURCE_DATE_EPOCH"];
  if (epoch !== undefined && epoch !== "") {
    // 253402300799 is the last second of year 9999, after which RFC 3339 has no form.
    if (!/^\d{1,12}$/.test(epoch) || Number(epoch) > 253402300799) {
      throw new OciError(`SOURCE_DATE_EPOCH="${epoch}" is not a number of seconds since 1970; correct or unset it`);
    }
    return new Date(Number(epoch) * 1000);
  }
  const head = await headOf(dir, env);
  // No git, or no commit yet: the fixed date keeps the build reproducible.
  return head ? new Date(head.seconds * 1000) : new Date(0);
}

/** Git commit of the sources in `dir`; null when there is none, or when what is there differs from it. */
export async function commitOf(dir: string, env: NodeJS.ProcessEnv = process.env): Promise<string | null> {
  const head = await headOf(dir, env);
  if (!head) return null;
  const changed = await git(dir, env, ["diff-index", "--quiet", "HEAD", "--", "."]);
  if (changed === null) return null;
  // A folder that the commit does not know has not changed either. What is ignored is not the sources'.
  const known = await git(dir, env, ["ls-tree", "--name-only", "HEAD", "."]);
  const untracked = await git(dir, env, ["ls-files", "--others", "--exclude-standard", "--", "."]);
  return known && untracked === "" ? head.commit : null;
}

async function headOf(dir: string, env: NodeJS.ProcessEnv): Promise<{ seconds: number; commit: string } | null> {
  const out = await git(dir, env, ["rev-list", "--max-count=1", "--timestamp", "HEAD"]);
  const match = /^(\d+) ([0-9a-f]+)\s*$/.exec(out ?? "");
  return match ? { seconds: Number(match[1]), commit: match[2]! } : null;
}

/**
 * Output of a plumbing command, null when it fails. The repository may be one that another user owns, since the time must
 * not depend on who asks; so what its configuration names is not run.
 */
async function git(dir: string, env: NodeJS.ProcessEnv, args: readonly string[]): Promise<string | null> {
  try {
    const safe = ["-c", "safe.directory=*", "-c", "core.fsmonitor=false"];
    return (await promisify(execFile)("git", [...safe, ...args], { cwd: dir, env, timeout: 10_000 })).stdout;
  } catch {
    return null;
  }
}
