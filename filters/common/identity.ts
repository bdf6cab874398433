/* Who sends the request, as a filter in front has found out: filter state of the stream, which a client cannot send. */

import { property } from "meshwasm/sdk";

/** Its name. In access logs: %FILTER_STATE(wasm.meshwasm.identity:PLAIN)%. */
export const IDENTITY = "meshwasm.identity";
/** Groups that it belongs to, one in a line. */
export const GROUPS = "meshwasm.groups";
/** What its token says, a JSON object. */
export const CLAIMS = "meshwasm.claims";

/** Tells later filters who it is; what an earlier filter has told is gone. */
export function setIdentity(name: string, groups: string[], claims: Uint8Array | null): void {
  property.setString(IDENTITY, name);
  property.setString(GROUPS, groups.join("\n"));
  property.set(CLAIMS, claims === null ? new Uint8Array(0) : claims);
}
