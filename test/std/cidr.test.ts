import assert from "node:assert/strict";
import net from "node:net";
import { before, test } from "node:test";
import fc from "fast-check";
import { askGo, withoutGo, word } from "./oracles/net.js";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260706;
let program: StdProgram;
before(async () => {
  program = await stdProgram("cidr");
});

const textOrNull = (name: string, ...values: (string | number)[]): string | null =>
  program.bytesOrNull(name, ...values)?.toString() ?? null;

const group = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("0", "0", "ffff", "1", "fe80", "2001", "db8") },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 0xffff }).map((n) => n.toString(16)) },
  fc.constantFrom("00", "0001", "FFFF", "00001", "1ffff", "g", ""),
);
const dotted = fc
  .array(fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 255 }).map(String) }, fc.constantFrom("256", "01", "00", "")), {
    minLength: 4,
    maxLength: 4,
  })
  .map((parts) => parts.join("."));
const v6 = fc
  .tuple(fc.array(group, { maxLength: 8 }), fc.nat(8), fc.boolean(), fc.boolean(), dotted)
  .map(([groups, where, gap, mapped, tail]) => {
    const list = [...groups];
    if (gap) list.splice(Math.min(where, list.length), 0, "");
    if (mapped) list.push(tail);
    const text = list.join(":");
    return gap ? text.replace(/^:/, "::").replace(/:$/, "::") : text;
  });
const whole = fc
  .array(fc.constantFrom("0", "0", "0", "a", "ffff", "1"), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.join(":"));
const loose = fc.string({
  unit: fc.constantFrom(
    "::",
    ":",
    "0",
    "1",
    "f",
    "F",
    "ffff",
    ".",
    "1.2.3.4",
    "255",
    "%",
    "/",
    "[",
    "]",
    " ",
    "\0",
    "x",
    "-",
    "+",
  ),
  maxLength: 9,
});
const address = fc.oneof(
  { weight: 3, arbitrary: dotted },
  { weight: 5, arbitrary: v6 },
  { weight: 2, arbitrary: whole },
  { weight: 1, arbitrary: dotted.map((text) => `::ffff:${text}`) },
  { weight: 2, arbitrary: loose },
  { weight: 1, arbitrary: fc.ipV4Extended() },
  { weight: 1, arbitrary: fc.ipV6() },
  { weight: 1, arbitrary: v6.map((text) => `${text}%eth0`) },
);
const prefix = fc
  .tuple(
    address,
    fc.oneof(
      { weight: 9, arbitrary: fc.nat({ max: 130 }).map((n) => `/${n}`) },
      fc.constantFrom("", "/", "/-1", "/+8", "/08", "/ 8", "/8 ", "/1e1", "//8", "/8/8", "/4294967304", "/99999999999"),
    ),
  )
  .map(([text, length]) => text + length);

test(`an address is one where Node says so (seed ${SEED})`, () => {
  let right = 0;
  fc.assert(
    fc.property(address, (text) => {
      // Node takes a zone.
      const expected = net.isIP(text) !== 0 && !text.includes("%");
      assert.equal(program.number("verdict", text), expected ? 1 : 0, JSON.stringify(text));
      right += expected ? 1 : 0;
    }),
    { seed: SEED, numRuns: 40_000 },
  );
  assert.ok(right > 10_000, String(right));
});

test(`Go's net/netip reads and writes the same addresses (seed ${SEED})`, { skip: withoutGo }, () => {
  const texts = fc.sample(address, { seed: SEED + 1, numRuns: 100_000 });
  const answers = askGo(texts.map((text) => `address ${word(text)}`));
  texts.forEach((text, i) => assert.equal(textOrNull("text", text), answers[i], JSON.stringify(text)));
  assert.ok(answers.filter((answer) => answer !== null).length > 20_000);
});

test(`... and the same addresses with ports (seed ${SEED})`, { skip: withoutGo }, () => {
  const ports = fc.oneof(
    { weight: 6, arbitrary: fc.nat({ max: 65535 }).map((n) => `:${n}`) },
    fc.constantFrom("", ":", ":65536", ":-1", ":+1", ":0", ":080", ":1:2", ":http", " ", "]"),
  );
  const arbitrary = fc
    .tuple(address, fc.integer({ min: 0, max: 5 }), ports)
    .map(
      ([text, kind, port]) => (kind ? (text.includes(":") ? `[${text}]` : text) : kind % 2 ? text : `[${text}]`) + port,
    );
  const texts = fc.sample(arbitrary, { seed: SEED + 2, numRuns: 100_000 });
  const answers = askGo(texts.map((text) => `addressport ${word(text)}`));
  texts.forEach((text, i) => {
    // Go takes leading zeros in a port.
    const expected = /:0\d+$/.test(text) ? null : answers[i];
    assert.equal(textOrNull("withPort", text), expected, JSON.stringify(text));
  });
  assert.ok(answers.filter((answer) => answer !== null).length > 15_000);
});

test(`... and the same prefixes (seed ${SEED})`, { skip: withoutGo }, () => {
  const texts = fc.sample(prefix, { seed: SEED + 3, numRuns: 100_000 });
  const answers = askGo(texts.map((text) => `prefix ${word(text)}`));
  texts.forEach((text, i) => {
    const lenient = textOrNull("prefixText", text, 0, 0);
    if (answers[i] === null) return assert.equal(lenient, null, JSON.stringify(text));
    const [expected, hasHostBits] = answers[i]!.split(" ") as [string, string];
    assert.equal(lenient, expected, JSON.stringify(text));
    assert.equal(program.number("prefixError", text, 1, 0), hasHostBits === "true" ? 3 : 0, text);
    // What is canonical reads as itself; `mask` keeps the same bits.
    assert.equal(textOrNull("prefixText", expected, 1, 0), expected);
    const [network, bits] = expected.split("/") as [string, string];
    const isV4 = textOrNull("text", text.split("/")[0]!)!.includes(".");
    if (isV4 === network.includes(".")) assert.equal(textOrNull("masked", text.split("/")[0]!, Number(bits)), network);
  });
  assert.ok(answers.filter((answer) => answer !== null).length > 10_000);
});

test("why a prefix is refused", () => {
  const errors: [string, number, number, number][] = [
    ["10.0.0.0/8", 1, 0, 0],
    ["10.0.0.1/8", 0, 0, 0],
    ["10.0.0.1/8", 1, 0, 3],
    ["10.0.0.1", 0, 0, 2],
    ["10.0.0.1", 1, 1, 0],
    ["10.0.0.1/", 0, 1, 2],
    ["10.0.0.1/33", 0, 0, 2],
    ["::/129", 0, 0, 2],
    ["::ffff:1.2.3.4/128", 1, 0, 0],
    ["::ffff:1.2.3.4/95", 1, 0, 3],
    ["10.0.0/8", 0, 0, 1],
    ["fe80::1%eth0/64", 0, 0, 1],
    ["", 0, 1, 1],
    ["/8", 0, 0, 1],
  ];
  for (const [text, strict, bare, error] of errors) {
    assert.equal(program.number("prefixError", text, strict, bare), error, text);
  }
  assert.equal(textOrNull("prefixText", "10.0.0.1", 0, 1), "10.0.0.1/32");
  assert.equal(textOrNull("prefixText", "2001:db8::1", 0, 1), "2001:db8::1/128");
  assert.equal(textOrNull("prefixText", "::ffff:10.1.2.3/104", 0, 0), "10.0.0.0/8");
  assert.equal(textOrNull("prefixText", "::ffff:10.1.2.3/90", 0, 0), "::ffc0:0:0/90");
});

test("IPv4 and IPv4-mapped addresses are one; shorter IPv6 prefixes hold neither", () => {
  const contains = (prefix: string, ip: string): number => program.number("contains", prefix, ip) | 0;
  for (const ip of ["10.1.2.3", "::ffff:10.1.2.3", "::ffff:a01:203"]) {
    assert.equal(contains("10.0.0.0/8", ip), 1);
    assert.equal(contains("::ffff:10.0.0.0/104", ip), 1);
    assert.equal(contains("11.0.0.0/8", ip), 0);
    assert.equal(contains("0.0.0.0/0", ip), 1);
    for (const prefix of ["::/0", "::/64", "::ffff:0:0/90", "::ffff:0:0/95"]) assert.equal(contains(prefix, ip), 0);
  }
  assert.equal(contains("::/0", "::1"), 1);
  assert.equal(contains("0.0.0.0/0", "::1"), 0);
  assert.equal(contains("::/96", "::10.1.2.3"), 1);
});

/** Prefixes that lie within each other, touch, and are given twice. */
const v4Prefix = fc
  .tuple(fc.constantFrom(0, 10, 127, 128, 255), fc.nat(3), fc.constantFrom(0, 128, 255), fc.nat(255), fc.nat(32))
  .map(([a, b, c, d, bits]) => `${a}.${b}.${c}.${d}/${bits}`);
const v6Prefix = fc
  .tuple(
    fc.constantFrom("", "2001:db8", "fe80", "ffff", "::fffe", "::1:0"),
    fc.constantFrom("0", "1", "8000", "ffff"),
    fc.constantFrom("0", "1", "ffff", "1.2.3.4"),
    fc.nat(128),
  )
  .map(([a, b, c, bits]) => `${a}${a.startsWith("::") ? ":" : "::"}${b}:${c}/${bits}`);
const mappedPrefix = v4Prefix.map((text) => {
  const [ip, bits] = text.split("/");
  return `::ffff:${ip}/${96 + Number(bits)}`;
});
const anyPrefix = fc.oneof(
  { weight: 4, arbitrary: v4Prefix },
  { weight: 4, arbitrary: v6Prefix },
  { weight: 1, arbitrary: mappedPrefix },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "0.0.0.0/0",
      "::/0",
      "::ffff:0:0/96",
      "::fffe:0:0/95",
      "255.255.255.255/32",
      "ffff::/16",
    ),
  },
);

const familyOf = (ip: string): "ipv4" | "ipv6" => (ip.includes(":") ? "ipv6" : "ipv4");

/** First and last address of a prefix, and those outside next to them. */
function edges(text: string): string[] {
  const [ip, bits] = text.split("/") as [string, string];
  const low = BigInt(`0x${program.bytes("parse", ip).toString("hex")}`);
  const size = 1n << BigInt((ip.includes(":") ? 128 : 32) - Number(bits));
  const first = low - (low % size);
  return [first - 1n, first, first + size - 1n, first + size].map((value) => {
    const hex = BigInt.asUintN(128, value).toString(16).padStart(32, "0");
    return hex.match(/.{4}/g)!.join(":");
  });
}

test(
  `small sets find what a table for each length finds in Go, at every edge (seed ${SEED})`,
  { skip: withoutGo },
  () => {
    const rounds = fc
      .sample(fc.array(anyPrefix, { maxLength: 30 }), { seed: SEED + 4, numRuns: 1500 })
      .map((prefixes) => ({ prefixes, addresses: prefixes.flatMap(edges) }));
    const answers = askGo(
      rounds.flatMap(({ prefixes, addresses }) => [
        "clear",
        ...prefixes.map((text, i) => `add ${word(text)} ${i}`),
        ...addresses.map((text) => `find ${word(text)}`),
      ]),
    );
    let at = 0;
    let found = 0;
    for (const { prefixes, addresses } of rounds) {
      at += 1 + prefixes.length;
      program.export("clear")(prefixes.length >> 1);
      prefixes.forEach((text, i) => assert.equal(program.number("add", text, i), 1, text));
      // Two, since ::/0 of a BlockList holds IPv4 too.
      const lists = { ipv4: new net.BlockList(), ipv6: new net.BlockList() };
      for (const text of prefixes) {
        const [ip, bits] = textOrNull("prefixText", text, 0, 0)!.split("/") as [string, string];
        lists[familyOf(ip)].addSubnet(ip, Number(bits), familyOf(ip));
      }
      for (const text of addresses) {
        const value = program.float("find", text);
        const expected = answers[at++] === "none" ? -1 : Number(answers[at - 1]);
        assert.equal(value, expected, `${text} in ${prefixes.join(" ")}`);
        if (value >= 0) found++;
        const ip = textOrNull("text", text)!;
        const blocked = lists[familyOf(ip)].check(ip, familyOf(ip));
        assert.equal(blocked, value >= 0, `BlockList: ${text} in ${prefixes.join(" ")}`);
      }
    }
    assert.equal(at, answers.length);
    assert.ok(found > 15_000 && found < answers.length, String(found));
  },
);

test("an empty set, a full one, and one that is built", () => {
  program.export("clear")(0);
  assert.equal(program.float("find", "1.2.3.4"), -1);
  assert.equal(program.float("find", "::1"), -1);
  assert.equal(program.number("add", "10.0.0.0/8", 1), 0, "a set that was built takes no more");
  program.export("clear")(-5);
  program.number("add", "0.0.0.0/0", 0);
  program.number("add", "::/0", 0xffffffff);
  program.number("add", "255.255.255.255/32", 7);
  program.number("add", "255.255.255.255/32", 8);
  program.export("build")();
  assert.equal(program.float("find", "1.2.3.4"), 0);
  assert.equal(program.float("find", "255.255.255.254"), 0);
  assert.equal(program.float("find", "255.255.255.255"), 8, "of equal prefixes the last counts");
  assert.equal(program.float("find", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 0xffffffff);
  assert.equal(program.float("find", "::"), 0xffffffff);
});

test("the same prefix any number of times", () => {
  program.export("clear")(1);
  for (let i = 0; i < 5000; i++) assert.equal(program.number("add", i % 2 ? "10.0.0.0/8" : "fe80::/10", i), 1);
  assert.equal(program.float("find", "10.255.0.1"), 4999);
  assert.equal(program.float("find", "fe80::1"), 4998);
});

test(`100,000 prefixes (seed ${SEED})`, { skip: withoutGo }, (t) => {
  const byte = fc.nat(255);
  const v4 = fc
    .tuple(byte, byte, byte, byte, fc.integer({ min: 8, max: 32 }))
    .map((p) => `${p.slice(0, 4).join(".")}/${p[4]}`);
  const hextet = fc.nat(0xffff).map((n) => n.toString(16));
  const v6 = fc
    .tuple(fc.array(hextet, { minLength: 7, maxLength: 7 }), fc.integer({ min: 19, max: 128 }))
    .map(([groups, bits]) => `2${groups[0]!.padStart(3, "0").slice(1)}:${groups.join(":")}/${bits}`);
  const prefixes = fc.sample(fc.oneof(v4, v6), { seed: SEED + 5, numRuns: 100_000 });
  const addresses = fc
    .sample(fc.tuple(fc.nat(prefixes.length - 1), fc.nat(3), fc.oneof(v4, v6)), { seed: SEED + 6, numRuns: 20_000 })
    .map(([i, edge, other]) => (edge === 3 ? other.split("/")[0]! : edges(prefixes[i]!)[edge]!));
  const answers = askGo([
    ...prefixes.map((text, i) => `add ${word(text)} ${i}`),
    ...addresses.map((text) => `find ${word(text)}`),
  ]);
  program.export("clear")(16);
  prefixes.forEach((text, i) => assert.equal(program.number("add", text, i), 1));
  const before = program.memory.buffer.byteLength;
  const started = performance.now();
  program.export("build")();
  const took = performance.now() - started;
  t.diagnostic(
    `built in ${took.toFixed()} ms, ${before} bytes of memory before, ${program.memory.buffer.byteLength} after`,
  );
  addresses.forEach((text, i) => {
    const answer = answers[prefixes.length + i];
    assert.equal(program.float("find", text), answer === "none" ? -1 : Number(answer), text);
  });
});

test("2^20 prefixes are the most", () => {
  program.export("clear")(1 << 20);
  const call = program.export("add");
  const at = program.reserve(64);
  const memory = Buffer.from(program.memory.buffer);
  for (let i = 0; i <= 1 << 20; i++) {
    const length = memory.write(`${i >>> 16}.${(i >>> 8) & 255}.${i & 255}.0/24`, at);
    assert.equal(call(at, length, i), i < 1 << 20 ? 1 : 0);
  }
  program.export("build")();
  assert.equal(program.float("find", "15.255.255.9"), 0xfffff);
  assert.equal(program.float("find", "16.0.0.9"), -1);
});
