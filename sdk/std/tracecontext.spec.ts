import { refusalAt } from "./refusal";
import { TraceParent, TraceState } from "./tracecontext";

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("traceparent", () => {
  it("reads and writes", () => {
    const parent = TraceParent.parseText(PARENT)!;
    expect(parent.traceIdHigh).toBe(0x0af7651916cd43dd);
    expect(parent.traceIdLow).toBe(0x8448eb211c80319c);
    expect(parent.parentId).toBe(0xb7ad6b7169203331);
    expect(parent.sampled).toBe(true);
    expect(parent.random).toBe(false);
    expect(parent.toString()).toBe(PARENT);
    expect(parent.traceId).toBe("0af7651916cd43dd8448eb211c80319c");
    expect(parent.parentIdText).toBe("b7ad6b7169203331");
    expect(parent.child(1, false).toString()).toBe("00-0af7651916cd43dd8448eb211c80319c-0000000000000001-00");
  });

  it("goes back to version 00 and to the flags that it knows", () => {
    const later = TraceParent.parseText("cc" + PARENT.substring(2, 53) + "ff-more")!;
    expect(later.version).toBe(0xcc);
    expect(later.toString()).toBe(PARENT.substring(0, 53) + "03");
  });

  it("refuses", () => {
    expect(TraceParent.parseText("") == null).toBe(true);
    expect(TraceParent.parseText(PARENT + "-x") == null).toBe(true);
    expect(TraceParent.parseText("ff" + PARENT.substring(2)) == null).toBe(true);
    expect(TraceParent.parseText(PARENT.toUpperCase()) == null).toBe(true);
    expect(TraceParent.parseText("00-" + "0".repeat(32) + PARENT.substring(35)) == null).toBe(true);
    expect(refusalAt).toBe(3);
    expect(TraceParent.parseText(PARENT.substring(0, 36) + "0".repeat(16) + "-01") == null).toBe(true);
    expect(refusalAt).toBe(36);
  });
});

describe("tracestate", () => {
  it("puts the newest member first", () => {
    const state = TraceState.parseText("rojo=1, congo=2 ,,rojo=3")!;
    expect(state.length).toBe(2);
    expect(state.set("congo", "4")).toBe(true);
    expect(state.serialize()).toBe("congo=4,rojo=1");
    expect(state.get("congo")!).toBe("4");
    expect(state.get("x") == null).toBe(true);
    expect(state.keyAt(1)).toBe("rojo");
    expect(state.valueAt(2)).toBe("");
    expect(state.delete("rojo")).toBe(true);
    expect(state.delete("rojo")).toBe(false);
    expect(state.set("A", "1")).toBe(false);
    expect(state.set("a", "1,2")).toBe(false);
    expect(state.set("a", "1 ")).toBe(false);
    expect(state.serialize()).toBe("congo=4");
  });

  it("drops the last of more than 32", () => {
    const state = new TraceState();
    for (let i = 0; i < 40; i++) state.set("k" + i.toString(), "v");
    expect(state.length).toBe(32);
    expect(state.keyAt(0)).toBe("k39");
    expect(state.keyAt(31)).toBe("k8");
  });

  it("is shortened by whole members, long ones first", () => {
    const state = TraceState.parseText("a=1,b=" + "x".repeat(127) + ",c=3")!;
    expect(state.serialize(139).length).toBe(137);
    expect(state.serialize(136)).toBe("a=1,c=3");
    expect(state.serialize(6)).toBe("a=1");
    expect(state.serialize(2)).toBe("");
    expect(new TraceState().serialize()).toBe("");
  });
});
