import assert from "node:assert/strict";
import net from "node:net";
import type { Fuzzed } from "../fuzz.js";

/** Without zones, which Node takes. */
const isAddress = (text: string): boolean => !text.includes("%") && net.isIP(text) !== 0;

const ADDRESSES = [
  ...["1.2.3.4", "255.255.255.255", "0.0.0.0", "::", "::1", "2001:db8::8:800:200c:417a", "1:2:3:4:5:6:7:8"],
  ...["::ffff:1.2.3.4", "64:ff9b::192.0.2.33", "fe80::1%eth0", "1::8", "1:2:3:4:5:6:1.2.3.4"],
];
const PIECES = ["::", ":", ".", "0", "00", "ffff", "1.2.3.4", "256", "%", "/", "[", "]", "::ffff:"];

export const FUZZED: Fuzzed[] = [
  {
    name: "cidr address",
    driver: "cidr",
    export: "verdict",
    longest: 64,
    corpus: ADDRESSES,
    dictionary: PIECES,
    check(input, result) {
      assert.equal(result, isAddress(input.toString("latin1")) ? 1 : 0);
    },
    oracle: "Node's net.isIP",
  },
  {
    name: "cidr address with port",
    driver: "cidr",
    export: "portOf",
    longest: 64,
    corpus: ADDRESSES.map((text) => (text.includes(":") ? `[${text}]:443` : `${text}:80`)),
    dictionary: [...PIECES, "]:", ":0", ":65535", ":65536", ":08"],
    check(input, result) {
      const text = input.toString("latin1");
      const [, v4, v6, port] = /^(?:([0-9.]+)|\[([^\]]*:[^\]]*)\]):(0|[1-9][0-9]{0,4})$/.exec(text) ?? [];
      const right = isAddress(v4 ?? v6 ?? "") && Number(port) < 65536;
      assert.equal(result, right ? Number(port) : -1);
    },
    oracle: "Node's net.isIP and a regular expression",
  },
  {
    name: "cidr prefix",
    driver: "cidr",
    export: "prefixVerdict",
    longest: 64,
    corpus: ADDRESSES.flatMap((text) => [text, `${text}/${text.includes(":") ? 64 : 24}`]),
    dictionary: [...PIECES, "/0", "/32", "/33", "/128", "/129", "/08"],
    check(input, result) {
      const text = input.toString("latin1");
      const slash = text.indexOf("/");
      const address = slash < 0 ? text : text.slice(0, slash);
      const bits = slash < 0 ? "0" : text.slice(slash + 1);
      const most = address.includes(":") ? 128 : 32;
      const right = /^(0|[1-9][0-9]{0,2})$/.test(bits) && Number(bits) <= most;
      // PrefixError
      assert.equal(result, !isAddress(address) ? 1 : right ? 0 : 2);
    },
    oracle: "Node's net.isIP and a regular expression",
  },
];
