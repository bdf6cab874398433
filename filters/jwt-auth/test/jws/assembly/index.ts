/* The JWS layer of jwt-auth alone, for test vectors whose payloads are no claims: x-jws is verified, x-verdict tells. */

import { foreign, HeaderLines, HeadersAction, HttpFilter, Plugin, registerHttpFilter } from "meshwasm/sdk";
import { decodeUtf8, toUtf8 } from "meshwasm/sdk/std/utf8";
import { Jws } from "meshwasm/filters/jwt-auth/assembly/jws";
import { Host, KeySet, Match } from "meshwasm/filters/jwt-auth/assembly/keys";
import { JwsConfig } from "./config";

class JwsPlugin extends Plugin<JwsConfig> {
  readonly host: Host = new Host();
  keys: KeySet | null = null;

  onConfigure(): bool {
    this.host.verifies = foreign.has("verify_signature");
    this.keys = KeySet.parse(toUtf8(this.config.jwks), false, this.host);
    return true;
  }
}

class JwsFilter extends HttpFilter<JwsPlugin> {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const token = this.request.headers.getBytes("x-jws");
    let jws: Jws | null = null;
    if (token !== null) jws = Jws.parse(token);
    const keys = this.plugin.keys;
    let verdict = "no set: " + KeySet.reason;
    if (keys && !jws) verdict = "no token: " + Jws.reason;
    else if (keys && jws) verdict = keys.match(jws, this.plugin.host) == Match.Verified ? "valid" : "wrong";
    const text = jws ? decodeUtf8(jws.payload.dataStart, jws.payload.length) : "";
    this.sendLocalResponse(200, text, new HeaderLines().add("x-verdict", verdict));
    return HeadersAction.StopIteration;
  }
}

registerHttpFilter<JwsFilter, JwsPlugin, JwsConfig>();
