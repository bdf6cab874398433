import { Curve } from "./curve";
import { fromHex, toHex } from "./hex";
import { KeyMaterial, KeyType } from "./key-material";
import { refusalReason } from "./refusal";
import { Slice } from "./slice";
import { parseSpki, writeSpki } from "./spki";

const P256 =
  "3059301306072a8648ce3d020106082a8648ce3d030107034200043e083c7d9490fc0a4d3addf3b0eb0af60dfd5167c8" +
  "677644ad3748deccba5a55cdc506ad18b2343c136842839d974d71c6464cba08bdc5ce757dee6ad0e8a4df";
const ED25519 = "302a300506032b65700321008dcf2d61e81e0ffb4d0d334e8b8dfdaf34f0c35290e6812884264b87373ac37d";

function parsed(hex: string): KeyMaterial | null {
  const bytes = fromHex(hex)!;
  return parseSpki(bytes.dataStart, bytes.length);
}

describe("SubjectPublicKeyInfo", () => {
  it("reads what OpenSSL writes and writes it again", () => {
    const ec = parsed(P256)!;
    expect(ec.type).toBe(KeyType.Ec);
    expect(ec.curve).toBe(Curve.P256);
    expect(toHex(ec.first.toBytes())).toBe("3e083c7d9490fc0a4d3addf3b0eb0af60dfd5167c8677644ad3748deccba5a55");
    expect(toHex(ec.second.toBytes())).toBe("cdc506ad18b2343c136842839d974d71c6464cba08bdc5ce757dee6ad0e8a4df");
    expect(toHex(writeSpki(ec)!)).toBe(P256);
    const okp = parsed(ED25519)!;
    expect(okp.type).toBe(KeyType.Okp);
    expect(toHex(writeSpki(okp)!)).toBe(ED25519);
  });

  it("writes RSA and reads it again", () => {
    const n = fromHex("c1".repeat(256))!;
    const e = fromHex("010001")!;
    const key = KeyMaterial.rsa(Slice.copy(n.dataStart, 256), Slice.copy(e.dataStart, 3))!;
    const again = parsed(toHex(writeSpki(key)!))!;
    expect(again.type).toBe(KeyType.Rsa);
    expect(again.first.same(key.first)).toBe(true);
    expect(again.second.same(key.second)).toBe(true);
  });

  it("refuses what is none", () => {
    expect(parsed("") === null).toBe(true);
    expect(refusalReason).toBe("an element is missing");
    expect(parsed(P256.substring(2)) === null).toBe(true);
    expect(parsed(P256 + "00") === null).toBe(true);
    expect(parsed(ED25519.replace("2b6570", "2b6571")) === null).toBe(true);
    expect(refusalReason).toBe("the algorithm of the key is unknown");
    expect(writeSpki(KeyMaterial.oct(Slice.of("secret"))!) === null).toBe(true);
    expect(refusalReason).toBe("a secret has no public key");
  });
});
