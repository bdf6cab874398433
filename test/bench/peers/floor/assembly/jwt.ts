/* What a filter must ask of the host for a token that it knows: the headers, the time; the token is taken out, later
 * filters are told of it, and the request is counted. Nothing is verified. */

import { count } from "./counter";
import { proxy_remove_header_map_value, proxy_set_property } from "./env";
import { REQUEST, ret } from "./host";
import { find, freeLines, readLines } from "./lines";
import { clock_time_get } from "./wasi_snapshot_preview1";

const AUTHORIZATION = String.UTF8.encode("authorization");
const IDENTITY = String.UTF8.encode("meshwasm.identity");
const GROUPS = String.UTF8.encode("meshwasm.groups");
const CLAIMS = String.UTF8.encode("meshwasm.claims");
const NAME = String.UTF8.encode("alice");
const PAYLOAD = String.UTF8.encode(
  '{"iss":"https://issuer.example","sub":"alice","aud":"orders","iat":1795737101,"exp":1795737711,"scope":"orders:read orders:write"}',
);

export function proxy_on_request_headers(id: u32, lines: u32, endOfStream: u32): i32 {
  if (!readLines()) return 0;
  if (find(AUTHORIZATION)) {
    clock_time_get(0, 0, ret);
    proxy_remove_header_map_value(REQUEST, changetype<usize>(AUTHORIZATION), 13);
    proxy_set_property(changetype<usize>(IDENTITY), IDENTITY.byteLength, changetype<usize>(NAME), NAME.byteLength);
    proxy_set_property(changetype<usize>(GROUPS), GROUPS.byteLength, changetype<usize>(NAME), 0);
    proxy_set_property(changetype<usize>(CLAIMS), CLAIMS.byteLength, changetype<usize>(PAYLOAD), PAYLOAD.byteLength);
  }
  count();
  freeLines();
  return 0;
}
