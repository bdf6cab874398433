/* Compiles the probe: its fixed part in probe.as, and a call of every host function from calls.ts. */

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { HOST_FUNCTIONS } from "../../toolchain/build/abi.js";
import { CALLS, TEXTS, VARYING, type HostCall } from "./calls.js";

const ASC = fileURLToPath(new URL("../../node_modules/assemblyscript/bin/asc.js", import.meta.url));

/** Not called by ask(): they end something, or their result is the machine's own. */
export const ELSEWHERE = ["emscripten_notify_memory_growth", "proc_exit"];

/** Path of the module, made in the folder; it does not import what `absent` names. */
export async function buildProbe(folder: string, absent: readonly string[] = []): Promise<string> {
  const source = [
    imports(absent),
    texts(),
    asks(absent),
    actions(),
    readFileSync(new URL("probe.as", import.meta.url), "utf8"),
  ];
  writeFileSync(join(folder, "probe.ts"), source.join("\n"));
  // In a process of its own: a filter that was built in this one has changed the compiler's library for filters.
  const options = [
    ...["probe.ts", `--baseDir=${folder}`, "--outFile=probe.wasm", "--runtime=stub", "-O1", "--noColors"],
    ...["--exportStart=_initialize", "--use=abort=", "--initialMemory=64", "--disableWarning"],
  ];
  try {
    await promisify(execFile)(process.execPath, [ASC, ...options]);
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error(`the probe does not compile:\n${stderr || message}`, { cause: error });
  }
  return join(folder, "probe.wasm");
}

function imports(absent: readonly string[]): string {
  return HOST_FUNCTIONS.filter(({ name }) => !absent.includes(name))
    .map(({ module, name, signature }) => {
      const [params, results] = signature.split(":") as [string, string];
      const list = [...params].map((type, i) => `p${i}: ${type === "I" ? "i64" : "i32"}`).join(", ");
      const from = module === "wasi" ? "wasi_snapshot_preview1" : "env";
      return `@external("${from}", "${name}")\ndeclare function ${name}(${list}): ${results ? "i32" : "void"};`;
    })
    .join("\n");
}

const data = (text: string): string =>
  `memory.data<u8>([${[...text].map((char) => char.charCodeAt(0)).join(",") || "0"}])`;

function texts(): string {
  return Object.entries(TEXTS)
    .map(([name, text]) => `const T_${name}: i32 = i32(${data(text)});`)
    .join("\n");
}

/** An argument list of calls.ts in AssemblyScript. */
function expanded(args: string): string {
  return args
    .replace(/@(\w+)/g, (_, name: string) => `T_${name}, ${TEXTS[name as keyof typeof TEXTS].length}`)
    .replace(/"(?:[^"\\]|\\.)*"/g, (quoted) => {
      const text = JSON.parse(quoted) as string;
      return `i32(${data(text)}), ${text.length}`;
    });
}

const SHOW: Readonly<Record<HostCall["returns"], string>> = {
  nothing: "",
  u32: "asU32();",
  u64: "asU64();",
  size: "asSize();",
  data: "asData();",
  pairs: "asPairs();",
  value: "asValue();",
  nonzero: "asNonzero();",
  nonzero32: "asNonzero32();",
};

function asks(absent: readonly string[]): string {
  const wanted = Object.entries(CALLS).filter(([name]) => !absent.includes(name));
  const functions = wanted.map(([name, { returns, variants }]) => {
    const lines = Object.entries(variants).map(([title, args]) => {
      const show = name === "proxy_get_property" && VARYING.includes(title) ? "asVarying();" : SHOW[returns];
      return `  clear(); variant(${JSON.stringify(title)}, ${name}(${expanded(args)})); ${show}`;
    });
    return `function ask_${name}(): void {\n  begin("${name}");\n${lines.join("\n")}\n  end();\n}`;
  });
  // A query that a plugin leaves behind is answered in freed memory: Envoy 1.40 crashes.
  const when = (name: string): string => (name === "envoy_resolve_dns" ? "if (!ending) " : "");
  const all = wanted.map(([name]) => `  ${when(name)}ask_${name}();`);
  return `${functions.join("\n")}\nfunction ask(): void {\n${all.join("\n")}\n}`;
}

function actions(): string {
  const make = (name: string, call: string, param = ""): string =>
    `function ${name}(${param}): i32 {\n  return ${call};\n}`;
  const foreign = (name: string, args: string): string =>
    expanded(`proxy_call_foreign_function("${name}", ${args}, R, R + 4)`);
  return [
    make("getAct", expanded('proxy_get_header_map_value(0, "x-act", R, R + 4)')),
    make("reply", expanded("proxy_send_local_response(418, @hello, @value, @pairs, -1)")),
    make("replyWith", expanded("proxy_send_local_response(status, @hello, @value, @pairs, -1)"), "status: i32"),
    make("setRequest", expanded("proxy_set_header_map_pairs(0, @request)")),
    make("setResponse", expanded("proxy_set_header_map_pairs(2, @pairs)")),
    make("bigHeader", expanded("proxy_add_header_map_value(0, @name, BIG, BIG_SIZE)")),
    make("split", expanded('proxy_add_header_map_value(2, @name, "a\\r\\nx-split: b")')),
    make("callHttp", expanded("proxy_http_call(@cluster, @request, @hello, @empty, 2000, R)")),
    make("callGrpc", expanded("proxy_grpc_call(@grpc, @service, @method, @empty, @value, 2000, R)")),
    make("openGrpc", expanded("proxy_grpc_stream(@grpc, @service, @method, @empty, R)")),
    make("sendGrpc", expanded("proxy_grpc_send(id, @hello, 1)"), "id: i32"),
    make("createCel", foreign("expr_create", "@cel")),
    make("createCelMap", foreign("expr_create", "@celMap")),
    make("createCelRequest", foreign("expr_create", "@celRequest")),
    make("evaluate", foreign("expr_evaluate", "at, 4"), "at: i32"),
  ].join("\n");
}
