/* Why a function of std gave null or an invalid value. It is written with every refusal and stays until the next one. */

/** What was wrong, for a log or an error message; never a piece of the input. */
export let refusalReason: string = "";
/** Where: offset in bytes from the beginning of what was read, or -1. */
export let refusalAt: i32 = -1;

/** Notes a refusal. Returns false, so that a parser can give it on. */
export function refuse(reason: string, at: i32 = -1): bool {
  refusalReason = reason;
  refusalAt = at;
  return false;
}
