import * as Enums from "@cyclonedx/cyclonedx-library/Enums";
import * as Models from "@cyclonedx/cyclonedx-library/Models";
import * as Serialize from "@cyclonedx/cyclonedx-library/Serialize";
import * as Spec from "@cyclonedx/cyclonedx-library/Spec";
import { PackageURL } from "packageurl-js";
import { splitDigest } from "../digest.js";

/** A package that was compiled into a module. */
export interface Component {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly license?: string;
}

export interface SbomInput {
  readonly name: string;
  readonly version?: string;
  readonly description?: string;
  readonly license?: string;
  /** Digest of the module's bytes. */
  readonly moduleDigest: string;
  readonly created: Date;
  /** npm packages whose code is in the module. */
  readonly components: readonly Component[];
  readonly tool: { readonly name: string; readonly version: string };
}

export const SBOM_MEDIA_TYPE = "application/vnd.cyclonedx+json";

/** The CycloneDX bill of materials of a module. The same input gives the same bytes: no serial number, no time but the image's. */
export function buildSbom(input: SbomInput): Uint8Array {
  const root = new Models.Component(Enums.ComponentType.Application, input.name, {
    bomRef: "module",
    version: input.version,
    description: input.description,
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm["SHA-256"], splitDigest(input.moduleDigest).hex]]),
    licenses: licenses(input.license),
  });
  const bom = new Models.Bom({
    metadata: new Models.Metadata({
      timestamp: input.created,
      component: root,
      tools: new Models.Tools({
        components: new Models.ComponentRepository([
          new Models.Component(Enums.ComponentType.Application, input.tool.name, { version: input.tool.version }),
        ]),
      }),
    }),
  });
  for (const { name, version, license } of input.components) {
    const slash = name.startsWith("@") ? name.indexOf("/") : -1;
    const group = slash < 0 ? undefined : name.slice(0, slash);
    const bare = name.slice(slash + 1);
    const purl = new PackageURL("npm", group, bare, version, undefined, undefined).toString();
    const component = new Models.Component(Enums.ComponentType.Library, bare, {
      bomRef: purl,
      group,
      version,
      purl,
      licenses: licenses(license),
    });
    bom.components.add(component);
    root.dependencies.add(component.bomRef);
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return new TextEncoder().encode(serializer.serialize(bom, { sortLists: true }));
}

function licenses(expression: string | undefined): Models.LicenseRepository {
  return new Models.LicenseRepository(expression ? [new Models.LicenseExpression(expression)] : []);
}
