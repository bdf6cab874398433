/* Paths with variables: /users/{id}, /files/{rest=**}. They are compiled to a regular expression. */

import { Pattern } from "meshwasm/sdk/std/pattern";

/** Variables in one template. */
const MAX_VARIABLES = 20;

export class PathTemplate {
  /** Why the last one was refused. */
  static reason: string = "";

  private constructor(
    readonly pattern: Pattern,
    readonly names: string[],
  ) {}

  /** `{name}` is one segment that is not empty, `{name=**}` any number of them; null with the reason in `reason`. */
  static compile(text: string): PathTemplate | null {
    if (!text.startsWith("/")) return refuse("must begin with /");
    const names: string[] = [];
    let regex = "^";
    let from = 0;
    while (true) {
      const start = text.indexOf("{", from);
      const literal = text.substring(from, start < 0 ? text.length : start);
      if (literal.includes("}")) return refuse("has a } without {");
      if (literal.includes("?") || literal.includes("#")) return refuse("is a path: it has no ? and no #");
      regex += Pattern.quote(literal);
      if (start < 0) break;
      const end = text.indexOf("}", start);
      if (end < 0) return refuse("has a { without }");
      let name = text.substring(start + 1, end);
      const any = name.endsWith("=**");
      if (any) name = name.substring(0, name.length - 3);
      if (!isName(name)) return refuse("has a variable that is not called by letters, digits and _");
      if (names.includes(name)) return refuse("has two variables of one name");
      if (names.length == MAX_VARIABLES) return refuse("has more than 20 variables");
      names.push(name);
      regex += "(?P<" + name + (any ? ">.*)" : ">[^/]+)");
      from = end + 1;
    }
    // Bytes that are not UTF-8 are characters, too.
    const pattern = Pattern.compile("(?s)" + regex + "\\z");
    return pattern ? new PathTemplate(pattern, names) : refuse(Pattern.error);
  }

  /** The text of a Replacement for a path with the same variables; null with the reason in `reason`. */
  replacement(text: string): string | null {
    let out = "";
    let from = 0;
    while (true) {
      const start = text.indexOf("{", from);
      out += text.substring(from, start < 0 ? text.length : start).replaceAll("$", "$$");
      if (start < 0) return out;
      const end = text.indexOf("}", start);
      const name = end < 0 ? "" : text.substring(start + 1, end);
      if (end < 0 || !this.names.includes(name)) {
        PathTemplate.reason = "has a variable that the template does not have";
        return null;
      }
      out += "${" + name + "}";
      from = end + 1;
    }
  }
}

function refuse(reason: string): PathTemplate | null {
  PathTemplate.reason = reason;
  return null;
}

function isName(name: string): bool {
  if (!name.length) return false;
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    if (!(<u32>(c | 0x20) - 0x61 < 26 || c == 0x5f || (i > 0 && <u32>c - 0x30 < 10))) return false;
  }
  return true;
}
