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
  try {
    // Plumbing, which runs nothing that the repository's configuration names, so it may be one that another user owns:
    // the time must not depend on who asks.
    const commit = ["-c", "safe.directory=*", "rev-list", "--max-count=1", "--timestamp", "HEAD"];
    const { stdout } = await promisify(execFile)("git", commit, { cwd: dir, env, timeout: 10_000 });
    const seconds = /^(\d+) /.exec(stdout)?.[1];
    if (seconds !== undefined) return new Date(Number(seconds) * 1000);
  } catch {
    // No git, or no commit yet: the fixed date below keeps the build reproducible.
  }
  return new Date(0);
}
