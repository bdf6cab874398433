import { splitDigest } from "../digest.js";
import { OciError } from "../errors.js";
import { isRecord } from "../read.js";

/** An in-toto statement about images. */
export interface Statement {
  readonly _type: string;
  readonly subject: readonly { readonly name?: string; readonly digest: Readonly<Record<string, string>> }[];
  readonly predicateType: string;
  readonly predicate: unknown;
}

export const STATEMENT_MEDIA_TYPE = "application/vnd.in-toto+json";
export const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";

/** Predicate types by what they say of an image. */
export const PREDICATE = {
  /** "I signed this": what cosign 3 writes and looks for. */
  signature: "https://sigstore.dev/cosign/sign/v1",
  sbom: "https://cyclonedx.org/bom",
  provenance: "https://slsa.dev/provenance/v1",
} as const;

export type Attestation = "sbom" | "provenance";
export const ATTESTATIONS: readonly Attestation[] = ["sbom", "provenance"];

export function statementAbout(digest: string, predicateType: string, predicate: unknown, name?: string): Statement {
  const { algorithm, hex } = splitDigest(digest);
  const subject = [{ ...(name === undefined ? {} : { name }), digest: { [algorithm]: hex } }];
  return { _type: STATEMENT_TYPE, subject, predicateType, predicate };
}

/** Parses the payload of a DSSE envelope. */
export function parseStatement(payload: Uint8Array): Statement {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    json = null;
  }
  if (
    !isRecord(json) ||
    !/^https:\/\/in-toto\.io\/Statement\/v(0\.1|1)$/.test(String(json["_type"])) ||
    typeof json["predicateType"] !== "string" ||
    !Array.isArray(json["subject"]) ||
    !json["subject"].every((s) => isRecord(s) && isRecord(s["digest"]))
  ) {
    throw new OciError("the signed payload is not an in-toto statement");
  }
  return json as unknown as Statement;
}

/** Is the statement about the image with this digest? */
export function isAbout(statement: Statement, digest: string): boolean {
  const { algorithm, hex } = splitDigest(digest);
  return statement.subject.some((s) => Object.hasOwn(s.digest, algorithm) && s.digest[algorithm] === hex);
}

/** CycloneDX and SLSA carry their version in the type: `https://cyclonedx.org/bom/v1.6` is an SBOM too. */
export function isPredicate(type: string, wanted: keyof typeof PREDICATE): boolean {
  return type === PREDICATE[wanted] || (wanted === "sbom" && type.startsWith(`${PREDICATE.sbom}/v`));
}
