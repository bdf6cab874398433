/* What goes beside an image: its bill of materials, its provenance, and a signature over each. */

import { createPublicKey } from "node:crypto";
import { packageVersion } from "../../toolchain/build/index.js";
import { canonicalJson, type Descriptor, type Reference, type RegistryClient } from "../../toolchain/oci/index.js";
import {
  attach,
  buildProvenance,
  buildSbom,
  bundleAttachment,
  ciRun,
  keyIdentity,
  keylessIdentity,
  loadPrivateKey,
  PREDICATE,
  SBOM_MEDIA_TYPE,
  signStatement,
  STATEMENT_MEDIA_TYPE,
  statementAbout,
  verifyImage,
  type SigningIdentity,
  type Trust,
} from "../../toolchain/oci/sign/index.js";
import type { Prepared } from "./prepare.js";

const TOOL = { name: "meshwasm", version: packageVersion };

export interface SignOptions {
  readonly signKey?: string;
  readonly keyless?: boolean;
}

export interface Signing {
  readonly identity: SigningIdentity;
  /** By whom the result can be verified at once; null for keyless. */
  readonly trust: Trust | null;
}

/** Reads the key before anything is sent: a wrong one must not leave half a publication. */
export async function signingOf(options: SignOptions): Promise<Signing | null> {
  if (options.signKey !== undefined) {
    const key = await loadPrivateKey(options.signKey);
    return { identity: keyIdentity(key), trust: { key: createPublicKey(key) } };
  }
  return options.keyless ? { identity: keylessIdentity(), trust: null } : null;
}

export async function attachAll(
  client: RegistryClient,
  ref: Reference,
  prepared: Prepared,
  signing: Signing | null,
  note: (text: string) => void,
): Promise<void> {
  const { image, manifest } = prepared;
  const subject: Descriptor = { mediaType: image.mediaType, digest: image.digest, size: image.manifest.length };
  const created = prepared.created.toISOString().replace(".000Z", "Z");
  const sbom = buildSbom({
    name: manifest.name,
    version: manifest.version,
    ...(manifest.description ? { description: manifest.description } : {}),
    ...(prepared.license ? { license: prepared.license } : {}),
    moduleDigest: image.moduleDigest,
    created: prepared.created,
    components: prepared.components,
    tool: TOOL,
  });
  const provenance = buildProvenance({
    parameters: prepared.parameters,
    components: prepared.components,
    tool: TOOL,
    ...(prepared.source ? { source: prepared.source } : {}),
    ...(prepared.commit ? { commit: prepared.commit } : {}),
    ...ciRun(process.env),
  });
  const name = `${ref.host}/${ref.repository}`;
  const statements = {
    signature: statementAbout(image.digest, PREDICATE.signature, {}),
    sbom: statementAbout(image.digest, PREDICATE.sbom, JSON.parse(Buffer.from(sbom).toString()), name),
    provenance: statementAbout(image.digest, PREDICATE.provenance, provenance, name),
  };
  const annotations = { "org.opencontainers.image.created": created };
  await attach(client, ref, subject, { artifactType: SBOM_MEDIA_TYPE, bytes: sbom, annotations });
  note("bill of materials attached");
  const bytes = canonicalJson(statements.provenance);
  await attach(client, ref, subject, { artifactType: STATEMENT_MEDIA_TYPE, bytes, annotations });
  note("provenance attached");
  if (!signing || (await isSigned(client, ref, signing))) return;
  for (const statement of Object.values(statements)) {
    const bundle = await signStatement(signing.identity, statement);
    await attach(client, ref, subject, bundleAttachment(bundle, statement.predicateType, created));
  }
  note("signature and signed attestations attached");
}

/** A second signature of the same key would only grow the list. */
async function isSigned(client: RegistryClient, ref: Reference, { trust }: Signing): Promise<boolean> {
  if (!trust) return false;
  try {
    await verifyImage(client, ref, trust, { require: ["sbom", "provenance"] });
    return true;
  } catch {
    return false;
  }
}
