// Bundles the command line and the libraries into dist/, and writes their types. --if-stale: only when a source is newer.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

/** Newest change below the folders, in milliseconds. */
const newest = (...folders) =>
  Math.max(
    ...folders.flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs),
    ),
  );
if (process.argv.includes("--if-stale") && existsSync("dist/types/filters/common/index.d.ts")) {
  if (
    newest("cli", "toolchain", "registry", "sdk", "filters/common", "scripts") <
    statSync("dist/types/filters/common/index.d.ts").mtimeMs
  )
    process.exit();
}
const { metafile } = await build({
  metafile: true,
  entryPoints: {
    cli: "cli/cli.ts",
    testing: "toolchain/hosts/index.ts",
    "build-worker": "cli/run/worker.ts",
    "case-tests": "toolchain/hosts/cases/run.ts",
    cases: "toolchain/hosts/cases/main.ts",
    report: "toolchain/hosts/report.ts",
    index: "toolchain/index.ts",
  },
  bundle: true,
  splitting: true,
  platform: "node",
  target: "node20",
  format: "esm",
  outdir: "dist",
  chunkNames: "chunks/[name]-[hash]",
  // Found beside the installed package: the compiler reads its own files, esbuild is a binary.
  // The XML half of the CycloneDX library, which is not used, would like an optional package.
  external: ["assemblyscript", "esbuild", "tsx", "xmlbuilder2"],
  // Some bundled libraries are CommonJS and ask for Node's modules.
  banner: {
    js: 'import { createRequire as meshwasmRequire } from "node:module"; const require = meshwasmRequire(import.meta.url);',
  },
  // wabt, which is CommonJS, looks where it lies.
  define: { __dirname: "import.meta.dirname", __filename: "import.meta.filename" },
  logLevel: "warning",
});
chmodSync("dist/cli.js", 0o755);
// The decoder of configurations, which the command line runs too.
const { default: asc } = await import("assemblyscript/asc");
const messages = asc.createMemoryStream();
const { error } = await asc.main(
  [
    ...["sdk/decode/program.ts", "--outFile=dist/decoder.wasm", "-O3", "--shrinkLevel=1", "--runtime=minimal"],
    ...["--exportRuntime", "--exportStart=_initialize", "--maximumMemory=2048", "--noColors"],
  ],
  { stderr: messages },
);
if (error) {
  console.error(messages.toString());
  process.exit(1);
}
// What an earlier build left, removed only now: another process may be running it.
for (const chunk of readdirSync("dist/chunks"))
  if (!metafile.outputs[`dist/chunks/${chunk}`]) rmSync(`dist/chunks/${chunk}`);
for (const project of ["tsconfig.types.json", "sdk", "filters/common"]) {
  const { status } = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", project], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}
