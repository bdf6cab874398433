import { isDigest, isRepository, isTag } from "../../toolchain/oci/index.js";
import { SpecError } from "./errors.js";

/** What a path of the distribution API names. Every part has passed its grammar, so it may become a file name. */
export type Route =
  | { readonly kind: "base" }
  | { readonly kind: "catalog" }
  | { readonly kind: "uploads"; readonly repository: string }
  | { readonly kind: "upload"; readonly repository: string; readonly id: string }
  | { readonly kind: "blob"; readonly repository: string; readonly digest: string }
  | {
      readonly kind: "manifest";
      readonly repository: string;
      readonly tag: string | null;
      readonly digest: string | null;
    }
  | { readonly kind: "tags"; readonly repository: string }
  | { readonly kind: "referrers"; readonly repository: string; readonly digest: string };

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Throws SpecError for a wrong name, tag or digest; null for a path that the API does not have. */
export function parseRoute(pathname: string): Route | null {
  let path: string;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    return null;
  }
  if (path === "/v2" || path === "/v2/") return { kind: "base" };
  if (path === "/v2/_catalog") return { kind: "catalog" };
  // Greedy on purpose: "blobs" may be a part of a name, so the last match counts.
  const match = /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|tags|referrers)\/([^/]*)$/s.exec(
    path.replace(/\/blobs\/uploads$/, "$&/"),
  );
  if (!match) return null;
  const [, repository, area, tail] = match as unknown as [string, string, string, string];
  if (area === "tags" && tail !== "list") return null;
  if (!isRepository(repository)) throw new SpecError("NAME_INVALID", "the repository name is not valid");

  switch (area) {
    case "blobs/uploads":
      if (tail === "") return { kind: "uploads", repository };
      if (!UUID.test(tail)) throw new SpecError("BLOB_UPLOAD_UNKNOWN", "there is no such upload; start it again");
      return { kind: "upload", repository, id: tail };
    case "blobs":
      return { kind: "blob", repository, digest: checkedDigest(tail) };
    case "referrers":
      return { kind: "referrers", repository, digest: checkedDigest(tail) };
    case "tags":
      return { kind: "tags", repository };
    default:
      if (tail.includes(":")) return { kind: "manifest", repository, tag: null, digest: checkedDigest(tail) };
      if (!isTag(tail)) throw new SpecError("MANIFEST_INVALID", "the tag is not valid");
      return { kind: "manifest", repository, tag: tail, digest: null };
  }
}

/** The digest, or SpecError. */
export function checkedDigest(text: string): string {
  if (!isDigest(text)) throw new SpecError("DIGEST_INVALID", "the digest must be sha256 or sha512 with lower-case hex");
  return text;
}
