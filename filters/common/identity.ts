/* Who sends the request, as a filter in front has found out: filter state of the stream, which a client cannot send. */

/** Its name. In access logs: %FILTER_STATE(wasm.meshwasm.identity:PLAIN)%. */
export const IDENTITY = "meshwasm.identity";
/** Groups that it belongs to, one in a line. */
export const GROUPS = "meshwasm.groups";
/** What its token says, a JSON object. */
export const CLAIMS = "meshwasm.claims";
