/* traceparent and tracestate by regular expressions (Trace Context level 2, sections 3.2 and 3.3). */

/** In the form of drivers/tracecontext.as; null when it is to be ignored. */
export function parentModel(text: string): string | null {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/s.exec(text);
  if (!match) return null;
  const [, version, trace, parent, flags, rest] = match;
  if (version === "ff" || (version === "00" && rest !== undefined)) return null;
  if (/^0+$/.test(trace!) || /^0+$/.test(parent!)) return null;
  const bits = parseInt(flags!, 16) & 3;
  return `${parseInt(version!, 16)} ${trace} ${parent} ${bits & 1}${bits >> 1} 00-${trace}-${parent}-0${bits}`;
}

const KEY = /^[a-z0-9][a-z0-9_*/@-]{0,255}$/;
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** Members, each key once; null when the field is to be left out. */
export function stateModel(text: string): Map<string, string> | null {
  const members = text
    .split(",")
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ""))
    .filter((member) => member);
  if (members.length > 32) return null;
  const state = new Map<string, string>();
  for (const member of members) {
    const [, key, value] = /^([^=]*)=(.*)$/s.exec(member) ?? [];
    if (key === undefined || !KEY.test(key) || !VALUE.test(value!)) return null;
    if (!state.has(key)) state.set(key, value!);
  }
  return state;
}

export const stateText = (state: ReadonlyMap<string, string>): string =>
  [...state].map((member) => member.join("=")).join(",");

export const isStateMember = (key: string, value: string): boolean => KEY.test(key) && VALUE.test(value);
