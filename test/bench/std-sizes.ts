/* What a filter pays for one feature of sdk/std. */

import { readdirSync } from "node:fs";
import { compileStd } from "../std/program.js";

export interface Size {
  readonly feature: string;
  readonly bytes: number;
}

/** What the filter has anyway: strings and byte arrays. */
const BASE = `
export function text(length: i32): string { return "x".repeat(length); }
export function bytes(length: i32): Uint8Array { return new Uint8Array(length); }
`;

/** Feature, file, what is imported from it, and a body of `use(ptr: usize, length: usize): i32`. */
const FEATURES: readonly (readonly [feature: string, file: string, imported: string, body: string])[] = [
  ["base64: decode a string", "base64", "fromBase64Url", "const b = fromBase64Url(text(1)); return b ? b.length : 0;"],
  ["base64: encode bytes", "base64", "toBase64Url", "return toBase64Url(bytes(1)).length;"],
  [
    "cidr: an address in a prefix",
    "cidr",
    "IpAddress, IpPrefix",
    "const p = new IpPrefix(); const a = new IpAddress(); return p.parse(ptr, length) == 0 && a.parse(ptr, length) && p.contains(a);",
  ],
  [
    "cidr: a set of prefixes",
    "cidr",
    "IpAddress, IpPrefix, PrefixSet",
    "const set = new PrefixSet(); const p = new IpPrefix(); p.parse(ptr, length); set.add(p, 1); set.build(); const a = new IpAddress(); a.parse(ptr, length); return <i32>set.find(a);",
  ],
  [
    "cookie: one of Cookie",
    "cookie",
    "CookieReader",
    'const c = new CookieReader(ptr, <i32>length); while (c.next()) if (c.nameIs("a")) return c.value.length; return 0;',
  ],
  [
    "constant time: comparison",
    "constanttime",
    "sameInConstantTime",
    "return sameInConstantTime(ptr, ptr + length, length);",
  ],
  [
    "ecdsa signature: r‖s to DER",
    "ecdsa-signature",
    "ecdsaToDer",
    "const b = ecdsaToDer(1, ptr, length); return b ? b.length : 0;",
  ],
  [
    "ed25519: verify",
    "ed25519",
    "Ed25519Key",
    "const k = Ed25519Key.of(ptr, 32); return k && k.verify(ptr, length, ptr, 64) ? 1 : 0;",
  ],
  ["field: names and values of header fields", "field", "isToken", "return isToken(ptr, length);"],
  [
    "fixed-slot table",
    "slots",
    "SlotTable",
    "const t = new SlotTable(); t.open(ptr, length, 1, 64, 8); return <i32>t.take(1, 1, 1);",
  ],
  [
    "forwarded: Forwarded",
    "forwarded",
    "Forwarded",
    "const f = Forwarded.parse(ptr, <i32>length); return f && f.fromRight(0) ? 1 : 0;",
  ],
  ["forwarded: X-Forwarded-For", "forwarded", "xffAddress", "return xffAddress(ptr, <i32>length, 0) ? 1 : 0;"],
  ["hash: SipHash-1-3", "hash", "sipHash13", "return <i32>sipHash13(ptr, length, 1, 2);"],
  ["hex: decode a string", "hex", "fromHex", "const b = fromHex(text(1)); return b ? b.length : 0;"],
  ["hmac: SHA-256", "hmac", "Hmac", "return new Hmac(new Sha256(), ptr, 32).update(ptr, length).verify(ptr, 32);"],
  ["inflate: zlib", "inflate", "inflate", "const b = inflate(bytes(1), 1000); return b ? b.length : 0;"],
  [
    "json: pull reader, strings",
    "json",
    "JsonReader",
    "const r = new JsonReader(ptr, length); for (let f = r.beginObject(); r.nextKey(f); f = false) r.readString(); return r.end();",
  ],
  [
    "json: pull reader, all types",
    "json",
    "JsonReader",
    "const r = new JsonReader(ptr, length); for (let f = r.beginObject(); r.nextKey(f); f = false) { r.readF64(); r.readI64(); r.readBool(); r.readNull(); r.readString(); r.skip(); } return r.end();",
  ],
  [
    "json: dynamic values, strings",
    "json-value",
    "JsonDocument",
    'return JsonDocument.parse(ptr, length).root.get("a").text().length;',
  ],
  [
    "json: dynamic values, integers too",
    "json-value",
    "JsonDocument",
    'const a = JsonDocument.parse(ptr, length).root.get("a"); return a.text().length + <i32>a.i64();',
  ],
  [
    "json: dynamic values, doubles too",
    "json-value",
    "JsonDocument",
    'const a = JsonDocument.parse(ptr, length).root.get("a"); return a.text().length + <i32>a.i64() + <i32>a.f64();',
  ],
  [
    "json: pointer, dynamic values with it",
    "json-pointer",
    "jsonAt",
    "return jsonAt(JsonDocument.parse(ptr, length).root, text(1)).text().length;",
  ],
  [
    "json: writer, strings and integers",
    "json-writer",
    "JsonWriter",
    "return new JsonWriter().beginObject().writeKey(text(1)).writeString(text(1)).writeKey(text(2)).writeI64(1).endObject().toBytes().length;",
  ],
  [
    "json: writer, doubles",
    "json-writer",
    "JsonWriter",
    "return new JsonWriter().writeF64(<f64>length).toBytes().length;",
  ],
  [
    "jwk: parse",
    "jwk",
    "Jwk",
    "const k = Jwk.of(JsonDocument.parse(ptr, length).root); return k ? k.material.first.length : 0;",
  ],
  [
    "lru",
    "lru",
    "Lru",
    "const l = new Lru<string>(8, 1, 2); l.set(ptr, length, text(1)); return l.get(ptr, length, text(2)).length;",
  ],
  [
    "media type: Content-Type",
    "mediatype",
    "MediaType",
    "const m = MediaType.parse(ptr, <i32>length); return m ? m.essence.length : 0;",
  ],
  ["media type: Accept", "mediatype", "Accept", "return Accept.parse(ptr, <i32>length) ? 1 : 0;"],
  [
    "number: text to double",
    "number",
    "scanNumber, scannedF64",
    "return <i32>(scanNumber(ptr, ptr + length) ? scannedF64() : 0);",
  ],
  ["number: double to text", "number", "writeF64", "return <i32>writeF64(<f64>length, ptr);"],
  ["pbkdf2: SHA-256", "pbkdf2", "pbkdf2", "return pbkdf2(new Sha256(), ptr, length, ptr, length, 1000, ptr, 32);"],
  [
    "pattern: whether it matches",
    "pattern",
    "Pattern",
    "const p = Pattern.compile(text(1)); return p && p.matches(ptr, length) ? 1 : 0;",
  ],
  [
    "pattern: groups and replacement",
    "pattern",
    "Pattern",
    "const p = Pattern.compile(text(1)); if (!p) return 0; p.capture(ptr, length); const r = p.replaceText(text(2), new Replacement(text(3))); return p.end(1) + (r === null ? 0 : 1);",
  ],
  [
    "protobuf: reader",
    "protobuf",
    "ProtoReader",
    "const r = ProtoReader.over(ptr, length); while (r.next()) if (r.field == 1) return r.string().length; return 0;",
  ],
  [
    "protobuf: writer",
    "protobuf",
    "ProtoWriter",
    "return new ProtoWriter().string(1, text(1)).u64(2, 1).finish().length;",
  ],
  [
    "structured fields: a list",
    "structured",
    "SfList",
    "const l = SfList.parse(ptr, <i32>length); return l ? l.length : 0;",
  ],
  [
    "structured fields: a dictionary, and written again",
    "structured",
    "SfDictionary",
    "const d = SfDictionary.parse(ptr, <i32>length); return d && d.serialize() ? 1 : 0;",
  ],
  [
    "template",
    "template",
    "Template, TemplateValues",
    'const v = new Values(); const t = Template.compile(text(1), v); return t && t.renderText(v) ? 1 : 0; } class Values extends TemplateValues { indexOf(name: string): i32 { return 0; } load(index: i32): bool { return this.giveText("a"); }',
  ],
  ["time: RFC 3339", "time", "Timestamp", "const t = Timestamp.parse(ptr, <i32>length); return t ? 1 : 0;"],
  ["time: HTTP date", "time", "parseHttpDate", "return <i32>parseHttpDate(ptr, <i32>length, 0);"],
  ["time: durations", "time", "parseDuration", "return <i32>parseDuration(ptr, <i32>length);"],
  ["trace context: traceparent", "tracecontext", "TraceParent", "return TraceParent.parse(ptr, <i32>length) ? 1 : 0;"],
  ["trace context: tracestate", "tracecontext", "TraceState", "return TraceState.parse(ptr, <i32>length) ? 1 : 0;"],
  ["url: percent-decoding", "url", "percentDecode", "return <i32>percentDecode(ptr, length, ptr);"],
  [
    "url: a query",
    "url",
    "QueryReader",
    "const q = new QueryReader(ptr, length); let n = 0; while (q.next()) n++; return n;",
  ],
  [
    "url: path normalisation",
    "url",
    "normalizePath, PathNormalization",
    "return <i32>normalizePath(ptr, length, ptr, PathNormalization.MergeSlashes);",
  ],
  [
    "rsa: verify PKCS #1 v1.5 with SHA-256",
    "rsa",
    "RsaKey",
    "const k = RsaKey.of(ptr, 256, ptr, 3); return k && k.verifyPkcs1(new Sha256(), ptr, length, ptr, 256) ? 1 : 0;",
  ],
  [
    "rsa: verify PSS with SHA-256",
    "rsa",
    "RsaKey",
    "const k = RsaKey.of(ptr, 256, ptr, 3); return k && k.verifyPss(new Sha256(), ptr, length, ptr, 256) ? 1 : 0;",
  ],
  ["sha256", "sha256", "sha256", "sha256(ptr, length, ptr); return load<i32>(ptr);"],
  ["sha512", "sha512", "sha512", "sha512(ptr, length, ptr); return load<i32>(ptr);"],
  ["spki: parse", "spki", "parseSpki", "const k = parseSpki(ptr, length); return k ? k.first.length : 0;"],
  [
    "spki: parse and write",
    "spki",
    "parseSpki, writeSpki",
    "const k = parseSpki(ptr, length); const b = k ? writeSpki(k) : null; return b ? b.length : 0;",
  ],
  ["utf8: decode", "utf8", "decodeUtf8", "return decodeUtf8(ptr, length).length;"],
  ["utf8: encode", "utf8", "encodeUtf8", "return <i32>encodeUtf8(text(1), ptr);"],
  ["utf8: validate", "utf8", "isUtf8", "return isUtf8(ptr, length);"],
  [
    "WWW-Authenticate",
    "authenticate",
    "parseChallenges",
    "const c = parseChallenges(ptr, <i32>length); return c ? c.length : 0;",
  ],
];

/** What other files a body needs. */
const ALSO: Readonly<Record<string, string>> = {
  hmac: 'import { Sha256 } from "./sdk/std/sha256";\n',
  jwk: 'import { JsonDocument } from "./sdk/std/json-value";\n',
  "json-pointer": 'import { JsonDocument } from "./sdk/std/json-value";\n',
  pbkdf2: 'import { Sha256 } from "./sdk/std/sha256";\n',
  rsa: 'import { Sha256 } from "./sdk/std/sha256";\n',
  pattern: 'import { Replacement } from "./sdk/std/pattern-replace";\n',
};

/** Files that are parts of others. */
const PARTS =
  /^(?:json-tape|pattern-.*|slice|refusal|bytewriter|fieldreader|curve|der|der-writer|digest|field25519|key-material|montgomery)$/;

const OPTIONS = ["-O3", "--shrinkLevel=1", "--runtime=minimal", "--exportStart=_start", "--use=abort="];

export async function sizes(): Promise<Size[]> {
  const std = new URL("../../sdk/std", import.meta.url);
  const files = readdirSync(std).filter((name) => !name.endsWith(".spec.ts"));
  const forgotten = files
    .map((name) => name.replace(".ts", ""))
    .filter((file) => !PARTS.test(file) && !FEATURES.some((one) => one[1] === file));
  if (forgotten.length) throw new Error(`the size table has no feature of ${forgotten.join(", ")}`);
  const size = async (source: string): Promise<number> =>
    (await compileStd(["size.ts"], OPTIONS, { "size.ts": source })).length;
  const base = await size(BASE);
  const result: Size[] = [];
  for (const [feature, file, imported, body] of FEATURES) {
    if (!files.includes(`${file}.ts`)) continue;
    const imports = `import { ${imported} } from "./sdk/std/${file}";\n${ALSO[file] ?? ""}`;
    const use = `export function use(ptr: usize, length: usize): i32 { ${body} }\n`;
    result.push({ feature, bytes: (await size(imports + BASE + use)) - base });
  }
  return result;
}
