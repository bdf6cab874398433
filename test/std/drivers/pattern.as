import { Pattern, PatternLimits } from "../../../sdk/std/pattern";
import { Replacement } from "../../../sdk/std/pattern-replace";
import { give, giveArray, giveText } from "./io";

let pattern: Pattern | null = null;

export function compile(ptr: usize, length: usize): i32 {
  pattern = Pattern.compileBytes(ptr, length);
  return pattern ? 1 : 0;
}
export function error(): usize {
  return giveText(Pattern.errorAt.toString() + ": " + Pattern.error);
}
export function matches(ptr: usize, length: usize): bool {
  return pattern!.matches(ptr, length);
}
export function matchesWhole(ptr: usize, length: usize): bool {
  return pattern!.matchesWhole(ptr, length);
}
export function capture(ptr: usize, length: usize): usize {
  const p = pattern!;
  if (!p.capture(ptr, length)) return 0;
  const out = new StaticArray<i32>((p.groups + 1) * 2);
  for (let i = 0; i <= p.groups; i++) {
    out[i * 2] = p.start(i);
    out[i * 2 + 1] = p.end(i);
  }
  return give(changetype<usize>(out), out.length * 4);
}
export function replace(ptr: usize, length: usize, template: usize, templateLength: usize): usize {
  const result = pattern!.replace(ptr, length, new Replacement(String.UTF8.decodeUnsafe(template, templateLength)));
  return result ? giveArray(result) : 0;
}
