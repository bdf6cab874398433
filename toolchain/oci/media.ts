/** Media types that more than one file needs. */
export const MEDIA = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  wasm: "application/wasm",
  schema: "application/schema+json",
  markdown: "text/markdown",
  buildManifest: "application/vnd.meshwasm.manifest.v1+json",
  wasmeContent: "application/vnd.module.wasm.content.layer.v1+wasm",
} as const;

export const IMAGE_TYPES: readonly string[] = [MEDIA.manifest, MEDIA.dockerManifest];
export const INDEX_TYPES: readonly string[] = [MEDIA.index, MEDIA.dockerList];

/** A media type without parameters, lower case: `Text/Markdown; charset=utf-8` -> `text/markdown`. */
export function bareMediaType(value: string | null | undefined): string {
  return (value ?? "").split(";", 1)[0]!.trim().toLowerCase();
}
