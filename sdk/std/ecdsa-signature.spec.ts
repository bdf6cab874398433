import { Curve } from "./curve";
import { ecdsaFromDer, ecdsaToDer } from "./ecdsa-signature";
import { fromHex, toHex } from "./hex";
import { refusalReason } from "./refusal";

function der(hex: string): string {
  const bytes = fromHex(hex)!;
  const result = ecdsaToDer(Curve.P256, bytes.dataStart, bytes.length);
  return result ? toHex(result) : refusalReason;
}

function raw(hex: string): string {
  const bytes = fromHex(hex)!;
  const result = ecdsaFromDer(Curve.P256, bytes.dataStart, bytes.length);
  return result ? toHex(result) : refusalReason;
}

describe("ECDSA signature", () => {
  it("goes from one form to the other", () => {
    const one = "00".repeat(31) + "01" + "00".repeat(31) + "ff";
    expect(der(one)).toBe("3007020101020200ff");
    expect(raw("3007020101020200ff")).toBe(one);
  });

  it("keeps r and s in range", () => {
    const zero = "00".repeat(32);
    const order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    const most = order.substring(0, 63) + "0";
    expect(der(zero + most)).toBe("r or s is out of range");
    expect(der(most + zero)).toBe("r or s is out of range");
    expect(der(most + order)).toBe("r or s is out of range");
    expect(raw(der(most + most))).toBe(most + most);
    expect(raw("3006020100020101")).toBe("r or s is out of range");
    expect(raw("30260221010" + "0".repeat(63) + "020101")).toBe("r or s is out of range");
  });

  it("takes one length and one form", () => {
    expect(der("01".repeat(63))).toBe("the signature is of another length than the curve's");
    expect(raw("30080202000102020001")).toBe("an INTEGER has more bytes than it needs");
    expect(raw("300602010102010100")).toBe("something follows the last element");
    expect(raw("3009020101020101020101")).toBe("something follows the last element");
    expect(raw("3003020101")).toBe("an element is missing");
    expect(ecdsaToDer(Curve.Ed25519, 0, 0) === null).toBe(true);
    expect(ecdsaFromDer(Curve.None, 0, 0) === null).toBe(true);
  });
});
