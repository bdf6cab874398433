export * from "@solo-io/proxy-runtime/proxy";
import {
  Context,
  FilterHeadersStatusValues,
  registerRootContext,
  RootContext,
  stream_context,
} from "@solo-io/proxy-runtime";

class ARoot extends RootContext {
  createContext(context_id: u32): Context {
    return new A(context_id, this);
  }

  // What 0.1.8 does here traps without a configuration: it lets the host write to address 0.
  onConfigure(configuration_size: u32): bool {
    return true;
  }
}

class A extends Context {
  constructor(context_id: u32, root_context: ARoot) {
    super(context_id, root_context);
  }

  onRequestHeaders(a: u32, end_of_stream: bool): FilterHeadersStatusValues {
    // It does not tell a missing header from an empty one.
    const tenant = stream_context.headers.request.get("x-tenant");
    if (tenant != "") stream_context.headers.request.replace("x-bench-tenant", tenant);
    return FilterHeadersStatusValues.Continue;
  }

  onResponseHeaders(a: u32, end_of_stream: bool): FilterHeadersStatusValues {
    stream_context.headers.response.add("x-bench-added", "1");
    stream_context.headers.response.remove("x-bench-removed");
    return FilterHeadersStatusValues.Continue;
  }
}

registerRootContext((context_id: u32) => {
  return new ARoot(context_id);
}, "bench");
