import { refusalAt, refusalReason, refuse } from "./refusal";

describe("refusal", () => {
  it("keeps the last reason and its place", () => {
    expect(refuse("is bad", 3)).toBe(false);
    expect(refusalReason).toBe("is bad");
    expect(refusalAt).toBe(3);
    refuse("is worse");
    expect(refusalReason).toBe("is worse");
    expect(refusalAt).toBe(-1);
  });
});
