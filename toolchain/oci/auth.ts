import type { Credentials } from "./credentials.js";
import { OciError, printable } from "./errors.js";
import { requestFollowing, TooLargeError } from "./http.js";
import { isRecord } from "./read.js";

/** What a 401 asks for. */
export interface Challenge {
  readonly scheme: "basic" | "bearer";
  readonly params: Readonly<Record<string, string>>;
}

/** The first Bearer, else the first Basic challenge of a WWW-Authenticate header. */
export function parseChallenge(header: string | null): Challenge | null {
  const found: Challenge[] = [];
  let params: Record<string, string> = {};
  // Each match is `name="value"`, `name=value`, or a scheme.
  const token = /([A-Za-z0-9._~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+)))?/g;
  for (const [, name, quoted, plain] of (header ?? "").slice(0, 8192).matchAll(token)) {
    const value = quoted?.replace(/\\(.)/g, "$1") ?? plain;
    if (value !== undefined) params[name!.toLowerCase()] ??= value;
    else {
      params = {};
      const scheme = name!.toLowerCase();
      if (scheme === "basic" || scheme === "bearer") found.push({ scheme, params });
    }
  }
  return found.find((c) => c.scheme === "bearer") ?? found[0] ?? null;
}

function basic(credentials: Credentials): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
}

/** The Authorization value that answers a challenge; null when there are no credentials for it. */
export async function authorize(
  challenge: Challenge,
  scope: string,
  registry: URL,
  credentials: Credentials | null,
  timeoutMs: number,
): Promise<string | null> {
  if (challenge.scheme === "basic") return credentials?.username ? basic(credentials) : null;
  const realm = challenge.params["realm"] ?? "";
  const token = URL.canParse(realm) ? new URL(realm) : null;
  // Credentials must not leave over plain HTTP because a registry that is reached by TLS says so.
  if (!token || !(token.protocol === "https:" || (token.protocol === "http:" && registry.protocol === "http:"))) {
    throw new OciError(
      `${registry.host} names a wrong token endpoint "${printable(realm)}"; its realm must be an https URL`,
    );
  }
  token.username = "";
  token.password = "";
  return `Bearer ${await fetchToken(token, challenge.params["service"], scope, credentials, timeoutMs)}`;
}

async function fetchToken(
  realm: URL,
  service: string | undefined,
  scope: string,
  credentials: Credentials | null,
  timeoutMs: number,
): Promise<string> {
  const fields: Record<string, string> = { ...(scope ? { scope } : {}), ...(service === undefined ? {} : { service }) };
  const limits = { maxBytes: 1 << 20, timeoutMs };
  const url = new URL(realm);
  let answer;
  try {
    if (credentials?.identityToken) {
      const body = new URLSearchParams({
        ...fields,
        grant_type: "refresh_token",
        refresh_token: credentials.identityToken,
        client_id: "meshwasm",
      }).toString();
      // A redirected POST would hand the refresh token on; only the realm itself gets it.
      answer = await requestFollowing({ ...limits, method: "POST", url, body }, (to) => {
        if (to.href !== url.href) throw new OciError(`the token endpoint ${url.host} redirects; it must answer itself`);
        return { "content-type": "application/x-www-form-urlencoded" };
      });
    } else {
      for (const [key, value] of Object.entries(fields)) url.searchParams.set(key, value);
      answer = await requestFollowing({ ...limits, method: "GET", url }, (to): Record<string, string> =>
        credentials?.username && to.origin === url.origin ? { authorization: basic(credentials) } : {},
      );
    }
  } catch (error) {
    if (error instanceof TooLargeError) throw new OciError(`the token endpoint ${url.host} sent more than 1 MiB`);
    throw error;
  }
  if (answer.status === 401 || answer.status === 403) {
    throw new OciError(`the token endpoint ${url.host} refuses the login (${answer.status})`, { status: 401 });
  }
  const token = answer.status === 200 ? tokenIn(answer.body) : null;
  if (token === null)
    throw new OciError(`the token endpoint ${url.host} gave no token (HTTP ${answer.status}); try again`);
  return token;
}

function tokenIn(body: Uint8Array): string | null {
  try {
    const json: unknown = JSON.parse(Buffer.from(body).toString());
    const token = isRecord(json) ? (json["token"] ?? json["access_token"]) : null;
    // Anything else could not be a header value.
    return typeof token === "string" && /^[\x21-\x7e]+$/.test(token) ? token : null;
  } catch {
    return null;
  }
}
