export { attach, BUNDLE_MEDIA_TYPE, bundleAttachment, type Attachment } from "./attach.js";
export { keyHint, loadPrivateKey, loadPublicKey } from "./keys.js";
export { buildProvenance, ciRun, type ProvenanceInput } from "./provenance.js";
export { buildSbom, SBOM_MEDIA_TYPE, type Component, type SbomInput } from "./sbom.js";
export { keyIdentity, keylessIdentity, signStatement, type SigningIdentity } from "./sign.js";
export {
  ATTESTATIONS,
  PREDICATE,
  STATEMENT_MEDIA_TYPE,
  statementAbout,
  type Attestation,
  type Statement,
} from "./statement.js";
export { trustedRoot } from "./trusted-root.js";
export { VerificationFailed, verifyBundle, verifyImage, type Trust, type Verified } from "./verify.js";
