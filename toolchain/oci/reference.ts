import { isDigest } from "./digest.js";
import { OciError } from "./errors.js";

/** Where an image is: `host[:port]/repository[:tag][@digest]`. */
export interface Reference {
  /** Host with its port when there is one, IPv6 in brackets: `registry.example.com`, `[::1]:5000`. */
  readonly host: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** References name Docker Hub so; its API and its logins are elsewhere. */
export const DOCKER_HUB = "docker.io";
const DOCKER_HUB_REGISTRY = "registry-1.docker.io";
const EXAMPLE = "registry.example.com/team/filter:1.0.0";
const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
const HOST = new RegExp(`^(?:\\[([0-9A-Fa-f:.]+)\\]|${LABEL}(?:\\.${LABEL})*)(?::([0-9]{1,5}))?$`);
// The specification advises 255 for host and name together; the longest name alone must obey it.
const MAX_REPOSITORY = 255;

export function isRepository(text: string): boolean {
  return text.length <= MAX_REPOSITORY && REPOSITORY.test(text);
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** Parses a reference; a leading `oci://` is accepted. Throws OciError with an example of a right one. */
export function parseReference(text: string): Reference {
  const fail = (why: string): never => {
    throw new OciError(`"${text}" is not an image reference: ${why}; write it like ${EXAMPLE}`);
  };
  let rest = text.startsWith("oci://") ? text.slice("oci://".length) : text;
  if (rest.length > 1024) return fail("it is longer than 1024 characters");
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(rest)) return fail("only the scheme oci:// is known");

  let digest: string | undefined;
  const at = rest.indexOf("@");
  if (at >= 0) {
    digest = rest.slice(at + 1);
    rest = rest.slice(0, at);
    if (!isDigest(digest)) return fail("the digest after @ must be sha256: and 64 lower-case hex digits");
  }

  const slash = rest.indexOf("/");
  if (slash < 0) return fail("a registry host and a repository are needed");
  const host = rest.slice(0, slash);
  let repository = rest.slice(slash + 1);
  if (!/[.:]/.test(host) && host !== "localhost") return fail(`"${host}" is not a registry host`);
  if (!isHost(host)) return fail(`"${host}" is not a valid host`);

  let tag: string | undefined;
  const colon = repository.indexOf(":");
  if (colon >= 0) {
    tag = repository.slice(colon + 1);
    repository = repository.slice(0, colon);
    if (!isTag(tag)) return fail(`"${tag}" is not a valid tag (letters, digits, "_", "." and "-", at most 128)`);
  }
  if (repository === "") return fail("the repository is missing");
  if (/[A-Z]/.test(repository)) return fail(`the repository "${repository}" must be lower case`);
  if (!isRepository(repository)) return fail(`"${repository}" is not a valid repository name`);
  return { host, repository, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

function isHost(host: string): boolean {
  const match = HOST.exec(host);
  if (!match || Number(match[2] ?? 1) > 65535 || Number(match[2] ?? 1) < 1) return false;
  return match[1] === undefined || URL.canParse(`http://[${match[1]}]/`);
}

/** The text of a reference: the inverse of `parseReference`. */
export function formatReference(ref: Reference): string {
  const tag = ref.tag === undefined ? "" : `:${ref.tag}`;
  return `${ref.host}/${ref.repository}${tag}${ref.digest === undefined ? "" : `@${ref.digest}`}`;
}

/** Chooses `latest` when the reference names neither a tag nor a digest. */
export function withDefaultTag(ref: Reference): Reference {
  return ref.tag === undefined && ref.digest === undefined ? { ...ref, tag: "latest" } : ref;
}

/** What a manifest is asked for by: the digest, else the tag, else `latest`. */
export function manifestKey(ref: Reference): string {
  return ref.digest ?? ref.tag ?? "latest";
}

/** The name or address without the port and brackets. */
export function hostName(host: string): string {
  const match = /^(?:\[([^\]]*)\]|([^:]*))/.exec(host)!;
  return match[1] ?? match[2]!;
}

/** Only a host that cannot leave this machine is trusted with plain HTTP unasked. */
export function isLoopback(host: string): boolean {
  const name = hostName(host).toLowerCase();
  if (name === "localhost") return true;
  if (/^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)) return true;
  return host.startsWith("[") && URL.canParse(`http://[${name}]/`) && new URL(`http://[${name}]/`).hostname === "[::1]";
}

/** `http://host` or `https://host`. */
export function registryOrigin(host: string, plainHttp = false): string {
  return `${plainHttp || isLoopback(host) ? "http" : "https"}://${host === DOCKER_HUB ? DOCKER_HUB_REGISTRY : host}`;
}
