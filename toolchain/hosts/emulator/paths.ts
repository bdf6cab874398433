import type { ConnectionManagerOptions } from "../types.js";
import type { Behaviour } from "./behaviour.js";

/** What the connection manager does to a path: a new one, and whether the request goes on with it. */
export interface PathDecision {
  readonly path: string;
  readonly action: "forward" | "reject" | "redirect";
}

const UNRESERVED = /[0-9A-Za-z._~-]/;
const ESCAPED = /[\0-\x20"#<>^`{|}\x7f]/g;

const percent = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;

/** A path as a URL's canonical form has it, without its query; null: it holds an escaped NUL. */
function canonical(path: string, { normalizesParameters }: Behaviour): string | null {
  if (/%00/.test(path)) return null;
  // Dots with parameters are dots, if they are written as they are, and behind a slash.
  const decoded = (normalizesParameters ? path.replace(/\/(\.\.?);[^/]*/g, "/$1") : path)
    .replace(/%([0-9A-Fa-f]{2})/g, (whole, digits: string) => {
      const char = String.fromCharCode(parseInt(digits, 16));
      return UNRESERVED.test(char) ? char : whole;
    })
    .replaceAll("\\", "/")
    .replace(ESCAPED, percent);
  const segments: string[] = [];
  const parts = decoded.split("/").slice(1);
  parts.forEach((part, i) => {
    const last = i === parts.length - 1;
    if (part === "..") segments.pop();
    if (part !== "." && part !== "..") segments.push(part);
    else if (last) segments.push("");
  });
  return `/${segments.join("/")}`;
}

/** In Envoy's order: escaped slashes, then the canonical form, then slashes that follow each other. */
export function decidePath(whole: string, options: ConnectionManagerOptions, behaviour: Behaviour): PathDecision {
  const { pathWithEscapedSlashesAction: slashes = "KEEP_UNCHANGED", normalizePath, mergeSlashes } = options;
  const at = whole.indexOf("?");
  const query = at < 0 ? "" : whole.slice(at);
  let path = at < 0 ? whole : whole.slice(0, at);
  let action: PathDecision["action"] = "forward";
  if (slashes !== "KEEP_UNCHANGED") {
    const unescaped = path.replace(/%2f/gi, "/").replace(/%5c/gi, "\\");
    if (unescaped !== path) {
      path = unescaped;
      if (slashes === "REJECT_REQUEST") return { path: path + query, action: "reject" };
      if (slashes === "UNESCAPE_AND_REDIRECT") action = "redirect";
    }
  }
  if (normalizePath) {
    const normal = canonical(path, behaviour);
    if (normal === null) return { path: path + query, action: "reject" };
    path = normal;
  }
  if (mergeSlashes && path.includes("//")) {
    const segments = path.split("/").filter(Boolean);
    // Also where nothing is between them: /// becomes //.
    path = `/${segments.join("/")}${path.endsWith("/") ? "/" : ""}`;
  }
  return { path: path + query, action };
}
