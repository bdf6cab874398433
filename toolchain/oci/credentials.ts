import { execFile } from "node:child_process";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { OciError } from "./errors.js";
import { isRecord } from "./read.js";
import { DOCKER_HUB } from "./reference.js";

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** An OAuth2 refresh token, which is exchanged at the token endpoint in place of the password. */
  readonly identityToken?: string;
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
  if (!isRecord(config))
    throw new OciError(`${file} is not a JSON object; correct it or run \`meshwasm login ${host}\``);

  const helper = lookUp(config["credHelpers"], host) ?? config["credsStore"];
  if (typeof helper === "string") {
    const credentials = await askHelper(helper, host, env);
    if (credentials) return credentials;
  }
  const entry = lookUp(config["auths"], host);
  return isRecord(entry) ? fromEntry(entry) : null;
}

/** Keys may be a bare host or a URL: `meshwasm login` has written both. */
function lookUp(table: unknown, host: string): unknown {
  if (!isRecord(table)) return undefined;
  if (Object.hasOwn(table, host)) return table[host];
  return Object.entries(table).find(([key]) => isHost(key, host))?.[1];
}

function isHost(key: string, host: string): boolean {
  const bare = key
    .replace(/^https?:\/\//i, "")
    .replace(/\/.*$/, "")
    .toLowerCase();
  // Docker keeps its own registry's login under the URL of another host of that domain.
  return bare === host.toLowerCase() || (host === DOCKER_HUB && /^(index|registry-1)\.docker\.io$/.test(bare));
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
  const output = await runHelper(name, "get", host, env);
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

/** What `docker-credential-<name> <verb>` answers; null when it fails. */
async function runHelper(
  name: string,
  verb: "get" | "store" | "erase",
  input: string,
  env: NodeJS.ProcessEnv,
): Promise<string | null> {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
    throw new OciError(`the Docker configuration names a wrong credential helper "${name}"; correct credsStore`);
  }
  return new Promise((resolve) => {
    const child = execFile(
      `docker-credential-${name}`,
      [verb],
      { env, timeout: 15_000, maxBuffer: 1 << 20 },
      (error, stdout) => resolve(error ? null : stdout),
    );
    child.stdin?.on("error", () => {}); // A helper may leave without reading.
    child.stdin?.end(input);
  });
}

function configFile(env: NodeJS.ProcessEnv): string {
  return join(env["DOCKER_CONFIG"] || join(env["HOME"] || homedir(), ".docker"), "config.json");
}

/** Null when there is no file. */
async function readConfig(file: string): Promise<Record<string, unknown> | null> {
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
  if (!isRecord(config)) throw new OciError(`${file} is not a JSON object; correct it or move it away`);
  return config;
}

function helperFor(config: Record<string, unknown>, host: string): string | null {
  const helper = lookUp(config["credHelpers"], host) ?? config["credsStore"];
  return typeof helper === "string" && helper !== "" ? helper : null;
}

/** Where a login was kept or removed, for a message: a helper's name or the file. */
export type CredentialPlace = { readonly helper: string } | { readonly file: string };

/** Keeps a login as `docker login` does: with the credential helper when one is set, else in the file. */
export async function storeCredentials(
  host: string,
  credentials: { readonly username: string; readonly password: string },
  env: NodeJS.ProcessEnv = process.env,
): Promise<CredentialPlace> {
  const file = configFile(env);
  const config = (await readConfig(file)) ?? {};
  const helper = helperFor(config, host);
  const auths = isRecord(config["auths"]) ? config["auths"] : {};
  if (helper !== null) {
    const login = JSON.stringify({ ServerURL: host, Username: credentials.username, Secret: credentials.password });
    if ((await runHelper(helper, "store", login, env)) === null) {
      throw new OciError(`docker-credential-${helper} did not keep the login; check that it is on PATH and unlocked`);
    }
    // An empty entry is how Docker lists the hosts whose login a helper keeps.
    await writeConfig(file, { ...config, auths: { ...auths, [host]: {} } });
    return { helper };
  }
  const auth = Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64");
  await writeConfig(file, { ...config, auths: { ...auths, [host]: { auth } } });
  return { file };
}

/** Removes a login everywhere that it may be; false when there was none. */
export async function eraseCredentials(host: string, env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  const file = configFile(env);
  const config = await readConfig(file);
  if (config === null) return false;
  const helper = helperFor(config, host);
  const erased =
    helper !== null && (await askHelper(helper, host, env)) !== null
      ? (await runHelper(helper, "erase", host, env)) !== null
      : false;
  const auths = isRecord(config["auths"]) ? config["auths"] : {};
  const kept = Object.fromEntries(Object.entries(auths).filter(([key]) => !isHost(key, host)));
  const listed = Object.keys(kept).length !== Object.keys(auths).length;
  if (listed) await writeConfig(file, { ...config, auths: kept });
  return erased || listed;
}

/** Written beside and renamed, for its owner only: a cut write must not lose the other logins. */
async function writeConfig(file: string, config: Record<string, unknown>): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}
