import { ByteWriter } from "./bytewriter";

describe("bytewriter", () => {
  it("puts pieces together", () => {
    const out = new ByteWriter();
    out.ascii("a=");
    out.text("\u00e9\ud800");
    out.byte(0x3b);
    out.integer(-12);
    out.padded(7, 3);
    out.padded(1234, 3);
    expect(out.toString()).toBe("a=\u00e9\ufffd;-120071234");
    expect(out.length).toBe(out.toBytes().length);
    out.clear();
    expect(out.toString()).toBe("");
  });

  it("leaves room to be filled", () => {
    const out = new ByteWriter(6);
    out.byte(0x61);
    memory.fill(out.room(5), 0x62, 5);
    expect(out.toString()).toBe("abbbbb");
    expect(out.room(1)).toBe(0);
    expect(out.overflow).toBe(true);
  });

  it("grows", () => {
    const out = new ByteWriter();
    for (let i = 0; i < 1000; i++) out.ascii("0123456789");
    expect(out.length).toBe(10000);
    expect(out.overflow).toBe(false);
    expect(out.toString().endsWith("89")).toBe(true);
  });

  it("writes no more than its limit", () => {
    const out = new ByteWriter(4);
    out.text("ab\u00e9");
    expect(out.overflow).toBe(false);
    expect(out.length).toBe(4);
    out.byte(0x61);
    expect(out.overflow).toBe(true);
    expect(out.length).toBe(4);
    out.clear();
    out.ascii("12345");
    expect(out.overflow).toBe(true);
    expect(out.length).toBe(0);
    // After something was left out nothing more is written.
    out.byte(0x61);
    expect(out.length).toBe(0);
  });

  it("takes any limit", () => {
    for (let limit = -2; limit < 1; limit++) {
      const out = new ByteWriter(limit);
      out.byte(0x61);
      out.text("a");
      expect(out.overflow).toBe(true);
      expect(out.length).toBe(0);
    }
  });
});
