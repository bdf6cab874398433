import type { Command } from "commander";
import { check, inspect } from "../../toolchain/build/index.js";
import { gzip, printable, type ReferrerDescriptor } from "../../toolchain/oci/index.js";
import { PLAIN_HTTP, registryClient, type RegistryOptions } from "../image/client.js";
import { configTable, type ConfigRow } from "../image/config-table.js";
import { load, type Loaded } from "../image/load.js";
import { CliError, print, printJson } from "../output.js";

interface Options extends RegistryOptions {
  wat?: boolean;
  json?: boolean;
}

export function addInspect(program: Command): void {
  program
    .command("inspect")
    .description("what a filter is: layers, capabilities, callbacks, configuration, signatures, size")
    .argument("<ref|file|dir>", "an image, a .wasm file, or a project's folder")
    .option("--wat", "print the module as WebAssembly text instead")
    .option(...PLAIN_HTTP)
    .option("--json", "print all of it")
    .action(async (target: string, options: Options) => {
      const loaded = await load(target, options);
      const findings = check(loaded.wasm);
      if (findings[0]?.rule === "format")
        throw new CliError(`${target}: ${findings[0].message}; give a filter's module`);
      if (options.wat) return print(await toWat(loaded.wasm, target));
      const facts = await factsOf(loaded, options);
      if (options.json) printJson({ ...facts, findings });
      else {
        printFacts(facts);
        for (const { rule, message } of findings) print(`warning  ${rule}: ${message}`);
      }
    });
}

type Facts = Awaited<ReturnType<typeof factsOf>>;

async function factsOf(loaded: Loaded, options: RegistryOptions) {
  const { digest: moduleDigest, size, abi, hostCalls, callbacks } = inspect(loaded.wasm);
  const config = loaded.schema === null ? [] : configTable(loaded.schema);
  const module = { moduleDigest, size, sizeGzip: gzip(loaded.wasm).length, abi, capabilities: hostCalls, callbacks };
  if (!loaded.image) return { source: loaded.name, ...module, config };
  const { pulled, reference } = loaded.image;
  const referrers = await registryClient(options).listReferrers(reference, pulled.digest);
  return {
    source: loaded.name,
    digest: pulled.digest,
    ...module,
    layers: pulled.manifest.layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    annotations: pulled.manifest.annotations ?? {},
    config,
    referrers: referrers.map((r) => ({ kind: kindOf(r), digest: r.digest, artifactType: r.artifactType ?? null })),
  };
}

/** What a referrer claims to be; only `verify` says whether it is true. */
function kindOf(referrer: ReferrerDescriptor): string {
  const predicate = referrer.annotations?.["dev.sigstore.bundle.predicateType"] ?? "";
  const type = referrer.artifactType ?? "";
  if (/sigstore\.bundle/.test(type)) {
    if (/cosign\/sign/.test(predicate)) return "signature";
    if (/cyclonedx/.test(predicate)) return "signed SBOM";
    if (/slsa\.dev\/provenance/.test(predicate)) return "signed provenance";
    return "signature";
  }
  if (/cyclonedx|spdx/.test(type)) return "SBOM";
  if (/in-toto/.test(type)) return "provenance";
  return "other";
}

function printFacts(facts: Facts): void {
  print(`source        ${facts.source}`);
  if ("digest" in facts) print(`digest        ${facts.digest}`);
  print(`module        ${facts.moduleDigest}  ${facts.size} bytes, ${facts.sizeGzip} with gzip, ABI ${facts.abi}`);
  print(`capabilities  ${facts.capabilities.join(", ") || "none"}`);
  print(`callbacks     ${facts.callbacks.join(", ") || "none"}`);
  if ("layers" in facts) {
    print("layers");
    for (const { mediaType, digest, size } of facts.layers)
      print(`  ${digest}  ${size} bytes  ${printable(mediaType)}`);
    print("annotations");
    for (const [key, value] of Object.entries(facts.annotations))
      print(`  ${printable(key)}: ${printable(String(value))}`);
  }
  print(facts.config.length ? "configuration" : "configuration  none, or no schema");
  for (const row of facts.config) print(`  ${printable(rowText(row), 300)}`);
  if ("referrers" in facts) {
    print(
      facts.referrers.length ? "attached (claims; meshwasm verify checks them)" : "attached      nothing: not signed",
    );
    for (const { kind, digest } of facts.referrers) print(`  ${kind}  ${digest}`);
  }
}

function rowText(row: ConfigRow): string {
  const need = row.required ? "required" : row.default === null ? "optional" : `default ${row.default}`;
  return `${row.path}  ${row.type}  ${need}${row.description ? `  ${row.description}` : ""}`;
}

async function toWat(wasm: Uint8Array, name: string): Promise<string> {
  const { default: wabt } = await import("wabt");
  const features = {
    mutable_globals: true,
    sat_float_to_int: true,
    sign_extension: true,
    simd: true,
    multi_value: true,
    bulk_memory: true,
    reference_types: true,
  };
  try {
    const module = (await wabt()).readWasm(wasm, { readDebugNames: true, ...features });
    module.applyNames();
    return module.toText({ foldExprs: true, inlineExport: false });
  } catch (error) {
    throw new CliError(`${name}: the module cannot be written as text: ${printable((error as Error).message)}`);
  }
}
