import type { Command } from "commander";
import { starterConfig, readSchemaText } from "../../toolchain/build/index.js";
import { formatReference, parseReference, type Reference } from "../../toolchain/oci/index.js";
import { configTable } from "../image/config-table.js";
import { libraryFiles, libraryNames, prepareLibrary } from "../image/library.js";
import type { Prepared } from "../image/prepare.js";
import { publishedText, publishImage, pushOptions, type PushOptions } from "../image/publish.js";
import { CliError, print, printJson } from "../output.js";

interface PublishOptions extends PushOptions {
  all?: string;
  json?: boolean;
}

export function addLibrary(program: Command): void {
  const library = program.command("library").description("filters that come with meshwasm, ready to be published");
  library
    .command("list")
    .description("what there is")
    .option("--json", "print it as JSON")
    .action(async ({ json }: { json?: boolean }) => {
      const filters: ReturnType<typeof factsOf>[] = [];
      for (const name of libraryNames()) filters.push(factsOf(name, await prepareLibrary(name)));
      if (json) return printJson(filters);
      const width = Math.max(...filters.map(({ name }) => name.length));
      for (const { name, version, size, description } of filters)
        print(`${name.padEnd(width)}  ${version}  ${size} bytes  ${description}`);
    });

  library
    .command("show")
    .description("one filter: its files, digests, capabilities and configuration")
    .argument("<name>")
    .option("--json", "print it as JSON")
    .action(async (name: string, { json }: { json?: boolean }) => {
      const prepared = await prepareLibrary(known(name));
      const facts = { ...factsOf(name, prepared), config: configTable(prepared.schema!), example: example(prepared) };
      if (json) return printJson(facts);
      print(`${name} ${facts.version}: ${facts.description}`);
      print(`module        ${facts.module}`);
      print(`              ${facts.moduleDigest}  ${facts.size} bytes`);
      print(`image         ${facts.digest}`);
      print(`readme        ${facts.readme}`);
      print(`capabilities  ${facts.capabilities.join(", ")}`);
      print("configuration");
      for (const row of facts.config)
        print(`  ${row.path}  ${row.type}${row.required ? "  required" : ""}  ${row.description}`);
      print("a configuration to begin with");
      for (const line of facts.example.trimEnd().split("\n")) print(`  ${line}`);
      print(`next: meshwasm library publish ${name} host:port/filters/${name}`);
    });

  pushOptions(
    library
      .command("publish")
      .description("push one filter, or --all of them below a prefix; the tag is the version when none is given")
      .usage("[options] <name> <ref>\n       meshwasm library publish [options] --all <prefix>")
      .argument("[name]")
      .argument("[ref]", "host:port/repo/name[:tag]")
      .option("--all <prefix>", "all filters, as prefix/name:version"),
  )
    .option("--json", "print references and digests")
    .action(async (name: string | undefined, ref: string | undefined, options: PublishOptions) => {
      const { all } = options;
      if (all === undefined ? !name || !ref : name !== undefined)
        throw new CliError("give a name and host:port/repo/name, or --all host:port/prefix", 2);
      const wanted = all === undefined ? [known(name!)] : libraryNames();
      const published = [];
      for (const each of wanted) {
        const target = all === undefined ? ref! : `${all.replace(/\/+$/, "")}/${each}`;
        // A wrong reference is said before anything is built.
        const parsed = parseReference(target);
        const prepared = await prepareLibrary(each);
        const tagged = withVersion(parsed, prepared);
        const result = await publishImage(tagged, options, () => Promise.resolve(prepared));
        published.push({ name: each, ...result });
        if (!options.json) {
          print(publishedText(result));
          print(`next: meshwasm manifest ${formatReference(tagged)} --for istio`);
        }
      }
      if (options.json) printJson(all === undefined ? published[0] : published);
    });
}

function known(name: string): string {
  const names = libraryNames();
  if (!names.includes(name))
    throw new CliError(`the library has no filter "${name}"; there are ${names.join(", ")}`, 2);
  return name;
}

function factsOf(name: string, { manifest, image }: Prepared) {
  return {
    name,
    version: manifest.version,
    description: manifest.description,
    size: manifest.size,
    digest: image.digest,
    moduleDigest: image.moduleDigest,
    capabilities: manifest.hostCalls,
    ...libraryFiles(name),
  };
}

function example({ schema }: Prepared): string {
  return starterConfig(readSchemaText(schema!, "config.schema.json"), "config.schema.json");
}

function withVersion(ref: Reference, { manifest }: Prepared): Reference {
  return ref.tag === undefined ? { ...ref, tag: manifest.version } : ref;
}
