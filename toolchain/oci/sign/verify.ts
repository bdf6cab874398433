import type { KeyObject } from "node:crypto";
import { bundleFromJSON, isBundleWithDsseEnvelope, type Bundle } from "@sigstore/bundle";
import { toSignedEntity, Verifier, type TrustMaterial } from "@sigstore/verify";
import type { RegistryClient } from "../client.js";
import type { Descriptor } from "../layout.js";
import { OciError, printable } from "../errors.js";
import { parseManifest } from "../read.js";
import { formatReference, withDefaultTag, type Reference } from "../reference.js";
import { keyHint } from "./keys.js";
import {
  isAbout,
  isPredicate,
  parseStatement,
  PREDICATE,
  STATEMENT_MEDIA_TYPE,
  type Attestation,
  type Statement,
} from "./statement.js";

/** Whose signature counts. */
export type Trust =
  | { readonly key: KeyObject }
  /** Keyless: an identity that Sigstore's authority certified. */
  | { readonly root: TrustMaterial; readonly identity: string; readonly issuer: string };

export interface VerifyOptions {
  readonly require?: readonly Attestation[];
}

export interface Verified {
  /** Digest of the image that was verified. */
  readonly digest: string;
  /** The reference with that digest, whatever the tag names by now. */
  readonly reference: Reference;
  readonly signatures: number;
  readonly attestations: readonly Attestation[];
}

/** The image is not signed as it must be. */
export class VerificationFailed extends OciError {}

const BUNDLE_TYPE = /^application\/vnd\.dev\.sigstore\.bundle[.+]/;
const MAX_BUNDLES = 100;
const MAX_BUNDLE_BYTES = 16 * 1024 * 1024;

/**
 * Succeeds only when a trusted signer has signed the digest behind the reference, and each required attestation. Throws
 * VerificationFailed, which says what was found instead.
 */
export async function verifyImage(
  client: RegistryClient,
  ref: Reference,
  trust: Trust,
  options: VerifyOptions = {},
): Promise<Verified> {
  const target = withDefaultTag(ref);
  // Only this digest is looked at from here on: the tag may move meanwhile.
  const { digest, bytes: manifest, mediaType } = await client.getManifest(target);
  // A signed index would be no pin that a mesh takes.
  parseManifest(manifest, mediaType, formatReference({ ...target, digest: undefined }));
  const place = { host: target.host, repository: target.repository };
  const name = formatReference({ ...target, digest });
  const good: Statement[] = [];
  const refused: string[] = [];
  const bundles = await findBundles(client, place, digest);
  for (const bytes of bundles) {
    try {
      const statement = verifyBundle(bytes, trust);
      if (isAbout(statement, digest)) good.push(statement);
      else refused.push("a signature of another image's digest");
    } catch (error) {
      refused.push(printable((error as Error).message));
    }
  }
  const count = (wanted: keyof typeof PREDICATE): number =>
    good.filter((statement) => isPredicate(statement.predicateType, wanted)).length;
  const found = refused.length ? ` (found: ${[...new Set(refused)].slice(0, 3).join("; ")})` : "";
  const signatures = count("signature");
  if (signatures === 0) {
    throw new VerificationFailed(
      `${name} has no signature by ${who(trust)}${found || (bundles.length ? "" : " (found: none at all)")}; do not use it, or sign it with meshwasm publish --sign-key`,
    );
  }
  const attestations = (["sbom", "provenance"] as const).filter((kind) => count(kind) > 0);
  for (const wanted of options.require ?? []) {
    if (!attestations.includes(wanted)) {
      throw new VerificationFailed(
        `${name} is signed, but has no ${wanted} that ${who(trust)} signed${found}; publish it with meshwasm publish --sign-key`,
      );
    }
  }
  return { digest, reference: { ...target, digest }, signatures, attestations };
}

function who(trust: Trust): string {
  return "key" in trust ? `the key ${keyHint(trust.key)}` : `${trust.identity} (${trust.issuer})`;
}

/** Bytes of the Sigstore bundles that refer to the image. */
async function findBundles(client: RegistryClient, place: Reference, digest: string): Promise<Uint8Array[]> {
  const all = await client.listReferrers(place, digest);
  const candidates = all.filter((d) => !d.artifactType || BUNDLE_TYPE.test(d.artifactType)).slice(0, MAX_BUNDLES);
  const bundles: Uint8Array[] = [];
  for (const candidate of candidates) {
    const bundle = await fetchBundle(client, place, candidate.digest);
    if (bundle) bundles.push(bundle);
  }
  return bundles;
}

/**
 * Null for a referrer that is not there or is no bundle: whoever may push can add one, and it must not hide the good ones. What
 * the registry fails to answer is another matter.
 */
async function fetchBundle(client: RegistryClient, place: Reference, digest: string): Promise<Uint8Array | null> {
  try {
    const fetched = await client.getManifest({ ...place, digest });
    const layer = layerOf(fetched.bytes, fetched.mediaType, place);
    return layer ? await client.getBlob(place, layer, MAX_BUNDLE_BYTES) : null;
  } catch (error) {
    if (error instanceof OciError && error.status === 404) return null;
    throw error;
  }
}

function layerOf(bytes: Uint8Array, mediaType: string, place: Reference): Descriptor | undefined {
  try {
    return parseManifest(bytes, mediaType, formatReference(place)).layers.find((l) => BUNDLE_TYPE.test(l.mediaType));
  } catch (error) {
    if (error instanceof OciError) return undefined;
    throw error;
  }
}

/** The statement in a bundle, after its signature was checked. Throws an Error that says what is wrong. */
export function verifyBundle(bytes: Uint8Array, trust: Trust): Statement {
  let bundle: Bundle;
  try {
    bundle = bundleFromJSON(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch {
    throw new OciError("something that is not a Sigstore bundle");
  }
  if (!isBundleWithDsseEnvelope(bundle) || bundle.content.dsseEnvelope.payloadType !== STATEMENT_MEDIA_TYPE) {
    throw new OciError("a signature of something else than an in-toto statement");
  }
  const byKey = bundle.verificationMaterial.content.$case === "publicKey";
  if ("key" in trust && !byKey) throw new OciError("a keyless signature");
  if (!("key" in trust) && byKey) throw new OciError("a signature by a key");
  try {
    if ("key" in trust) {
      // Who holds the key is trusted, so neither a log entry nor a time stamp is asked for: it works offline.
      const none = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 };
      // Entries of a log that a bundle may carry beside the key's signature are not relied on.
      const plain = { ...toSignedEntity(bundle), tlogEntries: [], timestamps: [] };
      new Verifier(keyTrust(trust.key), none).verify(plain);
    } else {
      const policy = { subjectAlternativeName: exactly(trust.identity), extensions: { issuer: trust.issuer } };
      new Verifier(trust.root).verify(toSignedEntity(bundle), policy);
    }
  } catch (cause) {
    throw new OciError(`a signature that is not by ${who(trust)}: ${printable((cause as Error).message)}`, { cause });
  }
  return parseStatement(bundle.content.dsseEnvelope.payload);
}

/** The library takes the identity for a regular expression that may match anywhere. */
function exactly(text: string): string {
  return `^${text.replace(/[\\^$.*+?()[\]{}|\/-]/g, "\\$&")}$`;
}

function keyTrust(key: KeyObject): TrustMaterial {
  const publicKey = () => ({ publicKey: key, validFor: () => true });
  return { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [], publicKey };
}
