/* Who sends the request, as a filter in front has found out: filter state of the stream, which a client cannot send. */

import { property } from "meshwasm/sdk";
import { toUtf8 } from "meshwasm/sdk/std/utf8";

/** Its name. In access logs: %FILTER_STATE(wasm.meshwasm.identity:PLAIN)%. */
export const IDENTITY = "meshwasm.identity";
/** Groups that it belongs to, one in a line. */
export const GROUPS = "meshwasm.groups";
/** What its token says, a JSON object. */
export const CLAIMS = "meshwasm.claims";

/** Tells later filters who it is; what an earlier filter has told is gone. */
export function setIdentity(name: string, groups: string[], claims: Uint8Array | null): void {
  setIdentityBytes(toUtf8(name), toUtf8(groups.join("\n")), claims === null ? new Uint8Array(0) : claims);
}

/** The same for texts that are UTF-8 already; a group is a line. */
export function setIdentityBytes(name: Uint8Array, groups: Uint8Array, claims: Uint8Array): void {
  property.set(IDENTITY, name);
  property.set(GROUPS, groups);
  property.set(CLAIMS, claims);
}
