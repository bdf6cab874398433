import { authorize, dockerCredentials, parseChallenge, type Credentials } from "./auth.js";
import { isDigest, matchesDigest, sha256Digest } from "./digest.js";
import { OciError, printable } from "./errors.js";
import {
  ConnectionError,
  explainConnection,
  request,
  requestFollowing,
  resolveLocation,
  TooLargeError,
  withRetries,
  type HttpAnswer,
} from "./http.js";
import { MAX_MANIFEST_BYTES, type Blob, type Descriptor } from "./layout.js";
import { bareMediaType, IMAGE_TYPES, INDEX_TYPES } from "./media.js";
import { isRecord } from "./read.js";
import { formatReference, manifestKey, registryOrigin, type Reference } from "./reference.js";

export interface ClientOptions {
  /** Speak HTTP without TLS to hosts other than loopback. */
  readonly plainHttp?: boolean;
  /** Where DOCKER_CONFIG, HOME and PATH are read; default process.env. */
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds to wait for an answer to begin; bodies add to it by their size. Default 30 s. */
  readonly timeoutMs?: number;
  /** Milliseconds before the first retry. Default 250. */
  readonly retryDelayMs?: number;
  /** Replaces the look-up in the Docker configuration. */
  readonly credentials?: (host: string) => Promise<Credentials | null>;
}

/** A login that may only read, or also write. */
export type Access = "pull" | "push";

export interface FetchedManifest {
  readonly bytes: Uint8Array;
  readonly digest: string;
  readonly mediaType: string;
}

interface Call {
  readonly method: string;
  readonly url: URL;
  readonly access: Access;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly maxBytes?: number;
  /** Follow redirects, as registries send them for blobs that lie in object storage. */
  readonly follow?: boolean;
}

const SMALL_ANSWER = 1 << 20;
const MAX_PAGES = 100;

/** The calls of the OCI distribution specification that a publisher and a reader need. */
export class RegistryClient {
  readonly #options: ClientOptions;
  readonly #timeoutMs: number;
  readonly #retryDelayMs: number;
  readonly #authorizations = new Map<string, string>();

  constructor(options: ClientOptions = {}) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#retryDelayMs = options.retryDelayMs ?? 250;
  }

  /** `http://host` or `https://host`, as this client speaks to it. */
  origin(ref: Reference): string {
    return registryOrigin(ref.host, this.#options.plainHttp);
  }

  /** The digest behind the reference, or null when it does not exist. */
  async resolve(ref: Reference, access: Access = "pull"): Promise<string | null> {
    const doing = `look up ${formatReference(ref)}`;
    const call = { method: "HEAD", url: this.#url(ref, "manifests", manifestKey(ref)), access, headers: ACCEPT };
    const answer = await this.#send(ref, doing, call);
    if (answer.status === 404) return null;
    const digest = answer.headers.get("docker-content-digest");
    if (answer.status === 200 && digest && isDigest(digest)) return digest;
    if (answer.status === 200 || answer.status === 405) return (await this.getManifest(ref, access)).digest;
    throw explainAnswer(answer, ref, doing);
  }

  /** The manifest, checked against the digest in the reference and the one that the registry claims. */
  async getManifest(ref: Reference, access: Access = "pull"): Promise<FetchedManifest> {
    const name = formatReference(ref);
    const doing = `read ${name}`;
    const call = { method: "GET", url: this.#url(ref, "manifests", manifestKey(ref)), access, headers: ACCEPT };
    const answer = await this.#send(ref, doing, { ...call, maxBytes: MAX_MANIFEST_BYTES, follow: true });
    if (answer.status !== 200) throw explainAnswer(answer, ref, doing);
    const claimed = answer.headers.get("docker-content-digest");
    for (const wanted of [ref.digest, claimed]) {
      if (wanted && !(isDigest(wanted) && matchesDigest(answer.body, wanted))) {
        throw mismatch(`the manifest of ${name}`, wanted, answer.body);
      }
    }
    const mediaType = bareMediaType(answer.headers.get("content-type"));
    return { bytes: answer.body, digest: ref.digest ?? sha256Digest(answer.body), mediaType };
  }

  /** Stores the manifest under the tag of the reference, or under its digest when it has no tag. */
  async putManifest(ref: Reference, bytes: Uint8Array, mediaType: string): Promise<string> {
    const digest = sha256Digest(bytes);
    const doing = `publish ${formatReference(ref)}`;
    const url = this.#url(ref, "manifests", ref.tag ?? digest);
    const headers = { "content-type": mediaType };
    const answer = await this.#send(ref, doing, { method: "PUT", url, access: "push", headers, body: bytes });
    if (answer.status === 405 || answer.status === 415) {
      throw new OciError(
        `${ref.host} refuses the media type ${mediaType} (HTTP ${answer.status}); use a registry that takes OCI image manifests`,
        { status: answer.status },
      );
    }
    if (answer.status !== 201) throw explainAnswer(answer, ref, doing);
    const stored = answer.headers.get("docker-content-digest");
    if (stored && stored !== digest)
      throw new OciError(`${ref.host} stored ${printable(stored)} where ${digest} was sent`);
    return digest;
  }

  async hasBlob(ref: Reference, digest: string, access: Access = "pull"): Promise<boolean> {
    const doing = `look up a blob in ${ref.host}/${ref.repository}`;
    const answer = await this.#send(ref, doing, { method: "HEAD", url: this.#url(ref, "blobs", digest), access });
    // A redirect leads to the storage, so the registry has it; its signed URL is often good for GET only.
    if (answer.status === 200 || (answer.status >= 300 && answer.status < 400)) return true;
    if (answer.status === 404 || answer.status === 405) return false;
    throw explainAnswer(answer, ref, doing);
  }

  /** The blob's bytes, at most `maxBytes`, checked against its size and digest. */
  async getBlob(ref: Reference, blob: Descriptor, maxBytes: number): Promise<Uint8Array> {
    const what = `the blob ${blob.digest} of ${ref.host}/${ref.repository}`;
    if (blob.size > maxBytes) {
      throw new OciError(`${what} has ${blob.size} bytes, more than the ${maxBytes} that are accepted; it is not read`);
    }
    const url = this.#url(ref, "blobs", blob.digest);
    const call = { method: "GET", url, access: "pull", maxBytes: blob.size, follow: true } as const;
    const answer = await this.#send(ref, `read ${what}`, call);
    if (answer.status !== 200) throw explainAnswer(answer, ref, `read ${what}`);
    if (answer.body.length !== blob.size || !matchesDigest(answer.body, blob.digest)) {
      throw mismatch(what, blob.digest, answer.body);
    }
    return answer.body;
  }

  /** Uploads the blob in one piece; a cut or failed upload is started anew. */
  async putBlob(ref: Reference, blob: Blob): Promise<void> {
    const doing = `upload ${blob.digest} to ${ref.host}/${ref.repository}`;
    const answer = await this.#explained(doing, () =>
      withRetries(async () => {
        const url = this.#url(ref, "blobs", "uploads/");
        const begun = await this.#withLogin(ref, { method: "POST", url, access: "push", body: new Uint8Array() });
        if (begun.status !== 202) return begun;
        const session = resolveLocation(begun.headers.get("location"), url);
        session.search += `${session.search ? "&" : "?"}digest=${encodeURIComponent(blob.digest)}`;
        const headers = { "content-type": "application/octet-stream" };
        const put = { method: "PUT", url: session, access: "push", headers, body: blob.bytes } as const;
        const done = await this.#withLogin(ref, put);
        // The session went with a restart of the registry, or lies on another of its replicas.
        if (done.status === 404) throw new ConnectionError("UPLOAD_LOST", session, "the upload session is gone");
        return done;
      }, this.#retryDelayMs),
    );
    if (answer.status !== 201 && answer.status !== 204) throw explainAnswer(answer, ref, doing);
  }

  /** All tags of the repository, in the registry's order. */
  async listTags(ref: Reference): Promise<string[]> {
    const pages = await this.#pages(ref, "list the tags", this.#url(ref, "tags", "list"));
    return pages
      .flatMap((page) => (Array.isArray(page["tags"]) ? page["tags"] : []))
      .filter((t) => typeof t === "string");
  }

  /** Descriptors of what refers to `digest` (signatures, SBOMs); from the fallback tag where there is no API. */
  async listReferrers(ref: Reference, digest: string, artifactType?: string): Promise<ReferrerDescriptor[]> {
    const url = this.#url(ref, "referrers", digest);
    if (artifactType !== undefined) url.searchParams.set("artifactType", artifactType);
    let pages: Record<string, unknown>[];
    try {
      pages = await this.#pages(ref, "list the referrers", url);
    } catch (error) {
      if (!(error instanceof OciError && error.status === 404)) throw error;
      pages = await this.#fallbackReferrers(ref, digest);
    }
    const all = pages.flatMap((page) => (Array.isArray(page["manifests"]) ? page["manifests"] : []));
    return all
      .filter((d): d is ReferrerDescriptor => isRecord(d) && typeof d["digest"] === "string" && isDigest(d["digest"]))
      .filter((d) => artifactType === undefined || d.artifactType === artifactType);
  }

  async #fallbackReferrers(ref: Reference, digest: string): Promise<Record<string, unknown>[]> {
    const tag = digest.replace(":", "-").slice(0, 128);
    const fallback = { host: ref.host, repository: ref.repository, tag };
    if ((await this.resolve(fallback)) === null) return [];
    return [jsonObject((await this.getManifest(fallback)).bytes, formatReference(fallback))];
  }

  async #pages(ref: Reference, what: string, first: URL): Promise<Record<string, unknown>[]> {
    const doing = `${what} of ${ref.host}/${ref.repository}`;
    const pages: Record<string, unknown>[] = [];
    for (let url: URL | null = first; url && pages.length < MAX_PAGES;) {
      const call: Call = { method: "GET", url, access: "pull", maxBytes: MAX_MANIFEST_BYTES, follow: true };
      const answer: HttpAnswer = await this.#send(ref, doing, call);
      if (answer.status !== 200) throw explainAnswer(answer, ref, doing);
      pages.push(jsonObject(answer.body, doing));
      const next = /<([^>]+)>\s*;[^,]*rel="?next"?/i.exec(answer.headers.get("link") ?? "");
      url = next ? resolveLocation(next[1]!, url) : null;
    }
    return pages;
  }

  #url(ref: Reference, kind: string, tail: string): URL {
    return new URL(`${this.origin(ref)}/v2/${ref.repository}/${kind}/${tail}`);
  }

  /** A retried, authorized call whose connection failures are explained. */
  #send(ref: Reference, doing: string, call: Call): Promise<HttpAnswer> {
    return this.#explained(doing, () => withRetries(() => this.#withLogin(ref, call), this.#retryDelayMs));
  }

  async #explained(doing: string, work: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ConnectionError) throw explainConnection(error, doing);
      if (error instanceof TooLargeError) throw new OciError(`cannot ${doing}: ${error.message}; it is not read`);
      throw error;
    }
  }

  /** Sends the call; on a 401 logs in as the challenge says and sends it once more. */
  async #withLogin(ref: Reference, call: Call): Promise<HttpAnswer> {
    const registry = new URL(this.origin(ref));
    const key = `${registry.origin} ${ref.repository} ${call.access}`;
    const send = (): Promise<HttpAnswer> => {
      const headersFor = (url: URL): Record<string, string> => {
        const authorization = url.origin === registry.origin ? this.#authorizations.get(key) : undefined;
        return { ...call.headers, ...(authorization ? { authorization } : {}) };
      };
      const input = { ...call, maxBytes: call.maxBytes ?? SMALL_ANSWER, timeoutMs: this.#timeoutMs };
      return call.follow ? requestFollowing(input, headersFor) : request({ ...input, headers: headersFor(call.url) });
    };

    const answer = await send();
    // A 401 from elsewhere (object storage behind a redirect) must not see the login.
    if (answer.status !== 401 || answer.url.origin !== registry.origin) return answer;
    const challenge = parseChallenge(answer.headers.get("www-authenticate"));
    if (!challenge) return answer;
    const look = this.#options.credentials ?? ((host: string) => dockerCredentials(host, this.#options.env));
    const credentials = await look(ref.host);
    const actions = call.access === "push" ? "pull,push" : "pull";
    const scope = challenge.params["scope"] ?? `repository:${ref.repository}:${actions}`;
    let header: string | null;
    try {
      header = await authorize(challenge, scope, registry, credentials, this.#timeoutMs);
    } catch (error) {
      if (error instanceof OciError && error.status === 401) return answer;
      throw error;
    }
    if (header === null) return answer;
    this.#authorizations.set(key, header);
    const second = await send();
    if (second.status === 401) this.#authorizations.delete(key);
    return second;
  }
}

export interface ReferrerDescriptor extends Descriptor {
  readonly artifactType?: string;
}

const ACCEPT = { accept: [...IMAGE_TYPES, ...INDEX_TYPES].join(", ") };

function jsonObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (isRecord(json)) return json;
  } catch {
    // Said below, for other JSON too.
  }
  throw new OciError(`cannot ${what}: the answer is not a JSON object; check that the host is an OCI registry`);
}

function mismatch(what: string, wanted: string, bytes: Uint8Array): OciError {
  return new OciError(
    `${what} does not match its digest: wanted ${printable(wanted)}, got ${sha256Digest(bytes)} (${bytes.length} bytes); do not use it, the registry or the path to it is damaged`,
  );
}

/** The one line for an answer that is not the hoped-for one. */
function explainAnswer(answer: HttpAnswer, ref: Reference, doing: string): OciError {
  const said = registryMessage(answer);
  const say = (text: string): OciError => new OciError(`cannot ${doing}: ${text}`, { status: answer.status });
  switch (answer.status) {
    case 401:
      return say(`${ref.host} wants a login or refuses yours (401); run \`docker login ${ref.host}\``);
    case 403:
      return say(
        `your login at ${ref.host} may not do this (403${said}); ask for rights to ${ref.repository}, or \`docker login ${ref.host}\` as another user`,
      );
    case 404:
      return say(`${ref.host} has no such repository or tag (404); check the name, or publish it first`);
    case 413:
      return say(`it is too large for ${ref.host} (413); raise the limit of the registry or of the proxy before it`);
    case 429:
      return say(`${ref.host} limits the rate of requests (429); wait a minute and try again`);
    default:
      if (answer.status >= 500)
        return say(`${ref.host} failed (HTTP ${answer.status}${said}); see its log or try again`);
      return say(`${ref.host} answered HTTP ${answer.status}${said}; check that it is an OCI registry`);
  }
}

/** What the registry says in the error format of the specification, for the middle of a sentence. */
function registryMessage(answer: HttpAnswer): string {
  try {
    const json = JSON.parse(Buffer.from(answer.body).toString()) as {
      errors?: { code?: unknown; message?: unknown }[];
    };
    const first = json.errors?.[0];
    const parts = [first?.code, first?.message].filter((part) => typeof part === "string" && part !== "");
    return parts.length ? `: ${printable(parts.join(": "))}` : "";
  } catch {
    return "";
  }
}
