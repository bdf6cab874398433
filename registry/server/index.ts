/** The embedded OCI registry. */
export { RegistryServerError } from "./errors.js";
export { createRegistryServer, type RegistryServer, type RegistryServerOptions } from "./server.js";
