import type { RootContext } from "./contexts.js";
import type { HeaderMap } from "./headermap.js";
import type { HostCall } from "./vm.js";

export class GrpcClient {
  initialMetadata: HeaderMap | null = null;
  trailingMetadata: HeaderMap | null = null;
  message: string | null = null;
  constructor(readonly root: RootContext) {}
  close(): void {}
}
export const GRPC_CALLS: Readonly<Record<string, HostCall>> = {};
