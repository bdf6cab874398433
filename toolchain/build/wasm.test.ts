import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compile } from "./compile.js";
import { makeProject } from "./testdata/project.js";
import { readFunctions, readWasm, WasmFormatError, withoutSections } from "./wasm.js";

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const SEED = 20260611;
const compiled = compile(makeProject());

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(Math.floor(value / 128))];
}
function name(text: string): number[] {
  const bytes = [...Buffer.from(text)];
  return [...leb(bytes.length), ...bytes];
}
function section(id: number, ...content: number[]): number[] {
  return [id, ...leb(content.length), ...content];
}
function wasm(...sections: number[][]): Uint8Array {
  return new Uint8Array([...HEADER, ...sections.flat()]);
}
function refused(bytes: Uint8Array | number[], reason: RegExp): void {
  assert.throws(
    () => readWasm(new Uint8Array(bytes)),
    (error) => error instanceof WasmFormatError && reason.test(error.message),
  );
}
/** The readers either read the bytes or say by WasmFormatError why not. */
function survives(bytes: Uint8Array): void {
  for (const read of [readWasm, readFunctions]) {
    try {
      read(bytes);
    } catch (error) {
      if (!(error instanceof WasmFormatError)) throw error;
    }
  }
}

test("what is no core module is told apart", () => {
  refused([], /is not a WebAssembly file/);
  refused(HEADER.slice(0, 7), /is not a WebAssembly file/);
  refused([...Buffer.from("not wasm at all")], /is not a WebAssembly file/);
  refused([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0], /is a WebAssembly component; a filter must be a core module/);
  refused([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0], /has an unknown WebAssembly version/);
  refused([0, 0x61, 0x73, 0x6d, 1, 0, 0, 1], /has an unknown WebAssembly version/);
  assert.deepEqual(readWasm(wasm()), {
    imports: [],
    exports: [],
    hasStart: false,
    memoryPages: null,
    customSections: [],
  });
});

test("imports of every kind are read with what belongs to them", () => {
  const module = wasm(
    section(1, 2, 0x60, 2, 0x7f, 0x7e, 1, 0x7d, 0x60, 1, 0x7c, 0),
    section(
      2,
      6,
      ...[...name("env"), ...name("f"), 0, 0],
      ...[...name("env"), ...name("t"), 1, 0x70, 1, 1, 2],
      ...[...name("env"), ...name("m"), 2, 0, 3],
      ...[...name("env"), ...name("g"), 3, 0x7b, 0],
      ...[...name("env"), ...name("e"), 4, 0, 1],
      ...[...name("wasi"), ...name("h"), 0, 1],
    ),
    section(8, 0),
  );
  const read = readWasm(module);
  assert.deepEqual(
    read.imports.map((i) => `${i.module}.${i.name} ${i.kind}`),
    ["env.f func", "env.t table", "env.m memory", "env.g global", "env.e tag", "wasi.h func"],
  );
  assert.deepEqual(read.imports[0]!.signature, { params: ["i32", "i64"], results: ["f32"] });
  assert.deepEqual(read.imports[5]!.signature, { params: ["f64"], results: [] });
  assert.equal(read.memoryPages, 3);
  assert.equal(read.hasStart, true);
});

test("imports behind a second memory are read too", () => {
  const memory = (text: string, pages: number) => [...name("env"), ...name(text), 2, 0, pages];
  const read = readWasm(
    wasm(
      section(1, 1, 0x60, 0, 0),
      section(2, 3, ...memory("a", 3), ...memory("b", 0x41), ...name("env"), ...name("exit"), 0, 0),
    ),
  );
  assert.deepEqual(
    read.imports.map((i) => i.name),
    ["a", "b", "exit"],
  );
  assert.equal(read.memoryPages, 3);
});

test("exports are read with their types", () => {
  const globals = [
    ...[0x7f, 0, 0x41, 0x8b, 0x0b, 0x0b], // a constant that holds the byte of `end`
    ...[0x7e, 1, 0x42, 0x0b, 0x0b],
    ...[0x7d, 0, 0x43, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b],
    ...[0x7c, 0, 0x44, 0x0b, 1, 2, 3, 4, 5, 6, 0x0b, 0x0b],
    ...[0x7b, 0, 0xfd, 12, ...Array<number>(16).fill(0x0b), 0x0b],
    ...[0x70, 0, 0xd0, 0x70, 0x0b],
    ...[0x70, 0, 0xd2, 0, 0x0b],
    ...[0x64, 0x70, 0, 0xd2, 0, 0x0b],
    ...[0x7f, 0, 0x23, 0, 0x41, 1, 0x6a, 0x0b],
  ];
  const read = readWasm(
    wasm(
      section(1, 1, 0x60, 1, 0x7b, 0),
      section(3, 1, 0),
      section(5, 1, 1, ...leb(65536), ...leb(65536)),
      section(13, 1, 0, 0),
      section(6, 9, ...globals),
      section(
        7,
        ...[12, ...name("f"), 0, 0, ...name("m"), 2, 0, ...name("tag"), 4, 0],
        ...Array.from({ length: 9 }, (_, i) => [...name(`g${i}`), 3, i]).flat(),
      ),
    ),
  );
  assert.deepEqual(read.exports[0], {
    name: "f",
    kind: "func",
    signature: { params: ["v128"], results: [] },
    type: null,
    index: 0,
  });
  assert.equal(read.exports[2]!.kind, "tag");
  assert.deepEqual(
    read.exports.slice(3).map((e) => e.type),
    ["i32", "i64", "f32", "f64", "v128", "ref", "ref", "ref", "i32"],
  );
  assert.equal(read.memoryPages, 65536);
});

test("names are read as they are", () => {
  const read = readWasm(
    wasm(section(1, 1, 0x60, 0, 0), section(3, 1, 0), section(7, 2, ...name("\ufeffmalloc"), 0, 0, ...name("é"), 0, 0)),
  );
  assert.deepEqual(
    read.exports.map((e) => e.name),
    ["\ufeffmalloc", "é"],
  );
});

test("functions are read with their places and names", () => {
  const module = wasm(
    section(1, 1, 0x60, 0, 0),
    section(2, 1, ...name("env"), ...name("f"), 0, 0),
    section(3, 2, 0, 0),
    section(10, 2, 2, 0, 0x0b, 3, 0, 0x01, 0x0b),
    section(0, ...name("name"), 0, 2, ...name("m"), 1, 9, 2, 0, ...name("imp"), 2, ...name("b"), 2, 0),
  );
  const [first, second, ...more] = readFunctions(module);
  assert.deepEqual(more, []);
  assert.deepEqual([first!.index, first!.name, second!.index, second!.name], [1, "", 2, "b"]);
  assert.deepEqual([...module.subarray(first!.start, first!.end)], [0, 0x0b]);
  assert.deepEqual([...module.subarray(second!.start, second!.end)], [0, 0x01, 0x0b]);
  assert.deepEqual(readFunctions(wasm()), []);
});

test("an index that points nowhere is no signature", () => {
  const [item] = readWasm(wasm(section(7, 2, ...name("f"), 0, 9, ...name("g"), 3, 9))).exports;
  assert.equal(item!.signature, null);
});

test("counts and lengths beyond the file are refused at once", () => {
  const most = [0xff, 0xff, 0xff, 0xff, 0x0f];
  for (const id of [1, 2, 3, 5, 6, 7]) refused(wasm(section(id, ...most)), /names more elements than it has bytes/);
  refused(wasm(section(1, 1, 0x60, ...most)), /names more elements/);
  refused(wasm(section(1, 1, 0x60, 0, ...most)), /names more elements/);
  refused(wasm(section(2, 1, ...most)), /ends in the middle/);
  refused(wasm(section(0, ...most)), /ends in the middle/);
  refused(wasm(section(0)), /ends in the middle/);
  refused(wasm([1, ...most]), /ends in the middle/);
  refused(wasm([1]), /ends in the middle/);
  const long = [0x80, 0x80, 0x80, 0x80, 0x80, 0];
  refused(wasm([1, ...long]), /a number that is too long/);
  refused(wasm(section(5, 1, 0, ...long)), /a number that is too long/);
  refused(wasm(section(6, 1, 0x7e, 0, 0x42, ...Array<number>(10).fill(0x80), 0, 0x0b)), /a number that is too long/);
  refused(wasm(section(2, 1, ...name("a"), ...name("b"), 5)), /imports something unknown/);
  refused(wasm(section(7, 1, ...name("b"), 9, 0)), /exports something unknown/);
  refused(wasm(section(6, 1, 0x7f, 0, 0x10, 0, 0x0b)), /initialises a global in an unknown way/);
  refused(wasm(section(6, 1, 0x7b, 0, 0xfd, 13, 0x0b)), /initialises a global in an unknown way/);
});

test("a real module cut anywhere, or with any byte changed, gives nothing but a WasmFormatError", async () => {
  const { wasm: module } = await compiled;
  assert.ok(readWasm(module).exports.length > 3);
  for (let length = 0; length < module.length; length++) survives(module.subarray(0, length));
  const changed = Uint8Array.from(module);
  const stop = Math.min(module.length, 4000);
  for (let at = 0; at < stop; at++) {
    for (const byte of [0x00, 0x0b, 0x7f, 0x80, 0xff]) {
      changed[at] = byte;
      survives(changed);
    }
    changed[at] = module[at]!;
  }
});

test(`random sections give nothing but a WasmFormatError (seed ${SEED})`, () => {
  const content = fc.array(
    fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 2, 0x60, 0x7f, 0x7b, 0x80)),
    {
      maxLength: 40,
    },
  );
  const sections = fc.array(fc.tuple(fc.integer({ min: 0, max: 14 }), content), { maxLength: 5 });
  fc.assert(
    fc.property(sections, content, (list, tail) => {
      survives(wasm(...list.map(([id, bytes]) => section(id, ...bytes)), tail));
    }),
    { seed: SEED, numRuns: 20_000 },
  );
});

test("sections are cut out by name, and nothing else is", async () => {
  const { wasm: module } = await compiled;
  const names = (bytes: Uint8Array) => readWasm(bytes).customSections.map((s) => s.name);
  assert.ok(names(module).includes("name") && names(module).includes("sourceMappingURL"));
  const stripped = withoutSections(module, ["name", "sourceMappingURL"]);
  assert.deepEqual(names(stripped), []);
  assert.ok(WebAssembly.validate(stripped as BufferSource));
  assert.deepEqual(readWasm(stripped).exports, readWasm(module).exports);
  assert.deepEqual(withoutSections(stripped, ["name"]), stripped);

  const [a, b, types] = [section(0, ...name("a"), 1), section(0, ...name("b"), 2, 3), section(1, 1, 0x60, 0, 0)];
  assert.deepEqual(withoutSections(wasm(a, types, b, a), ["a"]), wasm(types, b));
  assert.deepEqual(withoutSections(wasm(a, types, b, a), ["b", "none"]), wasm(a, types, a));
});
