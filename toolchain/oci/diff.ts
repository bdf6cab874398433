import type { Pulled } from "./pull.js";
import type { Descriptor } from "./layout.js";

/** One thing that two images say differently; null where one of them says nothing. */
export interface Change {
  readonly what: string;
  readonly from: string | null;
  readonly to: string | null;
}

export interface ImageDiff {
  /** The manifests are the same bytes. */
  readonly equal: boolean;
  /** The modules are the same bytes. */
  readonly sameModule: boolean;
  readonly layers: readonly Change[];
  readonly annotations: readonly Change[];
}

/** What differs between two images, apart from what is in their modules and schemas. */
export function diffImages(from: Pulled, to: Pulled): ImageDiff {
  const layers = (image: Pulled): Map<string, string> =>
    new Map(image.manifest.layers.map((layer) => [titleOf(layer), `${layer.digest} ${layer.size} bytes`]));
  const annotations = (image: Pulled): Map<string, string> => new Map(Object.entries(image.manifest.annotations ?? {}));
  return {
    equal: from.digest === to.digest,
    sameModule: Buffer.compare(from.wasm, to.wasm) === 0,
    layers: changes(layers(from), layers(to)),
    annotations: changes(annotations(from), annotations(to)),
  };
}

/** What two tables say differently, sorted by name. */
export function changes(from: ReadonlyMap<string, string>, to: ReadonlyMap<string, string>): Change[] {
  const names = [...new Set([...from.keys(), ...to.keys()])].sort();
  return names
    .map((what) => ({ what, from: from.get(what) ?? null, to: to.get(what) ?? null }))
    .filter((change) => change.from !== change.to);
}

function titleOf(layer: Descriptor): string {
  const title: unknown = layer.annotations?.["org.opencontainers.image.title"];
  return typeof title === "string" ? title : layer.mediaType;
}
