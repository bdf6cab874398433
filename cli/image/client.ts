import { RegistryClient } from "../../toolchain/oci/index.js";

/** What every command that talks to a registry takes. */
export interface RegistryOptions {
  readonly plainHttp?: boolean;
}

export const PLAIN_HTTP = ["--plain-http", "no TLS; automatic for loopback only"] as const;

export function registryClient(options: RegistryOptions): RegistryClient {
  return new RegistryClient({ plainHttp: options.plainHttp ?? false });
}
