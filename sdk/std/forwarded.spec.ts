import { Forwarded, ForwardedNode, NodeKind, xffAddressText } from "./forwarded";
import { refusalAt } from "./refusal";
import { Slice } from "./slice";

function node(text: string): ForwardedNode {
  return new ForwardedNode(Slice.of(text));
}

describe("Forwarded", () => {
  it("reads elements and nodes", () => {
    const forwarded = Forwarded.parseText(
      'For="[2001:db8::17]:4711";proto=https;host=a.test, for=192.0.2.43;by="_x:_y"',
    )!;
    expect(forwarded.elements.length).toBe(2);
    const client = forwarded.elements[0].client!;
    expect(client.kind).toBe(NodeKind.IPv6);
    expect(client.name.toString()).toBe("2001:db8::17");
    expect(client.port).toBe(4711);
    expect(forwarded.elements[0].proto).toBe("https");
    expect(forwarded.elements[0].host).toBe("a.test");
    expect(forwarded.elements[0].by == null).toBe(true);
    const by = forwarded.fromRight(0)!.by!;
    expect(by.kind).toBe(NodeKind.Obfuscated);
    expect(by.hiddenPort!.toString()).toBe("_y");
    expect(forwarded.fromRight(2) == null).toBe(true);
    expect(forwarded.fromRight(-1) == null).toBe(true);
  });

  it("knows nodes", () => {
    expect(node("192.0.2.1:80").port).toBe(80);
    expect(node("unknown").kind).toBe(NodeKind.Unknown);
    expect(node("[::ffff:1.2.3.4]").kind).toBe(NodeKind.IPv6);
    const bad = [
      "",
      "x",
      "1.2.3",
      "01.2.3.4",
      "1.2.3.4:",
      "1.2.3.4:65536",
      "1.2.3.4:000080",
      "::1",
      "[::1",
      "[]",
      "[1.2.3.4]",
      "_",
      "[::1]x",
    ];
    for (let i = 0; i < bad.length; i++) expect(node(bad[i]).kind).toBe(NodeKind.Malformed, bad[i]);
  });

  it("refuses a field that is malformed anywhere", () => {
    const bad = [
      "for",
      "for=",
      "for=a b",
      'for="a',
      "for=[::1]",
      "for=a;for=b",
      "for=a;FOR=b",
      "for=a for=b",
      "=a",
      "for =a",
    ];
    for (let i = 0; i < bad.length; i++) expect(Forwarded.parseText(bad[i]) == null).toBe(true, bad[i]);
    Forwarded.parseText("for=a, for=b;x");
    expect(refusalAt).toBe(14);
    expect(Forwarded.parseText("")!.elements.length).toBe(0);
  });
});

describe("X-Forwarded-For", () => {
  it("counts from the right", () => {
    const field = "evil, 1.1.1.1,2001:db8::1 , 10.0.0.1";
    expect(xffAddressText(field, 0)!).toBe("10.0.0.1");
    expect(xffAddressText(field, 1)!).toBe("2001:db8::1");
    expect(xffAddressText(field, 2)!).toBe("1.1.1.1");
    expect(xffAddressText(field, 3) == null).toBe(true);
    expect(xffAddressText(field, 4) == null).toBe(true);
    expect(xffAddressText(field, i32.MAX_VALUE) == null).toBe(true);
    expect(xffAddressText(field, -1) == null).toBe(true);
    expect(xffAddressText("", 0) == null).toBe(true);
  });

  it("takes addresses only", () => {
    const bad = ["1.2.3.4:80", "[::1]", "::1%eth0", "1.2.3.4,", "unknown", "1.2.3.256"];
    for (let i = 0; i < bad.length; i++) expect(xffAddressText(bad[i], 0) == null).toBe(true, bad[i]);
  });
});
