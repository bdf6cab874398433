export * from "@solo-io/proxy-runtime/proxy";
import {
  Context,
  FilterHeadersStatusValues,
  registerRootContext,
  RootContext,
  stream_context,
} from "@solo-io/proxy-runtime";

class BRoot extends RootContext {
  createContext(context_id: u32): Context {
    return new B(context_id, this);
  }

  // What 0.1.8 does here traps without a configuration: it lets the host write to address 0.
  onConfigure(configuration_size: u32): bool {
    return true;
  }
}

class B extends Context {
  constructor(context_id: u32, root_context: BRoot) {
    super(context_id, root_context);
  }

  onRequestHeaders(a: u32, end_of_stream: bool): FilterHeadersStatusValues {
    const headers = stream_context.headers.request;
    const method = headers.get(":method");
    const path = headers.get(":path");
    const agent = headers.get("user-agent");
    const language = headers.get("accept-language");
    const tenant = headers.get("x-tenant");
    const id = headers.get("x-request-id");
    if (method != "" && path != "" && agent != "" && language != "" && tenant != "" && id != "") {
      headers.replace("x-bench-path", path);
      headers.replace("x-bench-tenant", tenant);
      headers.replace("x-bench-id", id);
    }
    return FilterHeadersStatusValues.Continue;
  }
}

registerRootContext((context_id: u32) => {
  return new BRoot(context_id);
}, "bench");
