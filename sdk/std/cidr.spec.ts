import { IpAddress, IpPrefix, PrefixError, PrefixSet } from "./cidr";

function bytesOf(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

/** The canonical text, "" for what is no address. */
function canonical(text: string): string {
  const address = new IpAddress();
  const bytes = bytesOf(text);
  return address.parse(bytes.dataStart, bytes.length) ? address.toString() : "";
}

function addressOf(text: string): IpAddress {
  const address = new IpAddress();
  const bytes = bytesOf(text);
  if (!address.parse(bytes.dataStart, bytes.length)) throw new Error(text);
  return address;
}

function parse(prefix: IpPrefix, text: string, strict: bool = false, bare: bool = false): PrefixError {
  const bytes = bytesOf(text);
  return prefix.parse(bytes.dataStart, bytes.length, strict, bare);
}

function port(text: string): i32 {
  const bytes = bytesOf(text);
  return new IpAddress().parseWithPort(bytes.dataStart, bytes.length);
}

describe("addresses", () => {
  it("are written as RFC 5952 has it", () => {
    expect(canonical("2001:DB8:0:0:8:800:200C:417A")).toBe("2001:db8::8:800:200c:417a");
    expect(canonical("0:0:0:0:0:0:0:0")).toBe("::");
    expect(canonical("2001:0:0:1:0:0:0:1")).toBe("2001:0:0:1::1");
    expect(canonical("2001:db8:0:1:1:1:1:1")).toBe("2001:db8:0:1:1:1:1:1");
    expect(canonical("1:0:0:2:0:0:3:4")).toBe("1::2:0:0:3:4");
    expect(canonical("64:ff9b::192.0.2.33")).toBe("64:ff9b::c000:221");
    expect(canonical("127.0.0.1")).toBe("127.0.0.1");
  });

  it("are IPv4 when they are mapped", () => {
    expect(canonical("::ffff:1.2.3.4")).toBe("1.2.3.4");
    expect(canonical("0:0:0:0:0:FFFF:102:304")).toBe("1.2.3.4");
    expect(addressOf("::ffff:1.2.3.4").equals(addressOf("1.2.3.4"))).toBe(true);
    expect(addressOf("::1.2.3.4").isV4).toBe(false);
  });

  it("are read strictly", () => {
    const wrong = ["", "1.2.3", "1.2.3.4.", "01.2.3.4", "1.2.3.256", "1.2.3.4 ", ":", ":::", "1:::2", "1::2::3"];
    const more = ["1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2:3:4:5:6:7:8", "12345::", "::g", "::1.2.3", "fe80::1%1"];
    for (let i = 0; i < wrong.length; i++) expect(canonical(wrong[i])).toBe("", wrong[i]);
    for (let i = 0; i < more.length; i++) expect(canonical(more[i])).toBe("", more[i]);
  });

  it("come with a port", () => {
    expect(port("127.0.0.1:46752")).toBe(46752);
    expect(port("[::1]:443")).toBe(443);
    expect(port("[::ffff:1.2.3.4]:0")).toBe(0);
    const wrong = [
      "127.0.0.1",
      "::1:443",
      "[::1]",
      "[::1]443",
      "[1.2.3.4]:1",
      "1.2.3.4:65536",
      "1.2.3.4:",
      "@pipe",
      "[]:1",
    ];
    for (let i = 0; i < wrong.length; i++) expect(port(wrong[i])).toBe(-1, wrong[i]);
  });

  it("are masked", () => {
    const address = addressOf("10.1.2.3");
    address.mask(24);
    expect(address.toString()).toBe("10.1.2.0");
    address.mask(-1);
    expect(address.toString()).toBe("0.0.0.0");
    const v6 = addressOf("2001:db8:1:2:3:4:5:6");
    v6.mask(64);
    expect(v6.toString()).toBe("2001:db8:1:2::");
    v6.mask(0);
    expect(v6.toString()).toBe("::");
  });
});

describe("prefixes", () => {
  it("lose their host bits or are refused for them", () => {
    const prefix = new IpPrefix();
    expect(<i32>parse(prefix, "::/x")).toBe(PrefixError.BadLength);
    expect(prefix.contains(addressOf("::"))).toBe(false, "nothing was read");
    expect(new PrefixSet().add(prefix, 1)).toBe(false);
    expect(prefix.toString()).toBe("");
    expect(<i32>parse(prefix, "10.1.2.3/8")).toBe(PrefixError.None);
    expect(prefix.toString()).toBe("10.0.0.0/8");
    expect(<i32>parse(prefix, "11.1.2.3/8", true)).toBe(PrefixError.HostBits);
    expect(<i32>parse(prefix, "11.0.0.0/33")).toBe(PrefixError.BadLength);
    expect(<i32>parse(prefix, "11.0.0.0")).toBe(PrefixError.BadLength);
    expect(<i32>parse(prefix, "11.0.0/8")).toBe(PrefixError.BadAddress);
    expect(prefix.toString()).toBe("10.0.0.0/8");
    expect(<i32>parse(prefix, "11.0.0.7", false, true)).toBe(PrefixError.None);
    expect(prefix.toString()).toBe("11.0.0.7/32");
    expect(<i32>parse(prefix, "::ffff:10.0.0.0/104")).toBe(PrefixError.None);
    expect(prefix.toString()).toBe("10.0.0.0/8");
    expect(prefix.contains(addressOf("::ffff:10.9.9.9"))).toBe(true);
    expect(prefix.contains(addressOf("11.0.0.0"))).toBe(false);
  });
});

describe("sets of prefixes", () => {
  it("find the longest prefix", () => {
    const set = new PrefixSet();
    const prefix = new IpPrefix();
    const list = [
      "10.0.0.0/8",
      "10.1.0.0/16",
      "10.1.2.0/24",
      "0.0.0.0/0",
      "2001:db8::/32",
      "2001:db8::1/128",
      "10.1.0.0/16",
    ];
    for (let i = 0; i < list.length; i++) {
      parse(prefix, list[i]);
      expect(set.add(prefix, i)).toBe(true);
    }
    expect(set.find(addressOf("10.1.2.3"))).toBe(2);
    expect(set.find(addressOf("10.1.3.0"))).toBe(6, "the last of equal prefixes");
    expect(set.find(addressOf("10.2.0.0"))).toBe(0);
    expect(set.find(addressOf("11.0.0.0"))).toBe(3);
    expect(set.find(addressOf("2001:db8::1"))).toBe(5);
    expect(set.find(addressOf("2001:db8::2"))).toBe(4);
    expect(set.find(addressOf("2001:db9::"))).toBe(-1);
    expect(set.size).toBe(7);
    expect(set.add(prefix, 1)).toBe(false, "it is built");
  });

  it("keep IPv4 out of short IPv6 prefixes", () => {
    const set = new PrefixSet();
    const prefix = new IpPrefix();
    parse(prefix, "::/0");
    set.add(prefix, u32.MAX_VALUE);
    expect(set.find(addressOf("1.2.3.4"))).toBe(-1);
    expect(set.find(addressOf("::ffff:1.2.3.4"))).toBe(-1);
    expect(set.find(addressOf("::1:0:0"))).toBe(u32.MAX_VALUE);
  });
});
