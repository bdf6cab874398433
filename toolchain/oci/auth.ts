import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { OciError, printable } from "./errors.js";
import { requestFollowing, TooLargeError } from "./http.js";
import { isRecord } from "./read.js";

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** An OAuth2 refresh token, which is exchanged at the token endpoint in place of the password. */
  readonly identityToken?: string;
}

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

/** The credentials for `host` in the Docker configuration, or null. */
export async function dockerCredentials(
  host: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Credentials | null> {
  const file = join(env["DOCKER_CONFIG"] || join(env["HOME"] || homedir(), ".docker"), "config.json");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch {
    return null;
  }
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    config = null;
  }
  if (!isRecord(config)) throw new OciError(`${file} is not a JSON object; correct it or run \`docker login ${host}\``);

  const helper = lookUp(config["credHelpers"], host) ?? config["credsStore"];
  if (typeof helper === "string") {
    const credentials = await askHelper(helper, host, env);
    if (credentials) return credentials;
  }
  const entry = lookUp(config["auths"], host);
  return isRecord(entry) ? fromEntry(entry) : null;
}

/** Keys may be a bare host or a URL: `docker login` has written both. */
function lookUp(table: unknown, host: string): unknown {
  if (!isRecord(table)) return undefined;
  const bare = (key: string): string => key.replace(/^https?:\/\//i, "").replace(/\/.*$/, "");
  if (Object.hasOwn(table, host)) return table[host];
  return Object.entries(table).find(([key]) => bare(key).toLowerCase() === host.toLowerCase())?.[1];
}

function fromEntry(entry: Record<string, unknown>): Credentials | null {
  const text = (key: string): string => (typeof entry[key] === "string" ? entry[key] : "");
  const decoded = Buffer.from(text("auth"), "base64").toString("utf8").replace(/\0+$/, "");
  const colon = decoded.indexOf(":");
  const username = colon > 0 ? decoded.slice(0, colon) : text("username");
  const password = colon > 0 ? decoded.slice(colon + 1) : text("password");
  const identityToken = text("identitytoken");
  if (!identityToken && !username) return null;
  return { username, password, ...(identityToken ? { identityToken } : {}) };
}

/** Runs `docker-credential-<name> get`; null when it has nothing for the host. */
async function askHelper(name: string, host: string, env: NodeJS.ProcessEnv): Promise<Credentials | null> {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
    throw new OciError(`the Docker configuration names a wrong credential helper "${name}"; correct credsStore`);
  }
  const output = await new Promise<string | null>((resolve) => {
    const child = execFile(
      `docker-credential-${name}`,
      ["get"],
      { env, timeout: 15_000, maxBuffer: 1 << 20 },
      (error, stdout) => resolve(error ? null : stdout),
    );
    child.stdin?.on("error", () => {}); // A helper may leave without reading.
    child.stdin?.end(host);
  });
  try {
    const answer: unknown = JSON.parse(output ?? "null");
    if (!isRecord(answer)) return null;
    const { Username: username, Secret: secret } = answer;
    if (typeof username !== "string" || typeof secret !== "string") return null;
    // Docker's marker for "the secret is an identity token".
    if (username === "<token>") return { username: "", password: "", identityToken: secret };
    return { username, password: secret };
  } catch {
    return null;
  }
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
  const fields: Record<string, string> = { scope, ...(service === undefined ? {} : { service }) };
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
