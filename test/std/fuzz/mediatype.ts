import assert from "node:assert/strict";
import { MIMEType as NodeMimeType } from "node:util";
import { MIMEType } from "whatwg-mimetype";
import type { Fuzzed } from "../fuzz.js";
import { accepted } from "../oracles/accept.js";

/** The lines of drivers/mediatype.as, type, subtype, names and values, as whatwg-mimetype has them; null when it refuses. */
export function modelParts(input: Uint8Array): string[] | null {
  const parsed = MIMEType.parse(Buffer.from(input).toString("latin1"));
  return parsed && [parsed.type, parsed.subtype, ...[...parsed.parameters].flat()];
}

/**
 * As modelParts, by Node. With quotes it is not asked: unlike section 4.4 of the MIME Sniffing Standard it does not remove
 * white space at the end of the text before it parses, and does not skip what stands between a closing quote and the next
 * semicolon ("Collect a sequence of code points that are not U+003B (;)").
 */
export function nodeParts(input: Uint8Array): string[] | null | undefined {
  const text = Buffer.from(input).toString("latin1");
  if (text.includes('"')) return undefined;
  try {
    const { type, subtype, params } = new NodeMimeType(text);
    return [type, subtype, ...[...params].flat()];
  } catch {
    return null;
  }
}

export const FUZZED: Fuzzed[] = [
  {
    name: "media types",
    driver: "mediatype",
    export: "consistent",
    corpus: [
      "text/html;charset=utf-8",
      ' \tText/HTML ; charset="utf-8" ;a = b;c="d\\"e\\\\;f"x;charset=other\r\n',
      'application/vnd.api+json;profile="https://example.com/a b";ext=1',
      "multipart/form-data; boundary=----x; =y; z=; ;;",
      'a/b;é=1;x=é;y="\u00ff\t"',
    ],
    dictionary: ["/", ";", "=", '"', "\\", " ", "\t", "\r\n", "charset", "*/*", "a=b", '=""'],
    check(input, result, program) {
      assert.equal(result, 1);
      const ours = program.bytesOrNull("parts", input)?.toString("latin1") ?? null;
      const model = modelParts(input);
      assert.equal(ours, model && model.map((part) => `${part}\n`).join(""));
      const node = nodeParts(input);
      if (node !== undefined) assert.deepEqual(node, model);
    },
    oracle: "whatwg-mimetype, Node's MIMEType",
  },
  {
    name: "Accept",
    driver: "mediatype",
    export: "members",
    corpus: [
      "text/*;q=0.3, text/html;q=0.7, text/html;level=1, text/html;level=2;q=0.4, */*;q=0.5",
      'application/json;profile="a, b";q=1.000,, ,a/b; ;c=d ;q=0',
      "*/*;q=0.001, text/html;Q=1;x=y",
    ],
    dictionary: [",", ";", "q=", "0.", "1.000", "*/*", "/*", '"', "\\", "=", " ", "\t", "a/b"],
    check(input, result) {
      const model = accepted(input.toString("latin1"));
      const good = model.filter((range) => range).length;
      assert.equal(result, good * 1000 + model.length - good);
    },
    oracle: "regular expressions",
  },
];
