/* Which headers an operator may change, and how. */

/** Say where a message ends, or belong to one connection. A changed one lets two proxies disagree about where the next
 * message begins (request smuggling), or makes HTTP/2 reset the stream. */
const FRAMING: StaticArray<string> = [
  "connection",
  "content-length",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Have one value by definition. With a second line Envoy joins both to a value that nobody sent, or the reader picks one. */
const SINGLE: StaticArray<string> = [
  "access-control-allow-credentials",
  "access-control-allow-origin",
  "access-control-max-age",
  "authorization",
  "content-location",
  "content-type",
  "date",
  "etag",
  "last-modified",
  "location",
  "origin",
  "proxy-authorization",
  "referer",
  "server",
  "strict-transport-security",
  "user-agent",
  "x-forwarded-proto",
];

/** Without this request header, or with an empty one, Envoy finds no route and answers 404 [measured on 1.40.0]. */
const PROTO = "x-forwarded-proto";

/** Envoy's own headers: timeouts, retries, destinations, health. */
const ENVOY = "x-envoy-";

export const enum Edit {
  Remove,
  Set,
  Add,
}

/** Why a rule may not have this name, or null. Messages name only headers from the lists above, never what was given. */
export function refusedName(name: string, edit: Edit, inRequest: bool): string | null {
  if (!name.length) return "must not be empty";
  if (name.charCodeAt(0) == 0x3a) return "pseudo-headers cannot be changed here: they decide where a message goes";
  for (let i = 0; i < name.length; i++) {
    if (!isTokenChar(name.charCodeAt(i))) {
      return "is not a header name: only letters, digits and !#$%&'*+-.^_`|~ are allowed";
    }
  }
  if (sameName(name, "host")) return "host cannot be changed here: it decides where a message goes";
  for (let i = 0; i < FRAMING.length; i++) {
    if (sameName(name, FRAMING[i])) {
      return FRAMING[i] + " cannot be changed: the connection or the end of the message depends on it";
    }
  }
  if (edit == Edit.Remove) {
    return inRequest && sameName(name, PROTO) ? PROTO + " cannot be removed: Envoy finds no route without it" : null;
  }
  if (startsWith(name, ENVOY)) return "x-envoy- headers can only be removed: Envoy takes orders from them";
  if (edit == Edit.Set) return null;
  return isSingle(name) ? name.toLowerCase() + " has one value only: use set" : null;
}

/** Whether the header has one value by definition. */
export function isSingle(name: string): bool {
  for (let i = 0; i < SINGLE.length; i++) if (sameName(name, SINGLE[i])) return true;
  return false;
}

/** Why a header may not get values that are made for each message, or null. */
export function refusedValues(name: string, inRequest: bool): string | null {
  return inRequest && sameName(name, PROTO) ? PROTO + " must be http or https: give one of them" : null;
}

/** Whether removeMatching must leave the header alone: what may not be removed by its name, neither by a pattern. */
export function isKept(name: string, inRequest: bool): bool {
  return refusedName(name, Edit.Remove, inRequest) !== null;
}

/** Why a header may not have this value, or null. Never shows the value: it may be a secret. */
export function refusedValue(name: string, value: string, inRequest: bool): string | null {
  if (inRequest && sameName(name, PROTO) && value != "http" && value != "https") return "must be http or https";
  const length = value.length;
  for (let i = 0; i < length; i++) {
    const c = value.charCodeAt(i);
    if (c == 0x7f || (c < 0x20 && c != 9)) return "has a control character";
  }
  // RFC 9113, section 8.2.1: over HTTP/2 such a message is malformed, and its stream is reset.
  if (length && (isSpace(value.charCodeAt(0)) || isSpace(value.charCodeAt(length - 1)))) {
    return "must not begin or end with a space or tab";
  }
  return null;
}

/** Why a rule that is allowed may have no effect, or null: Envoy itself writes these headers after all filters. */
export function overwritten(name: string, edit: Edit, inRequest: bool): string | null {
  if (inRequest) {
    const timeout = "x-envoy-expected-rq-timeout-ms";
    return sameName(name, timeout) ? "Envoy writes " + timeout + " after all filters" : null;
  }
  if (edit == Edit.Remove && sameName(name, "date")) return "Envoy adds date to a response that has none";
  if (!sameName(name, "server")) return null;
  return "Envoy writes server after all filters, unless its server_header_transformation says otherwise";
}

/** Whether two names are the same but for ASCII case. */
export function sameName(a: string, b: string): bool {
  return a.length == b.length && startsWith(a, b);
}

function startsWith(name: string, prefix: string): bool {
  if (name.length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) {
    if (lower(name.charCodeAt(i)) != lower(prefix.charCodeAt(i))) return false;
  }
  return true;
}

function lower(c: i32): i32 {
  return c >= 0x41 && c <= 0x5a ? c | 0x20 : c;
}

function isSpace(c: i32): bool {
  return c == 0x20 || c == 9;
}

/** tchar of RFC 9110. */
function isTokenChar(c: i32): bool {
  const letter = c | 0x20;
  if ((letter >= 0x61 && letter <= 0x7a) || (c >= 0x30 && c <= 0x39)) return true;
  return c < 0x80 && "!#$%&'*+-.^_`|~".includes(String.fromCharCode(c));
}
