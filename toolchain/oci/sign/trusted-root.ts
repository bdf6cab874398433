import { readFile } from "node:fs/promises";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { getTrustedRoot } from "@sigstore/tuf";
import { toTrustMaterial, type TrustMaterial } from "@sigstore/verify";
import { OciError, printable } from "../errors.js";

/** The authorities of a Sigstore instance: a trusted_root.json, else the public instance's by its update framework. */
export async function trustedRoot(file?: string): Promise<TrustMaterial> {
  try {
    if (file === undefined) return toTrustMaterial(await getTrustedRoot());
    return toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(await readFile(file, "utf8"))));
  } catch (cause) {
    throw new OciError(
      file === undefined
        ? `Sigstore's authorities cannot be fetched: ${printable((cause as Error).message)}; connect to the network, or give --trusted-root FILE`
        : `${file} is not a Sigstore trusted root: ${printable((cause as Error).message)}; give a trusted_root.json`,
      { cause },
    );
  }
}
