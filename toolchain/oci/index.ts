/** OCI images of filters: references, layout, registry client. */
export { authorize, parseChallenge, type Challenge } from "./auth.js";
export { gzip } from "./archive.js";
export { copyImage, type CopyOptions, type CopyResult } from "./copy.js";
export { dockerCredentials, eraseCredentials, storeCredentials, type Credentials } from "./credentials.js";
export { RegistryClient, type FetchedManifest, type ReferrerDescriptor } from "./client.js";
export type { Access, ClientOptions } from "./transport.js";
export { DEFAULT_CHUNK_BYTES, type UploadOptions, type UploadResult } from "./upload.js";
export { commitOf, createdTime } from "./created.js";
export { canonicalJson, isDigest, matchesDigest, sha256Digest, splitDigest } from "./digest.js";
export { OciError, printable } from "./errors.js";
export {
  buildImage,
  checkModule,
  MAX_MANIFEST_BYTES,
  MAX_MODULE_BYTES,
  type Blob,
  type Descriptor,
  type Image,
  type ImageInput,
  type ImageManifest,
} from "./layout.js";
export { bareMediaType, IMAGE_TYPES, INDEX_TYPES, MEDIA } from "./media.js";
export { publish, type Published, type PublishOptions, type PublishProgress } from "./publish.js";
export { pull, type Pulled } from "./pull.js";
export { parseManifest, readImage, type FetchBlob, type ImageContent } from "./read.js";
export {
  formatReference,
  hostName,
  isLoopback,
  isRepository,
  isTag,
  manifestKey,
  parseReference,
  registryOrigin,
  withDefaultTag,
  type Reference,
} from "./reference.js";
export { checkLogin, registryHost } from "./login.js";
export { changes, diffImages, type Change, type ImageDiff } from "./diff.js";
