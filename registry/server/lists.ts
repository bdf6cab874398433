import { MAX_MANIFEST_BYTES, MEDIA } from "../../toolchain/oci/index.js";
import type { Call } from "./call.js";
import { SpecError } from "./errors.js";
import type { Store } from "./store.js";

const MAX_PAGE = 1000;

export async function listTags(store: Store, repository: string, call: Call): Promise<Response> {
  const tags = await store.tags(repository);
  if (tags.length === 0 && !(await store.hasRepository(repository))) {
    throw new SpecError("NAME_UNKNOWN", `there is no repository ${repository}`);
  }
  const { page, headers } = paged(tags, `/v2/${repository}/tags/list`, call);
  return json({ name: repository, tags: page }, headers);
}

export async function listRepositories(store: Store, call: Call): Promise<Response> {
  const { page, headers } = paged(await store.repositories(), "/v2/_catalog", call);
  return json({ repositories: page }, headers);
}

/** Always 200: the specification wants an empty index even for a digest that was never heard of. */
export async function listReferrers(store: Store, repository: string, digest: string, call: Call): Promise<Response> {
  const type = call.query("artifactType");
  const last = call.query("last") ?? "";
  const all = (await store.referrers(repository, digest)).filter(
    (referrer) => referrer.digest > last && (!type || referrer.artifactType === type),
  );
  // Annotations count: an index must stay as readable as any manifest.
  let size = 0;
  const fitting = all.findIndex((referrer) => (size += JSON.stringify(referrer).length * 3) > MAX_MANIFEST_BYTES);
  const page = fitting < 0 ? all : all.slice(0, Math.max(1, fitting));
  const query = new URLSearchParams({ ...(type ? { artifactType: type } : {}), last: page.at(-1)?.digest ?? "" });
  return json(
    { schemaVersion: 2, mediaType: MEDIA.index, manifests: page },
    {
      "content-type": MEDIA.index,
      ...(type ? { "oci-filters-applied": "artifactType" } : {}),
      ...(page.length < all.length ? { link: `</v2/${repository}/referrers/${digest}?${query}>; rel="next"` } : {}),
    },
  );
}

/** The part of a sorted list that `n` and `last` ask for, with the Link to the next one. */
function paged(items: string[], path: string, call: Call): { page: string[]; headers: Record<string, string> } {
  const n = call.query("n");
  if (n !== null && !/^\d{1,9}$/.test(n)) throw new SpecError("UNSUPPORTED", "n must be a number");
  const last = call.query("last");
  const rest = last === null ? items : items.filter((item) => item > last);
  const size = n === null ? (last === null ? rest.length : MAX_PAGE) : Math.min(Number(n), MAX_PAGE);
  const page = rest.slice(0, size);
  if (page.length === 0 || page.length === rest.length) return { page, headers: {} };
  const query = new URLSearchParams({ n: String(size), last: page.at(-1)! });
  return { page, headers: { link: `<${path}?${query}>; rel="next"` } };
}

function json(value: unknown, headers: Record<string, string>): Response {
  return new Response(JSON.stringify(value), { headers: { "content-type": "application/json", ...headers } });
}
