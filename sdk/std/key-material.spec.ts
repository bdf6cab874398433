import { Curve } from "./curve";
import { fromHex } from "./hex";
import { KeyMaterial, KeyType } from "./key-material";
import { refusalReason } from "./refusal";
import { Slice } from "./slice";

function bytesOf(hex: string): Slice {
  const bytes = fromHex(hex)!;
  return Slice.copy(bytes.dataStart, bytes.length);
}

describe("key material", () => {
  it("is of four types", () => {
    expect(KeyMaterial.rsa(bytesOf("c1"), bytesOf("03"))!.type).toBe(KeyType.Rsa);
    expect(KeyMaterial.ec(Curve.P256, bytesOf("01".repeat(32)), bytesOf("02".repeat(32)))!.type).toBe(KeyType.Ec);
    expect(KeyMaterial.ed25519(bytesOf("01".repeat(32)))!.curve).toBe(Curve.Ed25519);
    expect(KeyMaterial.oct(Slice.of("a"))!.second.length).toBe(0);
  });

  it("has numbers without zeros in front, and parts of their lengths", () => {
    expect(KeyMaterial.rsa(bytesOf("00c1"), bytesOf("03")) === null).toBe(true);
    expect(refusalReason).toBe("the modulus is empty, begins with zero or is too long");
    expect(KeyMaterial.rsa(bytesOf("c1"), bytesOf("")) === null).toBe(true);
    expect(KeyMaterial.ec(Curve.P384, bytesOf("01".repeat(32)), bytesOf("02".repeat(32))) === null).toBe(true);
    expect(KeyMaterial.ec(Curve.Ed25519, bytesOf("01".repeat(32)), bytesOf("02".repeat(32))) === null).toBe(true);
    expect(KeyMaterial.ed25519(bytesOf("01")) === null).toBe(true);
    expect(KeyMaterial.oct(Slice.of("")) === null).toBe(true);
  });
});
