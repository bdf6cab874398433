import { InvalidArgumentError, type Command } from "commander";
import { createRegistryServer } from "../../registry/server/index.js";
import { print } from "../output.js";
import { untilStopped } from "../until-stopped.js";

export function addRegistry(program: Command): void {
  const registry = program.command("registry").description("the embedded OCI registry");
  registry
    .command("serve")
    .description("serve an OCI registry from a folder, until Ctrl-C")
    .option("--host <host>", "address to listen on", "127.0.0.1")
    .option("--port <port>", "port to listen on; 0 takes a free one", port, 5000)
    .option("--root <dir>", "where images are kept", ".meshwasm/registry")
    .action(async (options: { host: string; port: number; root: string }) => {
      const server = await createRegistryServer(options);
      print(`registry on ${server.url}, images in ${options.root}; push to ${new URL(server.url).host}/<name>:<tag>`);
      await untilStopped();
      await server.close();
    });
}

export function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65535) throw new InvalidArgumentError("give a number from 0 to 65535");
  return value;
}
