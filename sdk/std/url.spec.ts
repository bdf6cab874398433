import {
  EncodeSet,
  normalizedPathMax,
  normalizePath,
  PathNormalization,
  percentDecoded,
  percentDecodeStrict,
  percentEncoded,
  Query,
  QueryError,
  QueryReader,
  RequestTarget,
} from "./url";

function bytesOf(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

function textOf(ptr: usize, length: usize): string {
  return String.UTF8.decodeUnsafe(ptr, length);
}

function encoded(text: string, set: EncodeSet): string {
  return percentEncoded(bytesOf(text), set);
}

function decoded(text: string, plus: bool = false): string {
  const bytes = percentDecoded(bytesOf(text), plus);
  return textOf(bytes.dataStart, bytes.length);
}

/** "refused" for what is. */
function normal(path: string, how: PathNormalization): string {
  const bytes = bytesOf(path);
  const out = new Uint8Array(<i32>normalizedPathMax(bytes.length));
  const length = normalizePath(bytes.dataStart, bytes.length, out.dataStart, how);
  return length < 0 ? "refused" : textOf(out.dataStart, length);
}

describe("percent-coding", () => {
  it("encodes by the set", () => {
    const text = "a b/c?d=\u00e9&'~";
    expect(encoded(text, EncodeSet.Component)).toBe("a%20b%2Fc%3Fd%3D%C3%A9%26'~");
    expect(encoded(text, EncodeSet.Form)).toBe("a+b%2Fc%3Fd%3D%C3%A9%26%27%7E");
    expect(encoded(text, EncodeSet.Path)).toBe("a%20b/c%3Fd=%C3%A9&'~");
    expect(encoded(text, EncodeSet.Query)).toBe("a%20b/c?d=%C3%A9&'~");
    expect(encoded(text, EncodeSet.Unreserved)).toBe("a%20b%2Fc%3Fd%3D%C3%A9%26%27~");
    expect(encoded(text, EncodeSet.PathSegment)).toBe("a%20b%2Fc%3Fd=%C3%A9&'~");
  });

  it("decodes leniently or strictly", () => {
    expect(decoded("%C3%a9+%zz%4")).toBe("\u00e9+%zz%4");
    expect(decoded("a+b%2B", true)).toBe("a b+");
    const bytes = bytesOf("ab%2Fc%4");
    expect(percentDecodeStrict(bytes.dataStart, bytes.length, bytes.dataStart)).toBe(~6);
    expect(percentDecodeStrict(bytes.dataStart, 2, bytes.dataStart)).toBe(2);
  });
});

describe("queries", () => {
  it("keep order and duplicates", () => {
    const bytes = bytesOf("b=1&a=x+y&&b=%32&c&=");
    const query = new Query();
    expect(query.parse(bytes.dataStart, bytes.length)).toBe(true);
    expect(query.count).toBe(5);
    expect(query.get("b")).toBe("1");
    expect(query.get("a")).toBe("x y");
    expect(query.get("c")).toBe("");
    expect(query.get("d")).toBe(null);
    expect(query.value(query.find("b", 1))).toBe("2");
    expect(query.name(4)).toBe("");
    expect(query.name(5)).toBe("");
    expect(query.namePtr(-1)).toBe(0);
  });

  it("are refused for bad escapes and too many pairs", () => {
    const bytes = bytesOf("a=1&b=%2&c=3");
    const query = new Query();
    expect(query.parse(bytes.dataStart, bytes.length, true, true)).toBe(false);
    expect(<i32>query.error).toBe(QueryError.BadEscape);
    expect(query.errorAt).toBe(6);
    expect(query.count).toBe(0);
    expect(query.parse(bytes.dataStart, bytes.length, true, false, 2)).toBe(false);
    expect(<i32>query.error).toBe(QueryError.TooMany);
    expect(query.errorAt).toBe(9);
    expect(query.parse(bytes.dataStart, bytes.length, true, false, 3)).toBe(true);
    expect(query.value(1)).toBe("%2");
  });

  it("are read as they stand without allocation", () => {
    const bytes = bytesOf("a=%20&b&c==");
    const reader = new QueryReader(bytes.dataStart, bytes.length);
    expect(reader.next()).toBe(true);
    expect(textOf(reader.value, reader.valueLength)).toBe("%20");
    expect(reader.next()).toBe(true);
    expect(reader.hasValue).toBe(false);
    expect(reader.next()).toBe(true);
    expect(textOf(reader.name, reader.nameLength)).toBe("c");
    expect(textOf(reader.value, reader.valueLength)).toBe("=");
    expect(reader.next()).toBe(false);
  });
});

describe("request targets", () => {
  it("are split at the first ?", () => {
    const target = new RequestTarget();
    const bytes = bytesOf("/a/b?c?d");
    expect(target.read(bytes.dataStart, bytes.length)).toBe(true);
    expect(textOf(target.path, target.pathLength)).toBe("/a/b");
    expect(textOf(target.query, target.queryLength)).toBe("c?d");
    expect(target.read(bytes.dataStart, 5)).toBe(true);
    expect(target.hasQuery).toBe(true);
    expect(target.queryLength).toBe(0);
    expect(target.read(bytes.dataStart, 4)).toBe(true);
    expect(target.hasQuery).toBe(false);
  });

  it("that Envoy refuses are none", () => {
    const target = new RequestTarget();
    const wrong = ["", "*", "a/b", "?a", "/a#b", "/a?b#c", "/a b", "/a\tb", "/\x7f"];
    for (let i = 0; i < wrong.length; i++) {
      const bytes = bytesOf(wrong[i]);
      expect(target.read(bytes.dataStart, bytes.length)).toBe(false, wrong[i]);
      expect(normal(wrong[i], PathNormalization.None)).toBe("refused", wrong[i]);
    }
  });
});

describe("path normalisation", () => {
  it("NONE leaves the path", () => {
    expect(normal("/a/../b//c%2f?d=/../e", PathNormalization.None)).toBe("/a/../b//c%2f?d=/../e");
  });

  it("BASE resolves dots, backslashes and escapes", () => {
    const base = PathNormalization.Base;
    expect(normal("/a/../b//c%2f?d=/../e", base)).toBe("/b//c%2f?d=/../e");
    expect(normal("/a/%2E%2e/.\\b", base)).toBe("/b");
    expect(normal("/../..", base)).toBe("/");
    expect(normal("/a/.../..b", base)).toBe("/a/.../..b");
    expect(normal("/%41%7e%2F{\u00e9}", base)).toBe("/A~%2F%7B%C3%A9%7D");
    expect(normal("/%%341%zz", base)).toBe("/%2541%zz");
    expect(normal("/a%00", base)).toBe("refused");
    expect(normal("/a?%00", base)).toBe("/a?%00");
  });

  // CVE-2026-73551.
  it("BASE drops the parameters of plain dot segments, of no other", () => {
    expect(normal("/a/..;b=c/d", PathNormalization.Base)).toBe("/d");
    expect(normal("/a/.;/d;x", PathNormalization.Base)).toBe("/a/d;x");
    expect(normal("/a/%2e%2e;/d", PathNormalization.Base)).toBe("/a/..;/d");
  });

  it("MERGE_SLASHES merges after all else", () => {
    expect(normal("/a//../b", PathNormalization.MergeSlashes)).toBe("/a/b");
    expect(normal("//a\\\\b//", PathNormalization.MergeSlashes)).toBe("/a/b/");
    expect(normal("////", PathNormalization.MergeSlashes)).toBe("//");
    expect(normal("/a%2f%2fb", PathNormalization.MergeSlashes)).toBe("/a%2f%2fb");
  });

  it("DECODE_AND_MERGE_SLASHES decodes escaped slashes first", () => {
    const decode = PathNormalization.DecodeAndMergeSlashes;
    expect(normal("/a%2F%2e%2e%5c/b%2f?%2f", decode)).toBe("/b/?%2f");
    expect(normal("/a%252fb", decode)).toBe("/a%252fb");
  });

  it("escaped slashes can be refused", () => {
    const reject = PathNormalization.Base | PathNormalization.OptionRejectEscapedSlashes;
    expect(normal("/a%5Cb", reject)).toBe("refused");
    expect(normal("/a/b?%2f", reject)).toBe("/a/b?%2f");
  });
});
