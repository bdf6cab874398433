import { fromHex } from "./hex";
import { refusalReason } from "./refusal";
import { RsaKey } from "./rsa";
import { Sha256 } from "./sha256";
import { Sha512 } from "./sha512";
import { toUtf8 } from "./utf8";

// Made by OpenSSL: a key, and its signatures of "text" with SHA-256.
const N =
  "9f05f28ad633014ba5bfb69a9a41e79b2d031841f8c6d7c3261f7ae8b11a734ef58a96a8eae6aa0cbbb9c202a310be19" +
  "03f8d46d30627e25b1dd10725b8a2d32f3c71c899afb8326f0a8f260405a574f5fc10516fac9120166c100ec66e9fce9" +
  "9d3fdadb0cb6a38337ebdd0592063f7959f0580f84bf5d096f076676c4916508f7ee46155f7bc59e9dc6273ae64245ae" +
  "6742c3c9090f965d95964c29c66fb24c24957e99bb7b983fb1e1d7da2e8a6d0c8d03f0ce6eded84d379d8a2cf715402c" +
  "80fc36115a6d83112df4764b4d618429b2a7267a87bcfabefe7cd79424e79e72eae9087a87b511623b17ed549f3ffca4" +
  "5d5214f2cb38f5a425c3e842cd126699";
const PKCS1 =
  "3f31f1911eae591105428017dc2a1a9d1b438ba0780e9ae85dd44ab381669395a3e93a8c7c041c8fc3769767ead3f29b" +
  "519b264453953dcbfddea903a9c24c753c9104bd99295120d598d565ebf8410b6dd6e765d5193c43795e7b30296c395d" +
  "04f9dee7f797683f5e90e4e86d26e5dd59311568ba0d30ef587389aee9c96955eb098dd710dd27f26a91f38d0e1679f6" +
  "eabde82ccd023321d82cb86b0a98dabe0f370c9dc391379a06de4560138ec4750d89110316fe915c549f492f7ed89a6c" +
  "0af812c5029d9c54a0bbf4cabc8b3eaad90a6740a5f87d50c2aac48dffed9f157f6ab824c15903c81802a7b90ca0b8ee" +
  "faa8025411aff809710a7d5c378fa90a";
const PSS =
  "316ab5f5277f568b0141b4f27e700c1c6a69ef96a056e4e70d9ea5313ba4c1fd1cdafe7bca75f4bf6ae430ebf02a13eb" +
  "98c16c190342f9a0ef8c7bc058cf58e204a1dfe8421926f13dd6ccbfe0ef580a3beb464ea840d53b6b5b542e536e5e59" +
  "ab88dfbb0a4537459d130449e18e56db85e793c24411a203ae7f8ceb42154aeb1a62bc26ba17ba0834a88deeb30bde15" +
  "ac4ebe8fd3c32f7ebceed5a12c16616d65188b6d5b76e909022a5f81d191a7cf355bcfbe9a251764cb9e34487aac4b84" +
  "240e768c983e567ca864df661c1d82881e83ed09ac1ae238bda65683024d581acb84f0dd8adc6e4a1f4a3db5dea513ee" +
  "6395bde7107114ff21dce9e34f5a7da6";

function keyOf(n: string, e: string): RsaKey | null {
  const modulus = fromHex(n)!;
  const exponent = fromHex(e)!;
  return RsaKey.of(modulus.dataStart, modulus.length, exponent.dataStart, exponent.length);
}

function reason(n: string, e: string): string {
  return keyOf(n, e) ? "" : refusalReason;
}

describe("RSA", () => {
  it("verifies PKCS #1 v1.5", () => {
    const key = keyOf(N, "010001")!;
    const text = toUtf8("text");
    const signature = fromHex(PKCS1)!;
    expect(key.bits).toBe(2048);
    expect(key.size).toBe(256);
    expect(key.verifyPkcs1(new Sha256(), text.dataStart, 4, signature.dataStart, 256)).toBe(true);
    expect(key.verifyPkcs1(new Sha512(), text.dataStart, 4, signature.dataStart, 256)).toBe(false);
    expect(key.verifyPkcs1(new Sha256(), text.dataStart, 3, signature.dataStart, 256)).toBe(false);
    expect(key.verifyPkcs1(new Sha256(), text.dataStart, 4, signature.dataStart, 255)).toBe(false);
    expect(key.verifyPss(new Sha256(), text.dataStart, 4, signature.dataStart, 256)).toBe(false);
  });

  it("verifies PSS", () => {
    const key = keyOf(N, "010001")!;
    const text = toUtf8("text");
    const signature = fromHex(PSS)!;
    expect(key.verifyPss(new Sha256(), text.dataStart, 4, signature.dataStart, 256)).toBe(true);
    expect(key.verifyPss(new Sha256(), text.dataStart, 4, signature.dataStart, 256, 32)).toBe(true);
    expect(key.verifyPss(new Sha256(), text.dataStart, 4, signature.dataStart, 256, 20)).toBe(false);
    expect(key.verifyPss(new Sha256(), text.dataStart, 3, signature.dataStart, 256)).toBe(false);
    expect(key.verifyPkcs1(new Sha256(), text.dataStart, 4, signature.dataStart, 256)).toBe(false);
  });

  it("refuses weak and malformed keys", () => {
    expect(reason("", "03")).toBe("the modulus is empty or begins with zero");
    expect(reason("7f".repeat(256), "03")).toBe("the modulus has fewer than 2048 bits");
    expect(reason("ff".repeat(1025), "03")).toBe("the modulus has more than 8192 bits");
    expect(reason("f0".repeat(256), "03")).toBe("the modulus is even");
    expect(reason(N, "01")).toBe("the exponent is even or 1");
    expect(reason(N, "0003")).toBe("the exponent is empty or begins with zero");
    expect(reason(N, "0200000001")).toBe("the exponent is too large");
    expect(reason(N, "01ffffffff")).toBe("");
  });
});
