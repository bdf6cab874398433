import { authorize, parseChallenge } from "./auth.js";
import { dockerCredentials, type Credentials } from "./credentials.js";
import { OciError, printable } from "./errors.js";
import {
  ConnectionError,
  explainConnection,
  request,
  requestFollowing,
  TooLargeError,
  withRetries,
  type HttpAnswer,
} from "./http.js";
import { registryOrigin, type Reference } from "./reference.js";

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

export interface Call {
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

/** Calls to registries: login, retries, and failures as sentences. */
export class Transport {
  readonly #options: ClientOptions;
  readonly #timeoutMs: number;
  readonly retryDelayMs: number;
  readonly #authorizations = new Map<string, string>();

  constructor(options: ClientOptions = {}) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.retryDelayMs = options.retryDelayMs ?? 250;
  }

  /** `http://host` or `https://host`, as this client speaks to it. */
  origin(ref: Reference): string {
    return registryOrigin(ref.host, this.#options.plainHttp);
  }

  url(ref: Reference, kind: string, tail: string): URL {
    return new URL(`${this.origin(ref)}/v2/${ref.repository}/${kind}/${tail}`);
  }

  /** A retried, authorized call whose connection failures are explained. */
  send(ref: Reference, doing: string, call: Call): Promise<HttpAnswer> {
    return this.explained(doing, () => withRetries(() => this.withLogin(ref, call), this.retryDelayMs));
  }

  async explained<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ConnectionError) throw explainConnection(error, doing);
      if (error instanceof TooLargeError) throw new OciError(`cannot ${doing}: ${error.message}; it is not read`);
      throw error;
    }
  }

  /** Sends the call; on a 401 logs in as the challenge says and sends it once more. */
  async withLogin(ref: Reference, call: Call): Promise<HttpAnswer> {
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
    const scope = challenge.params["scope"] ?? (ref.repository && `repository:${ref.repository}:${actions}`);
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

/** The one line for an answer that is not the hoped-for one. */
export function explainAnswer(answer: HttpAnswer, ref: Reference, doing: string): OciError {
  const said = registryMessage(answer);
  const say = (text: string): OciError => new OciError(`cannot ${doing}: ${text}`, { status: answer.status });
  switch (answer.status) {
    case 401:
      return say(`${ref.host} wants a login or refuses yours (401); run \`meshwasm login ${ref.host}\``);
    case 403:
      return say(
        `your login at ${ref.host} may not do this (403${said}); ask for rights to ${ref.repository}, or \`meshwasm login ${ref.host}\` as another user`,
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
