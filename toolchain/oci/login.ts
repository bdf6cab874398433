import type { Credentials } from "./credentials.js";
import { OciError } from "./errors.js";
import { parseReference } from "./reference.js";
import { explainAnswer, Transport, type ClientOptions } from "./transport.js";

/** A registry's host with its port, from what a person writes (`https://host/` too). */
export function registryHost(text: string): string {
  const bare = text.replace(/^(https?|oci):\/\//i, "").replace(/\/+$/, "");
  try {
    return parseReference(`${bare}/x`).host;
  } catch {
    throw new OciError(`"${text}" is not a registry; write it like registry.example.com or 127.0.0.1:5000`);
  }
}

/** Throws OciError unless the registry takes the login; one that asks for none takes any. */
export async function checkLogin(host: string, login: Credentials, options: ClientOptions = {}): Promise<void> {
  const transport = new Transport({ ...options, credentials: async () => login });
  const ref = { host, repository: "" };
  const doing = `log in at ${host}`;
  const url = new URL(`${transport.origin(ref)}/v2/`);
  const answer = await transport.send(ref, doing, { method: "GET", url, access: "pull" });
  if (answer.status === 401 || answer.status === 403) {
    throw new OciError(`${host} refuses the login of ${login.username} (${answer.status}); check name and password`, {
      status: answer.status,
    });
  }
  if (answer.status !== 200) throw explainAnswer(answer, ref, doing);
}
