/* format: cidr. */

import { IpPrefix } from "../std/cidr";
import { JsonReader } from "../std/json";
import { Slice } from "../std/slice";

/** A string such as "10.0.0.0/8", "2001:db8::/32" or an address alone. */
export function readPrefix(json: JsonReader): IpPrefix {
  const text = json.readString();
  const prefix = prefixOf(text);
  if (json.ok && prefix.bits < 0) json.fail("is no address and no prefix such as 10.0.0.0/8");
  return prefix;
}

/** The prefix of a text; one of -1 bits, in which nothing is, when it is none. */
export function prefixOf(text: string): IpPrefix {
  const prefix = new IpPrefix();
  const bytes = Slice.of(text);
  prefix.parse(bytes.ptr, bytes.length, false, true);
  return prefix;
}
