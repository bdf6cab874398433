/* Accept fields by the grammar of RFC 9110 as regular expressions. */

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t \\x21-\\x7e\\x80-\\xff])*"';
// Written so that white space belongs to one place only: the time is linear.
const RANGE = new RegExp(`^(${TOKEN})/(${TOKEN})((?:[ \\t]*;(?:[ \\t]*${TOKEN}=(?:${TOKEN}|${QUOTED}))?)*)[ \\t]*$`);
const PARAMETER = new RegExp(`;[ \\t]*(?:(${TOKEN})=(?:(${TOKEN})|(${QUOTED})))?`, "g");

export interface Range {
  readonly type: string;
  readonly subtype: string;
  readonly params: readonly (readonly [string, string])[];
  /** In thousandths. */
  readonly quality: number;
}

/** Parted at commas outside of quotes; a member that the grammar does not have is null. */
export function accepted(field: string): (Range | null)[] {
  const members: string[] = [];
  let member = "";
  let quoted = false;
  for (let i = 0; i <= field.length; i++) {
    const c = field[i];
    if (c === undefined || (c === "," && !quoted)) {
      members.push(member.replace(/^[ \t]+|[ \t]+$/g, ""));
      member = "";
      continue;
    }
    if (c === '"') quoted = !quoted;
    member += c;
    if (c === "\\" && quoted && i + 1 < field.length) member += field[++i]!;
  }
  return members.filter((text) => text).map(rangeOf);
}

function rangeOf(text: string): Range | null {
  const match = RANGE.exec(text);
  if (!match) return null;
  const type = match[1]!.toLowerCase();
  const subtype = match[2]!.toLowerCase();
  if (type === "*" && subtype !== "*") return null;
  const params: [string, string][] = [];
  let quality = -1;
  for (const [, name, token, quoted] of match[3]!.matchAll(PARAMETER)) {
    if (!name) continue;
    if (name.toLowerCase() !== "q") {
      params.push([name.toLowerCase(), token ?? quoted!.slice(1, -1).replace(/\\(.)/g, "$1")]);
      continue;
    }
    if (quality >= 0 || !token || !/^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(token)) return null;
    quality = Math.round(Number(token) * 1000);
  }
  return { type, subtype, params, quality: quality < 0 ? 1000 : quality };
}
