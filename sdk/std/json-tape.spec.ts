import {
  JsonLimits,
  JsonType,
  parseTape,
  releaseTape,
  tapeError,
  tapeErrorAt,
  tapeNodes,
  tapeNodesSize,
} from "./json-tape";
import { tapeRoot, tapeText } from "./json-tape";

function parse(text: string, limits: JsonLimits | null = null): bool {
  const bytes = String.UTF8.encode(text);
  return parseTape(changetype<usize>(bytes), bytes.byteLength, limits);
}

describe("json tape", () => {
  it("puts the members of a container side by side", () => {
    expect(parse('{"a":[true,null],"b":2}')).toBe(true);
    expect(<JsonType>(tapeRoot & 7)).toBe(JsonType.Object);
    expect(<u32>(tapeRoot >> 32)).toBe(2);
    // The two items, then two keys with their values.
    expect(tapeNodesSize).toBe(6 * 8);
    const array = load<u64>(tapeNodes, 3 * 8);
    expect(<JsonType>(array & 7)).toBe(JsonType.Array);
    expect((<u32>(array >> 4)) & 0x0fffffff).toBe(0);
    expect(load<u64>(tapeNodes)).toBe(JsonType.Bool | 8);
    releaseTape();
  });

  it("replaces escapes in place", () => {
    expect(parse('"a\\n\\u00e9"')).toBe(true);
    expect(<u32>(tapeRoot >> 32)).toBe(4);
    expect(String.UTF8.decodeUnsafe(tapeText + 1, 4)).toBe("a\n\u00e9");
  });

  it("tells errors and keeps limits", () => {
    expect(parse("[1,]")).toBe(false);
    expect(tapeError).toBe("a value is missing");
    expect(tapeErrorAt).toBe(3);
    const limits = new JsonLimits();
    limits.depth = 1;
    expect(parse("[]", limits)).toBe(true);
    expect(parse("[[]]", limits)).toBe(false);
    expect(tapeError).toBe("it is nested too deep");
  });
});
