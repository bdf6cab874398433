import { HeadersAction, HttpFilter, NoConfig, Plugin, property, registerHttpFilter } from "meshwasm/sdk";

class IdentityPlugin extends Plugin<NoConfig> {}

class Identity extends HttpFilter<IdentityPlugin> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    property.setString("meshwasm.identity", "ann");
    property.setString("meshwasm.groups", "admin\nstaff");
    property.setString(
      "meshwasm.claims",
      '{"sub":"ann","n":7,"ok":true,"a":{"b":["x","y",1,{}]},"line":"1\\r\\nset-cookie: e=1"}',
    );
    return HeadersAction.Continue;
  }
}

registerHttpFilter<Identity, IdentityPlugin, NoConfig>();
