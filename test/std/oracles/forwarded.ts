/* Forwarded and X-Forwarded-For by regular expressions, and addresses by node:net. */

import { isIPv4, isIPv6 } from "node:net";

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t \\x21-\\x7e\\x80-\\xff])*"';
const PAIR = `(?:${TOKEN}=(?:${TOKEN}|${QUOTED}))`;
const OWS = "[ \\t]*";
/**
 * RFC 7239, section 4, with white space around the semicolons: pairs, each of which may be missing, parted by semicolons and
 * commas. White space belongs to one place only, so that the time is linear.
 */
const FIELD = new RegExp(`^(?:${OWS}${PAIR})?(?:${OWS}[;,](?:${OWS}${PAIR})?)*${OWS}$`);
const PIECE = new RegExp(`(${TOKEN})=(?:(${TOKEN})|(${QUOTED}))|,`, "g");

const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex");

/** In the form of drivers/forwarded.as; null when the field is malformed or has a parameter twice in one element. */
export function forwardedElements(field: string): string | null {
  if (!FIELD.test(field)) return null;
  const elements: [string, string][][] = [[]];
  for (const [piece, name, token, quoted] of field.matchAll(PIECE)) {
    if (piece === ",") elements.push([]);
    else elements.at(-1)!.push([name!, token ?? quoted!.slice(1, -1).replace(/\\(.)/g, "$1")]);
  }
  for (const element of elements) {
    const names = element.map(([name]) => name.toLowerCase());
    if (new Set(names).size !== names.length || names.length > 16) return null;
  }
  const good = elements.filter((element) => element.length);
  if (good.length > 256) return null;
  return good.map((element) => element.map(([name, value]) => `${hex(name)}=${hex(value)}`).join(";")).join(",");
}

/** RFC 7239, section 6, in the form of drivers/forwarded.as; null when it is malformed. */
export function forwardedNode(text: string): string | null {
  const match = /^(?:\[([^\]]*)\]|([^:[]*))(?::(\d{1,5}|_[A-Za-z0-9._-]+))?$/s.exec(text);
  if (!match) return null;
  const [, v6, other, port = "-1"] = match;
  if (Number(port) > 65535) return null;
  const portText = port.startsWith("_") ? port : String(Number(port));
  if (v6 !== undefined) return isIPv6(v6) && !v6.includes("%") ? `6 ${v6} ${portText}` : null;
  const kind = isIPv4(other!) ? "4" : /^unknown$/i.test(other!) ? "u" : /^_[A-Za-z0-9._-]+$/.test(other!) ? "o" : null;
  return kind && `${kind} ${other} ${portText}`;
}

/** Envoy's Utility::getLastAddressFromXFF, with node:net for inet_pton. */
export function xffModel(field: string, skip: number): string | null {
  const entries = field.split(",");
  const entry = entries[entries.length - 1 - skip]?.replace(/^[ \t]+|[ \t]+$/g, "");
  return entry !== undefined && (isIPv4(entry) || (isIPv6(entry) && !entry.includes("%"))) ? entry : null;
}
