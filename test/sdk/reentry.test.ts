/* While a host call runs, a host calls nothing of the module but `malloc`: the collector, the scratch area and the header
 * maps of the SDK rely on it. A probe makes every host call of the SDK from every callback of a stream and counts how deep
 * the host's calls into it are nested. */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { CALLBACKS } from "../../toolchain/build/abi.js";
import { createProxy, type Proxy } from "../../toolchain/hosts/index.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The host calls that the SDK declares, each with an example. */
const EXAMPLES: Readonly<Record<string, string>> = {
  proxy_log: "proxy_log(2, text, 4)",
  proxy_get_log_level: "proxy_get_log_level(ret)",
  proxy_set_tick_period_milliseconds: "proxy_set_tick_period_milliseconds(20)",
  proxy_get_property: "proxy_get_property(property, 14, ret, ret + 4)",
  proxy_continue_stream: "proxy_continue_stream(phase > 2 ? 1 : 0)",
  proxy_close_stream: "proxy_close_stream(0)",
  proxy_send_local_response: "proxy_send_local_response(403, text, 4, text, 4, lines, 16, -1)",
  proxy_set_effective_context: "proxy_set_effective_context(context)",
  proxy_done: "done(context)",
  proxy_get_buffer_bytes: "proxy_get_buffer_bytes(phase > 2 ? 1 : 0, 0, 100, ret, ret + 4)",
  proxy_get_buffer_status: "proxy_get_buffer_status(phase > 2 ? 1 : 0, ret, ret + 4)",
  proxy_set_buffer_bytes: "proxy_set_buffer_bytes(phase > 2 ? 1 : 0, 0, 1, text, 1)",
  proxy_get_header_map_pairs: "proxy_get_header_map_pairs(phase > 2 ? 2 : 0, ret, ret + 4)",
  proxy_add_header_map_value: "proxy_add_header_map_value(phase > 2 ? 2 : 0, text, 4, text, 4)",
  proxy_replace_header_map_value: "proxy_replace_header_map_value(phase > 2 ? 2 : 0, text, 4, text, 4)",
  proxy_remove_header_map_value: "proxy_remove_header_map_value(phase > 2 ? 2 : 0, text, 4)",
  clock_time_get: "clock_time_get(0, 1, ret)",
  random_get: "random_get(ret, 8)",
};
/** Where a call returns data for certain, so that the host must allocate. */
const RETURNS_DATA: Readonly<Record<string, readonly string[]>> = {
  proxy_get_header_map_pairs: ["request_headers", "response_headers"],
  proxy_get_property: ["request_headers", "request_body", "response_headers", "response_body"],
  proxy_get_buffer_bytes: ["request_body", "response_body"],
};

const PHASES = ["none", "request_headers", "request_body", "response_headers", "response_body", "log", "done"] as const;
type PhaseName = (typeof PHASES)[number];

const declared = [
  ...readFileSync(join(root, "sdk/abi/hostcalls.ts"), "utf8").matchAll(/@external\("\w+", "(\w+)"\)/g),
].map((match) => match[1]!);

/** Phases from which the SDK makes a call; those that end the stream not where Envoy cannot. */
function phasesOf(call: string): PhaseName[] {
  if (call === "proxy_send_local_response") return ["request_headers", "request_body", "response_headers"];
  if (call === "proxy_close_stream") return PHASES.slice(1, 5);
  return PHASES.slice(1);
}

const TYPES: Readonly<Record<string, string>> = { i: "i32", I: "i64" };

/** Every callback there is counts itself; those of a stream make the call that was asked for. */
function probeSource(): string {
  const skipped = ["_initialize", "_start", "main", "__main_void", "malloc", "proxy_on_memory_allocate"];
  const callbacks = Object.entries(CALLBACKS).filter(([name]) => !skipped.includes(name));
  const exports = callbacks.map(([name, signature]) => {
    const [params, result] = signature.split(":") as [string, string];
    const phase = PHASES.findIndex((each) => name === `proxy_on_${each}`);
    const names = [...params].map((_, i) => `p${i}`);
    const list = names.map((p, i) => `${p}: ${TYPES[params[i]!]}`).join(", ");
    const body = phase > 0 ? `act(p0, ${phase});` : "";
    const value = ["proxy_on_vm_start", "proxy_on_configure", "proxy_validate_configuration"].includes(name)
      ? "1"
      : "0";
    const special =
      name === "proxy_on_done" ? "return endOf(p0);" : name === "proxy_on_context_create" ? "created(p0, p1);" : "";
    return `export function ${name}(${list}): ${result ? "i32" : "void"} {
  enter();
  ${body}
  depth--;
  ${special || (result ? `return ${value};` : "")}
}`;
  });
  const cases = declared.map((name, i) => `if (call == ${i}) return ${EXAMPLES[name]};`);
  return `import { ${declared.join(", ")} } from "./sdk/abi/hostcalls";
const ret = memory.data(64, 8);
const text = memory.data<u8>([0x78, 0x2d, 0x61, 0x62]);
const property = memory.data<u8>([${[...Buffer.from("plugin_root_id")].join(", ")}]);
const lines = memory.data<u8>([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0x78, 0, 0x79, 0]);
let depth = 0;
let deepest = 0;
let reentered = 0;
let calling = -1;
let mallocs = 0;
let call = 0;
let wanted = 0;
let lastRoot = 0;
let pending = 0;

export function proxy_abi_version_0_2_1(): void {}
export function malloc(size: usize): usize {
  mallocs++;
  return heap.alloc(size);
}
function enter(): void {
  if (calling >= 0) reentered++;
  if (++depth > deepest) deepest = depth;
}
function created(id: i32, parent: i32): void {
  if (!parent) lastRoot = id;
}
/** A root says "not yet"; the next stream that is asked to call proxy_done does it for that root. */
function endOf(id: i32): i32 {
  if (id != lastRoot && !pending && wanted == 0 && isRoot(id)) {
    pending = id;
    return 0;
  }
  return 1;
}
let firstStream = i32.MAX_VALUE;
function isRoot(id: i32): bool {
  return id < firstStream || id == lastRoot;
}
function done(context: i32): i32 {
  if (!pending) return proxy_done();
  proxy_set_effective_context(pending);
  const status = proxy_done();
  pending = 0;
  proxy_set_effective_context(context);
  return status;
}
function run(context: i32, phase: i32): i32 {
  ${cases.join("\n  ")}
  return -1;
}
function act(context: i32, phase: i32): void {
  if (phase == 1) {
    firstStream = min(firstStream, context);
    readWish();
  }
  if (phase != wanted) return;
  wanted = 0;
  const before = mallocs;
  calling = call;
  const status = run(context, phase);
  calling = -1;
  const line = "probe " + call.toString() + " " + phase.toString() + " status " + status.toString() + " mallocs " +
    (mallocs - before).toString() + " deepest " + deepest.toString() + " reentered " + reentered.toString();
  const bytes = String.UTF8.encode(line);
  proxy_log(2, changetype<usize>(bytes), bytes.byteLength);
}
/** Finds "x-probe", a zero and two letters in the header map. */
function readWish(): void {
  store<u64>(ret, 0);
  proxy_get_header_map_pairs(0, ret, ret + 4);
  const start = load<usize>(ret);
  const end = start + load<u32>(ret, 4);
  for (let at = start; at + 10 <= end; at++) {
    if (load<u32>(at) == 0x72702d78 && load<u32>(at, 4) == 0x0065626f) {
      call = load<u8>(at, 8) - 0x41;
      wanted = load<u8>(at, 9) - 0x41;
    }
  }
}
${exports.join("\n")}
`;
}

async function compileProbe(): Promise<Uint8Array> {
  const source = probeSource();
  let wasm: Uint8Array | null = null;
  const messages: string[] = [];
  const { error } = await asc.main(
    [
      "probe.ts",
      `--baseDir=${root}`,
      "--outFile=probe.wasm",
      "--runtime=stub",
      "--exportStart=_initialize",
      "--use=abort=",
    ],
    {
      readFile: (name, baseDir) => {
        if (name === "probe.ts") return source;
        const file = resolve(baseDir, name);
        return existsSync(file) && !file.endsWith("asconfig.json") ? readFileSync(file, "utf8") : null;
      },
      writeFile: (name, contents) => {
        if (name.endsWith(".wasm")) wasm = contents as Uint8Array;
      },
      listFiles: () => [],
      stdout: asc.createMemoryStream(),
      stderr: asc.createMemoryStream((chunk) => void messages.push(String(chunk))),
    },
  );
  if (error || !wasm) throw new Error(`the probe does not compile:\n${messages.join("")}`);
  return wasm;
}

const directory = mkdtempSync(join(tmpdir(), "meshwasm-reentry-"));
const probe = join(directory, "probe.wasm");
before(async () => writeFileSync(probe, await compileProbe()));
after(() => rmSync(directory, { recursive: true, force: true }));

it("every host call that the SDK declares has an example", () => {
  assert.deepEqual([...declared].sort(), Object.keys(EXAMPLES).sort());
});

for (const host of ["emulator", "envoy"] as const) {
  describe(`host calls on ${host} call nothing but malloc`, () => {
    let proxy: Proxy;
    before(async () => {
      proxy = await createProxy({
        filter: probe,
        host,
        rootId: "probe",
        config: "1",
        upstream: () => ({ body: "answer" }),
      });
    });
    after(() => proxy.close());

    for (const call of declared) {
      it(call, async () => {
        // Leaves a root that waits for proxy_done.
        if (call === "proxy_done") await proxy.reconfigure("2");
        for (const phase of phasesOf(call)) {
          const [name, at] = [declared.indexOf(call), PHASES.indexOf(phase)];
          const letters = String.fromCharCode(0x41 + name, 0x41 + at);
          const from = proxy.logs().length;
          await proxy.request({ method: "POST", headers: { "x-probe": letters }, body: "body" }).catch(() => {});
          const found = await logged(proxy, from, `probe ${name} ${at} `);
          assert.match(found, / deepest 1 reentered 0$/, `${call} in ${phase}`);
          if (RETURNS_DATA[call]?.includes(phase)) assert.match(found, / status 0 mallocs 1 /, `${call} in ${phase}`);
          // The root that waits: its log, done and delete come after the call.
          if (call === "proxy_done" && at === 1) assert.match(found, / status 0 /);
        }
      });
    }
  });
}

/** The line that begins so; it may come after the answer. */
async function logged(proxy: Proxy, from: number, start: string): Promise<string> {
  for (let tries = 0; ; tries++) {
    const line = proxy
      .logs()
      .slice(from)
      .find(({ message }) => message.startsWith(start));
    if (line) return line.message;
    assert.ok(tries < 200, `no line "${start}"`);
    await sleep(10);
  }
}
