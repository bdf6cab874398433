import { Curve, curveName, curveNamed, curveOid, curveOidSize, curveSize } from "./curve";
import { toUtf8 } from "./utf8";

function named(text: string): Curve {
  const bytes = toUtf8(text);
  return curveNamed(bytes.dataStart, bytes.length);
}

describe("curve", () => {
  it("finds a curve by its name", () => {
    for (let curve = Curve.P256; curve <= Curve.Ed25519; curve++) expect(named(curveName(curve))).toBe(curve);
    expect(named("p-256")).toBe(Curve.None);
    expect(named("")).toBe(Curve.None);
    expect(curveName(Curve.None)).toBe("");
  });

  it("knows sizes and object identifiers", () => {
    expect(curveSize(Curve.P521)).toBe(66);
    expect(curveSize(Curve.None)).toBe(0);
    expect(load<u8>(curveOid(Curve.P384) + curveOidSize(Curve.P384) - 1)).toBe(34);
    expect(curveOidSize(Curve.Ed25519)).toBe(3);
  });
});
