import { Status } from "./abi.js";
import { parsePairs } from "./headermap.js";
import type { HostCall } from "./vm.js";

/** The way of a stream: on, away, or answered by the filter. */
export const STREAM_CALLS: Readonly<Record<string, HostCall>> = {
  proxy_continue_stream(vm, type = 0) {
    return type > 3 ? Status.BadArgument : vm.context.continueStream(type);
  },

  proxy_close_stream(vm, type = 0) {
    if (type > 3) return Status.BadArgument;
    vm.context.closeStream(type);
    return Status.Ok;
  },

  proxy_send_local_response(vm, code = 0, d = 0, dLen = 0, b = 0, bLen = 0, h = 0, hLen = 0, grpc = 0) {
    const details = vm.read(d, dLen);
    const body = vm.read(b, bLen);
    const headers = vm.read(h, hLen);
    if (details === null || body === null || headers === null) return Status.InvalidMemoryAccess;
    vm.context.sendLocalReply({
      code,
      body,
      headers: parsePairs(headers),
      grpcStatus: grpc <= 16 ? grpc : null,
      details: details.replace(/\s/g, "_"),
    });
    vm.stopIteration();
    return Status.Ok;
  },
};
