import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign as signWith, verify as verifyWith, type KeyObject } from "node:crypto";
import { deflateSync, inflateSync } from "node:zlib";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "../../toolchain/build/index.js";
import { createProxy, type Proxy, type ProxyOptions } from "../../toolchain/hosts/index.js";
import { eventually, messages } from "./state.js";

const filter = fileURLToPath(new URL("filters/foreign", import.meta.url));
const KIB = 1024;
const MIB = 1024 * KIB;

const start = (options: ProxyOptions = {}): Promise<Proxy> => createProxy({ filter, host: "envoy", ...options });

let proxy: Proxy;
before(async () => {
  await build(filter);
  proxy = await start();
});
after(() => proxy.close());

const hex = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString("hex");

/** What the filter answers to an action. */
async function ask(action: string, args: Readonly<Record<string, string | number>> = {}, on = proxy): Promise<string> {
  const headers = Object.fromEntries(Object.entries(args).map(([name, value]) => [`x-${name}`, String(value)]));
  return (await on.request({ path: `/${action}`, headers })).text();
}

const der = (key: KeyObject, type: "spki" | "pkcs8"): string =>
  hex(key.export({ format: "der", type: type as "spki" }));
const pem = (key: KeyObject, type: "spki" | "pkcs8"): string =>
  hex(key.export({ format: "pem", type: type as "spki" }));

describe("foreign functions", () => {
  it("all ten are there, and one that is not is found to be absent", () => {
    const names =
      "verify_signature sign compress uncompress set_envoy_filter_state clear_route_cache expr_create expr_evaluate expr_delete declare_property ";
    assert.ok(messages(proxy).includes(`has ${names}`), messages(proxy).join("\n"));
  });

  it("where the host lets none be called, all are absent", async () => {
    const all = ["proxy_log", "proxy_get_log_level", "proxy_get_header_map_pairs", "proxy_send_local_response"];
    const callbacks = ["proxy_on_context_create", "proxy_on_configure", "proxy_on_request_headers", "proxy_on_delete"];
    await using closed = await start({ capabilities: [...all, ...callbacks] });
    assert.ok(messages(closed).includes("has "), messages(closed).join("\n"));
    assert.equal(await ask("compress", { text: hex("a") }, closed), "null 10");
    assert.equal(await ask("cel/bool", { text: "true" }, closed), "none 10");
    assert.equal(await ask("random", { limit: 8 }, closed), "null");
    assert.equal(await ask("clocks", {}, closed), "0 0");
    assert.equal(await ask("env", { name: "A" }, closed), "|null");
  });

  it("a function that is not there is an error value", async () => {
    assert.equal(await ask("call", { name: "no_such_function", text: "00", limit: 0 }), "null 1");
    assert.equal(await ask("call", { name: "no_such_function", text: "00", limit: 9 }), "null 1");
    assert.equal(await ask("call", { name: "", text: "", limit: 0 }), "null 1");
  });

  for (const [name, pair] of [
    ["RSA 2048", generateKeyPairSync("rsa", { modulusLength: 2048 })],
    ["ECDSA P-256", generateKeyPairSync("ec", { namedCurve: "P-256" })],
    ["ECDSA P-384", generateKeyPairSync("ec", { namedCurve: "P-384" })],
  ] as const) {
    it(`verify_signature and sign, ${name}, keys in DER and PEM`, async () => {
      const text = "signed text";
      const signature = hex(signWith("sha256", Buffer.from(text), pair.privateKey));
      const args = { hash: "sha256", sig: signature, text: hex(text) };
      const key = der(pair.publicKey, "spki");
      assert.equal(await ask("verify", { ...args, key }), "true 0 ");
      assert.equal(await ask("verify-pem", { ...args, key: pem(pair.publicKey, "spki") }), "true 0 ");
      assert.match(await ask("verify", { ...args, key, text: hex("other text") }), /^false 0 \S/);
      assert.match(await ask("verify", { ...args, key, sig: "00" }), /^false 0 \S/);
      assert.match(await ask("verify", { ...args, key, hash: "md5" }), /^false 0 \S/);
      assert.match(await ask("verify", { ...args, key: "" }), /^false 2 $/);
      assert.match(await ask("verify", { ...args, key: "00ff" }), /^false /);
      for (const made of [
        await ask("sign", { hash: "sha256", key: der(pair.privateKey, "pkcs8"), text: hex(text) }),
        await ask("sign-pem", { hash: "sha256", key: pem(pair.privateKey, "pkcs8"), text: hex(text) }),
      ]) {
        const [value, status] = made.split(" ");
        assert.equal(status, "0");
        assert.ok(verifyWith("sha256", Buffer.from(text), pair.publicKey, Buffer.from(value!, "hex")));
      }
      assert.match(await ask("sign", { hash: "md5", key: der(pair.privateKey, "pkcs8"), text: "00" }), /^null 0 \S/);
      assert.match(await ask("sign", { hash: "sha256", key: "", text: "00" }), /^null 2 $/);
    });
  }

  it("compress and uncompress are zlib's", async () => {
    const text = "text ".repeat(500);
    const [packed, status] = (await ask("compress", { text: hex(text) })).split(" ");
    assert.equal(status, "0");
    assert.equal(inflateSync(Buffer.from(packed!, "hex")).toString(), text);
    assert.equal(
      await ask("uncompress", { text: hex(deflateSync(text)), limit: text.length }),
      `${text.length} 0 flat`,
    );
    assert.equal(await ask("uncompress", { text: hex(deflateSync(text)), limit: text.length - 1 }), "null 7 flat");
    assert.equal(await ask("uncompress", { text: hex(deflateSync("")), limit: 0 }), "0 0 flat");
    assert.equal(await ask("uncompress", { text: "00ff", limit: 100 }), "null 3 flat");
    assert.equal(await ask("uncompress", { text: "", limit: 100 }), "null 3 flat");
  });

  it("a bomb is refused before it comes into the module, and Envoy lives on", async () => {
    // 16 MiB of zeros in 16 KiB: the most that is handed to Envoy's zlib.
    const bomb = deflateSync(Buffer.alloc(15 * MIB), { level: 9 });
    assert.ok(bomb.length <= 16 * KIB);
    assert.equal(await ask("uncompress", { text: hex(bomb), limit: MIB }), "null 7 flat");
    // Larger ones are not handed over at all, whatever the limit.
    const larger = deflateSync(Buffer.alloc(20 * MIB), { level: 9 });
    assert.ok(larger.length > 16 * KIB);
    assert.equal(await ask("uncompress", { text: hex(larger), limit: 0x7fffffff }), "null 2 flat");
    assert.equal(await ask("uncompress", { text: hex(deflateSync("alive")), limit: 9 }), "5 0 flat");
  });

  it("a result for which malloc has a cap is given room all the same: Envoy would write it to address 0", async () => {
    await using own = await start();
    // Of what the host hands over the module otherwise takes 64 MiB at most.
    const bomb = deflateSync(Buffer.alloc(70 * MIB), { level: 9 });
    const packed = deflateSync(bomb, { level: 9 });
    assert.equal(await ask("twice", { text: hex(packed) }, own), `${bomb.length} ${70 * MIB}`);
    assert.equal((await own.request({ path: "/route" })).text(), "0");
  });

  it("set_envoy_filter_state makes an object of Envoy's own", async () => {
    const name = "envoy.tcp_proxy.cluster";
    assert.equal(await ask("state", { name, text: hex("a cluster") }), "0 a cluster");
    assert.equal(await ask("state", { name: "no.such.factory", text: hex("x") }), "1 null");
  });

  it("declare_property makes a property that can be written once", async () => {
    assert.ok(messages(proxy).includes("declared 0 2"), messages(proxy).join("\n"));
    assert.equal(await ask("declared"), "0 2 one");
  });

  it("clear_route_cache", async () => {
    assert.equal(await ask("route"), "0");
  });
});

describe("expressions", () => {
  it("are compiled once and evaluated in each stream", async () => {
    assert.ok(messages(proxy).includes("bad true 2"), messages(proxy).join("\n"));
    assert.equal(await ask("cel-own"), "example.test! true");
  });

  it("have all types, fail with a status, and are gone when they are deleted", async () => {
    assert.equal(await ask("cel/bool", { text: "request.method == 'GET'" }), "true 0 0 true 1");
    assert.equal(await ask("cel/int", { text: "1 + 2" }), "3 0 0 true 1");
    assert.equal(await ask("cel/text", { text: "'a' + request.host" }), "aexample.test 0 0 true 1");
    assert.equal(await ask("cel/pairs", { text: "{'a': 'b'}" }), "a=b; 0 0 true 1");
    assert.equal(await ask("cel/pairs", { text: "['x', 'y']" }), "x=;y=; 0 0 true 1");
    assert.equal(await ask("cel/text", { text: "request.headers['x-absent']" }), "null 10 0 true 1");
    assert.equal(await ask("cel/bool", { text: "'no bool'" }), "null 0 0 true 1");
    assert.equal(await ask("cel/int", { text: "true" }), "null 0 0 true 1");
    assert.equal(await ask("cel/text", { text: "''" }), " 0 0 true 1");
    assert.equal(await ask("cel/text", { text: "no.such.thing" }), "null 10 0 true 1");
    assert.equal(await ask("cel/text", { text: "'unterminated" }), "none 2");
    assert.equal(await ask("cel/text", { text: "" }), "none 2");
  });
});

describe("clocks, random bytes, environment", () => {
  it("the real clock is the real time, the other only goes on", async () => {
    const [real, first] = (await ask("clocks")).split(" ").map(BigInt) as [bigint, bigint];
    assert.ok(Math.abs(Number(real / 1_000_000n) - Date.now()) < 60_000);
    const [, second] = (await ask("clocks")).split(" ").map(BigInt) as [bigint, bigint];
    assert.ok(second > first);
  });

  it("random bytes of any number are all random", async () => {
    const seen = new Set<string>();
    for (const count of [8, 65_535, 65_536, 65_537, 200_000, 16 * MIB]) {
      const [length, zeros, begin] = (await ask("random", { limit: count })).split(" ");
      assert.equal(Number(length), count);
      // A part that was left out would be zero.
      assert.ok(Number(zeros) < 8, `${zeros} zeros in a row`);
      seen.add(begin!);
    }
    assert.equal(seen.size, 6);
    assert.match(await ask("random", { limit: 0 }), /^0 0 $/);
    assert.equal(await ask("random", { limit: -1 }), "null");
    assert.equal(await ask("random", { limit: 16 * MIB + 1 }), "null");
  });

  it("variables are those of the VM, values of any bytes", async () => {
    const long = "x".repeat(100_000);
    await using own = await start({ env: { A: "1", EMPTY: "", EQUALS: "a=b", LONG: long, LIGHT: "é" } });
    const get = async (name: string): Promise<string> => (await ask("env", { name }, own)).split("|")[1]!;
    const names = (await ask("env", { name: "A" }, own)).split("|")[0]!.split(",");
    assert.deepEqual(names.sort(), ["A", "EMPTY", "EQUALS", "LIGHT", "LONG"]);
    assert.equal(await get("A"), hex("1"));
    assert.equal(await get("EMPTY"), "");
    assert.equal(await get("EQUALS"), hex("a=b"));
    assert.equal(await get("LIGHT"), hex("é"));
    assert.equal(
      createHash("sha256")
        .update(await get("LONG"))
        .digest("hex"),
      createHash("sha256").update(hex(long)).digest("hex"),
    );
    for (const absent of ["B", "AA", "", "EMPTY=", "EQUALS=a"]) assert.equal(await get(absent), "null", absent);
  });
});

describe("DNS", () => {
  it("the answer comes after the callback, with the number that was given", async () => {
    await using own = await start();
    const answered = () => messages(own).filter((line) => line.startsWith("answer "));
    for (const [name, answer] of [
      ["127.0.0.1", /^answer true 127\.0\.0\.1$/],
      ["::1", /^answer true ::1$/],
      ["localhost", /^answer true (127\.0\.0\.1|::1)/],
      ["a..b", /^answer true $/],
    ] as const) {
      const before = answered().length;
      assert.equal(await ask("dns", { name }, own), "asked", name);
      await eventually(`an answer for ${name}`, () => answered().length > before);
      assert.match(answered().at(-1)!, answer);
    }
  });

  it("of 300 at once 256 are asked for, and each of them is answered", async () => {
    await using own = await start();
    assert.equal(await ask("dns-many", {}, own), "256");
    await eventually("all answers", () => messages(own).filter((line) => line.startsWith("answer ")).length >= 64);
    // Each callback brings 64 of those that wait.
    for (let i = 0; i < 4; i++) await ask("route", {}, own);
    assert.equal(messages(own).filter((line) => line.startsWith("answer ")).length, 256);
    assert.equal(await ask("dns", { name: "127.0.0.1" }, own), "asked");
  });
});
