import assert from "node:assert/strict";
import http from "node:http";
import { isIPv6 } from "node:net";
import { before, test } from "node:test";
import fc from "fast-check";
import { config, EnvoyProcess, findEnvoy, workDirectory } from "../../toolchain/hosts/envoy/index.js";
import { mutated } from "./mutated.js";
import { forwardedElements, forwardedNode, xffModel } from "./oracles/forwarded.js";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260718;
const REFUSED = 0xffff;

let program: StdProgram;
before(async () => {
  program = await stdProgram("forwarded");
});

const chars = (all: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...all), minLength, maxLength });
const hidden = chars("aZ09._-", 1, 5).map((text) => `_${text}`);
const host = fc.oneof(
  fc.ipV4(),
  fc.ipV6().map((ip) => `[${ip}]`),
  fc.constantFrom("unknown", "Unknown", "unknown1"),
  hidden,
);
const port = fc.oneof(
  fc.constant(""),
  fc.nat(70_000).map((n) => `:${n}`),
  hidden.map((text) => `:${text}`),
);
const node = fc.tuple(host, port).map((parts) => parts.join(""));
const quoted = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;
const value = fc.oneof(chars("ab.09!", 1, 5), node.map(quoted), chars('a"\\,;= \t\xe9', 0, 5).map(quoted));
const pair = fc
  .tuple(fc.constantFrom("for", "For", "by", "host", "proto", "x", "y"), value)
  .map((parts) => parts.join("="));
const field = mutated(
  fc
    .array(
      fc
        .tuple(
          fc.array(fc.tuple(pair, fc.constantFrom(";", "; ", ";;")), { maxLength: 3 }),
          fc.constantFrom(",", ", ", ",,"),
        )
        .map(([pairs, comma]) => pairs.flat().join("") + comma),
      { maxLength: 3 },
    )
    .map((elements) => elements.join("")),
  'a=;,"\\ \t[]:_\x80\x7f',
);

test("Forwarded, against its grammar as regular expressions", () => {
  let taken = 0;
  fc.assert(
    fc.property(field, (text) => {
      const bytes = Buffer.from(text, "latin1");
      const model = forwardedElements(text);
      assert.equal(program.bytesOrNull("elements", bytes)?.toString() ?? null, model);
      const verdict = program.number("verdict", bytes);
      assert.equal(verdict, model === null ? REFUSED : model ? model.split(",").length : 0);
      if (model) taken++;
    }),
    { seed: SEED, numRuns: 10_000 },
  );
  assert.ok(taken > 2000, `${taken} taken`);
});

test("nodes, against regular expressions and node:net", () => {
  let taken = 0;
  fc.assert(
    fc.property(mutated(node, "0123456789abcdef:.[]_-%u"), (text) => {
      const model = forwardedNode(text);
      assert.equal(program.bytesOrNull("node", text)?.toString() ?? null, model);
      if (model) taken++;
    }),
    { seed: SEED, numRuns: 5000 },
  );
  assert.ok(taken > 1000, `${taken} taken`);
});

test("the elements that proxies have written, from the right", () => {
  const text = 'for=1.1.1.1;host=evil, for="[2001:db8::1]:80";host=example.com;proto=https, for=10.0.0.1';
  assert.equal(program.text("fromRight", text, 0), "10.0.0.1  ");
  assert.equal(program.text("fromRight", text, 1), "2001:db8::1 example.com https");
  assert.equal(program.bytesOrNull("fromRight", text, 3), null);
  assert.equal(program.bytesOrNull("fromRight", text, -1), null);
  // The quote that a client has left open takes all of it along: no element may then be believed.
  assert.equal(program.bytesOrNull("fromRight", 'for="1.1.1.1, for=10.0.0.1', 0), null);
  const many = (count: number) => Array.from({ length: count }, () => "for=a").join();
  assert.equal(program.number("verdict", many(256)), 256);
  assert.equal(program.number("verdict", many(257)), REFUSED);
});

const entry = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.ipV4().map((ip) => `::ffff:${ip}`),
  fc.tuple(fc.ipV4(), fc.nat(65535)).map((parts) => parts.join(":")),
  fc.ipV6().map((ip) => `[${ip}]:443`),
  fc.constantFrom(
    "",
    "unknown",
    "1.2.3",
    "01.2.3.4",
    "1.2.3.4.5",
    "256.1.1.1",
    "::",
    ":::",
    "1::2::3",
    "fe80::1%1",
    "1.2.3.4a",
  ),
);
const xff = fc
  .array(fc.tuple(entry, fc.constantFrom(",", ", ", " ,\t")), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.flat().slice(0, -1).join(""));

test("X-Forwarded-For, against a model", () => {
  fc.assert(
    fc.property(mutated(xff, "0123456789abcdef:.,[] \t"), fc.integer({ min: 0, max: 4 }), (text, skip) => {
      assert.equal(program.bytesOrNull("xff", text, skip)?.toString() ?? null, xffModel(text, skip));
    }),
    { seed: SEED, numRuns: 5000 },
  );
  assert.equal(program.bytesOrNull("xff", "1.2.3.4", -1), null);
});

const TYPE = "type.googleapis.com/envoy.extensions.filters";

/** Answers with the address that it takes for the client's. */
function listener(hops: number) {
  return {
    name: `hops${hops}`,
    address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
    filter_chains: [
      {
        filters: [
          {
            name: "hcm",
            typed_config: {
              "@type": `${TYPE}.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: "xff",
              xff_num_trusted_hops: hops,
              route_config: {
                virtual_hosts: [
                  {
                    name: "all",
                    domains: ["*"],
                    routes: [
                      {
                        match: { prefix: "/" },
                        direct_response: { status: 200 },
                        response_headers_to_add: [
                          { header: { key: "x-client", value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%" } },
                        ],
                      },
                    ],
                  },
                ],
              },
              http_filters: [{ name: "router", typed_config: { "@type": `${TYPE}.http.router.v3.Router` } }],
            },
          },
        ],
      },
    ],
  };
}

test("X-Forwarded-For, against a real Envoy", async () => {
  const { path } = await findEnvoy();
  const hops = [0, 1, 2];
  const envoy = await EnvoyProcess.start({
    envoy: path,
    bootstrap: config.bootstrap({ listeners: hops.map(listener) }),
    directory: workDirectory(),
  });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const canonical = (ip: string): string => (isIPv6(ip) ? new URL(`http://[${ip}]`).hostname : ip);
  try {
    const addresses = await Promise.all(hops.map((n) => envoy.listenerAddress(`hops${n}`)));
    const client = (skip: number, text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        http
          .get(`http://${addresses[skip]!}/`, { agent, headers: { "x-forwarded-for": text } }, (response) => {
            response.resume();
            response.on("end", () => resolve(String(response.headers["x-client"])));
          })
          .on("error", reject);
      });
    let known = 0;
    for (const text of fc.sample(xff, { seed: SEED, numRuns: 300 })) {
      for (const skip of hops) {
        const ours = program.bytesOrNull("xff", text.trim(), skip)?.toString();
        const theirs = await client(skip, text);
        // A zone means something on one host only (RFC 4007, section 11), so for us it is no address. For Envoy it is.
        if (theirs.includes("%")) {
          assert.equal(ours, undefined, text);
          continue;
        }
        // Envoy falls back to the address of the connection.
        assert.equal(canonical(theirs), ours ? canonical(ours) : "127.0.0.1", `${text} without ${skip}`);
        if (ours) known++;
      }
    }
    assert.ok(known > 100, `${known} addresses`);
  } finally {
    agent.destroy();
    await envoy.stop();
  }
});
