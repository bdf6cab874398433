import type { Command } from "commander";
import { password as askPassword, isCancel } from "@clack/prompts";
import { checkLogin, eraseCredentials, registryHost, storeCredentials } from "../../toolchain/oci/index.js";
import { CliError, print } from "../output.js";
import { PLAIN_HTTP } from "../image/client.js";

interface Options {
  username: string;
  passwordStdin?: boolean;
  plainHttp?: boolean;
}

export function addLogin(program: Command): void {
  program
    .command("login")
    .description("check a login at a registry and keep it where Docker keeps its own")
    .argument("<host>", "registry.example.com, or host:port")
    .requiredOption("-u, --username <name>", "user name")
    .option("--password-stdin", "read the password from standard input; else it is asked for on the terminal")
    .option(...PLAIN_HTTP)
    .action(async (text: string, options: Options) => {
      const host = registryHost(text);
      // Basic credentials are name:password (RFC 7617).
      if (options.username.includes(":")) throw new CliError("a user name has no colon; give the password apart", 2);
      const password = options.passwordStdin ? await readStdin() : await ask(host);
      const credentials = { username: options.username, password };
      await checkLogin(host, credentials, { plainHttp: options.plainHttp ?? false });
      const place = await storeCredentials(host, credentials);
      print(
        "helper" in place
          ? `logged in at ${host}; docker-credential-${place.helper} keeps the login`
          : `logged in at ${host}; the login is in ${place.file}, readable: use a credential helper (credsStore) to encrypt it`,
      );
    });
}

export function addLogout(program: Command): void {
  program
    .command("logout")
    .description("remove the login of a registry")
    .argument("<host>", "registry.example.com, or host:port")
    .action(async (text: string) => {
      const host = registryHost(text);
      print((await eraseCredentials(host)) ? `logged out of ${host}` : `there was no login at ${host}`);
    });
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    size += (chunk as Buffer).length;
    if (size > 1 << 16) throw new CliError("standard input holds more than 64 KiB; give the password alone");
    chunks.push(chunk as Buffer);
  }
  const password = Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
  if (password === "")
    throw new CliError("standard input holds no password; pipe it in, or leave out --password-stdin");
  return password;
}

async function ask(host: string): Promise<string> {
  if (!process.stdin.isTTY) throw new CliError("there is no terminal to ask for the password; add --password-stdin", 2);
  const answer = await askPassword({ message: `Password for ${host}` });
  if (isCancel(answer) || !answer) throw new CliError("no password was given");
  return answer;
}
