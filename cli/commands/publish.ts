import type { Command } from "commander";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildIfStale, readProject } from "../../toolchain/build/index.js";
import {
  buildImage,
  createdTime,
  formatReference,
  parseReference,
  publish,
  type PublishProgress,
  RegistryClient,
  withDefaultTag,
} from "../../toolchain/oci/index.js";
import { print, printJson, step } from "../output.js";
import { inWholeSteps } from "../until-stopped.js";

interface Options {
  immutable?: boolean;
  plainHttp?: boolean;
  json?: boolean;
}

export function addPublish(program: Command): void {
  program
    .command("publish")
    .description("build a filter and push it as an OCI image that Istio, Envoy Gateway and Envoy accept")
    .usage("[options] [dir] <ref>")
    .argument("<dir-or-ref>", "the project's folder (default .), then host:port/repo/name:tag")
    .argument("[ref]")
    .option("--immutable", "fail when the tag exists with other content")
    .option("--plain-http", "no TLS; automatic for loopback only")
    .option("--json", "print reference and digests")
    .action(async (first: string, second: string | undefined, options: Options) => {
      const dir = second === undefined ? "." : first;
      const ref = withDefaultTag(parseReference(second ?? first));
      const project = readProject(dir);
      const { wasm } = await step(`Building ${dir}`, () => inWholeSteps(() => buildIfStale(dir)));
      const read = (file: string | null) => (file ? { text: readFileSync(file) } : null);
      const schema = read(project.schemaFile);
      const readme = read(project.readmeFile);
      const image = await buildImage({
        wasm: readFileSync(wasm),
        ...(schema ? { schema: schema.text } : {}),
        ...(readme ? { readme: readme.text } : {}),
        buildManifest: readFileSync(join(project.dir, "build/manifest.json")),
        created: await createdTime(project.dir),
        title: project.name,
        description: project.description,
        version: project.version,
        ...(project.source ? { source: project.source } : {}),
        ...(project.license ? { licenses: project.license } : {}),
      });
      const client = new RegistryClient({ plainHttp: options.plainHttp ?? false });
      const result = await step(`Publishing ${formatReference(ref)}`, (note) =>
        publish(client, ref, image, { immutable: options.immutable ?? false, onProgress: (p) => note(describe(p)) }),
      );
      const pinned = formatReference({ ...ref, digest: result.digest });
      if (options.json) {
        printJson({
          status: result.status,
          reference: pinned,
          digest: result.digest,
          moduleDigest: result.moduleDigest,
        });
        return;
      }
      print(`${result.status === "unchanged" ? "unchanged" : "published"}  ${pinned}`);
      print(`next: meshwasm manifest ${formatReference(ref)} --for istio`);
    });
}

function describe({ blob, state, index, total }: PublishProgress): string {
  return `${index}/${total} ${blob.mediaType} ${blob.size} bytes ${state}`;
}
