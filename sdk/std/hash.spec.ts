import { sipHash13, sipHash24 } from "./hash";

describe("hash", () => {
  // The example of the paper's appendix A: key 00..0f, input 00..0e.
  it("is SipHash", () => {
    const input: StaticArray<u8> = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
    const ptr = changetype<usize>(input);
    expect(sipHash24(ptr, 15, 0x0706050403020100, 0x0f0e0d0c0b0a0908)).toBe(0xa129ca6149be45e5);
    expect(sipHash24(ptr, 0, 0x0706050403020100, 0x0f0e0d0c0b0a0908)).toBe(0x726fdb47dd0e0e31);
  });

  it("hangs on the key, the length and the rounds", () => {
    const ptr = changetype<usize>("abcdefgh");
    expect(sipHash13(ptr, 16, 1, 2) == sipHash13(ptr, 16, 1, 3)).toBe(false);
    expect(sipHash13(ptr, 16, 1, 2) == sipHash13(ptr, 15, 1, 2)).toBe(false);
    expect(sipHash13(ptr, 16, 1, 2) == sipHash24(ptr, 16, 1, 2)).toBe(false);
    expect(sipHash13(ptr, 16, 1, 2)).toBe(sipHash13(ptr, 16, 1, 2));
  });
});
