/* normalizePath against the connection manager of a real Envoy: a listener per variant answers with the :path that a filter
 * would see. */

import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { bootstrap, type JsonObject } from "../../toolchain/hosts/envoy/bootstrap.js";
import { findEnvoy } from "../../toolchain/hosts/envoy/find.js";
import { EnvoyProcess, workDirectory } from "../../toolchain/hosts/envoy/process.js";
import { DEFAULT_VERSION } from "../../toolchain/hosts/envoy/versions.js";
import { normalizedPath } from "./oracles/path.js";
import { stdProgram, type StdProgram } from "./program.js";

const SEED = 20260705;
/** Paths per variant. */
const HTTP1 = 4000;
const HTTP2 = 2000;

/** Name, the options of PathNormalization, and Envoy's. */
const variants: readonly { name: string; how: number; options: JsonObject }[] = [
  { name: "none", how: 0, options: {} },
  { name: "base", how: 1, options: { normalize_path: true } },
  { name: "merge slashes", how: 3, options: { normalize_path: true, merge_slashes: true } },
  {
    name: "decode and merge slashes",
    how: 7,
    options: {
      normalize_path: true,
      merge_slashes: true,
      path_with_escaped_slashes_action: "UNESCAPE_AND_FORWARD",
    },
  },
  { name: "merge_slashes alone", how: 2, options: { merge_slashes: true } },
  {
    name: "unescaped slashes alone",
    how: 4,
    options: { path_with_escaped_slashes_action: "UNESCAPE_AND_FORWARD" },
  },
  {
    name: "escaped slashes refused",
    how: 11,
    options: { normalize_path: true, merge_slashes: true, path_with_escaped_slashes_action: "REJECT_REQUEST" },
  },
];

const TYPE = "type.googleapis.com/envoy.extensions.filters";

function listener({ name, options }: (typeof variants)[number]): JsonObject {
  const routes: JsonObject = {
    virtual_hosts: [
      {
        name: "all",
        domains: ["*"],
        routes: [{ match: { prefix: "" }, direct_response: { status: 200 } }],
        response_headers_to_add: [{ header: { key: "x-path", value: "%REQ(:path)%" } }],
      },
    ],
  };
  const manager: JsonObject = {
    "@type": `${TYPE}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "path",
    route_config: routes,
    http_filters: [{ name: "router", typed_config: { "@type": `${TYPE}.http.router.v3.Router` } }],
    ...options,
  };
  return {
    name,
    address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
    filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
  };
}

let program: StdProgram;
let envoy: EnvoyProcess;
const ports = new Map<string, number>();
before(async () => {
  program = await stdProgram("url");
  const { path } = await findEnvoy({ version: DEFAULT_VERSION });
  envoy = await EnvoyProcess.start({
    envoy: path,
    directory: workDirectory(),
    bootstrap: bootstrap({ listeners: variants.map(listener) }),
  });
  for (const { name } of variants) ports.set(name, Number((await envoy.listenerAddress(name)).split(":")[1]));
});
after(() => envoy?.stop());

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

/** The path that Envoy makes of it; null for what it refuses. */
type Ask = (path: string) => Promise<string | null>;

/** One request after another on one HTTP/1.1 connection, with bytes that no client library would send. */
function overHttp1(port: number): { ask: Ask; close: () => void } {
  let socket: net.Socket | null = null;
  return {
    close: () => socket?.destroy(),
    async ask(path) {
      if (!socket || socket.destroyed) {
        socket = net.connect(port, "127.0.0.1");
        socket.setNoDelay(true);
        await once(socket, "connect");
      }
      const open = socket;
      open.write(latin1(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`));
      let text = "";
      while (!text.includes("\r\n\r\n")) {
        const [chunk] = (await once(open, "data", { signal: AbortSignal.timeout(10_000) })) as [Buffer];
        text += chunk.toString("latin1");
      }
      const status = text.slice(9, 12);
      // Envoy closes after what it could not parse.
      if (status !== "200") open.destroy();
      if (status !== "200" && status !== "400") throw new Error(`${JSON.stringify(path)}: ${text}`);
      return status === "200" ? /\r\nx-path: ([^\r]*)/.exec(text)![1]! : null;
    },
  };
}

function overHttp2(port: number): { ask: Ask; close: () => void } {
  const connect = (): http2.ClientHttp2Session =>
    http2.connect(`http://127.0.0.1:${port}`).on("error", () => undefined);
  let session = connect();
  return {
    close: () => session.destroy(),
    ask(path) {
      if (session.closed || session.destroyed) session = connect();
      return new Promise((resolve, reject) => {
        const stream = session.request({ ":path": path });
        let answer: string | null = null;
        stream.on("response", (headers) => {
          const status = headers[":status"];
          if (status === 200) answer = String(headers["x-path"]);
          else if (status !== 400) reject(new Error(`${JSON.stringify(path)}: ${status}`));
        });
        // A stream that Envoy resets is refused too; without an end there would be no answer.
        stream.on("error", () => undefined);
        stream.on("close", () => resolve(answer));
        stream.setTimeout(10_000, () => reject(new Error(`${JSON.stringify(path)}: no answer`)));
        stream.resume().end();
      });
    },
  };
}

const piece = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("/", "/", "/", "//", "/.", "/..", "/../", "/./", "/a/") },
  { weight: 6, arbitrary: fc.constantFrom("%2e", "%2E", ".", "..", "%2f", "%2F", "%5c", "%5C", "\\", "%2e%2e") },
  { weight: 5, arbitrary: fc.constantFrom(";", "..;", ".;a=b", "%3b", ";/", ";\\") },
  { weight: 5, arbitrary: fc.constantFrom("%", "%%", "%3", "%2", "3", "4", "1", "a", "F", "%31", "%34", "%41", "%46") },
  {
    weight: 4,
    arbitrary: fc.constantFrom("b", "Z", "~", "-", "_", "%7e", "%7E", "%2d", "%5f", "%25", "%20", "%C3%a9"),
  },
  { weight: 2, arbitrary: fc.integer({ min: 0x21, max: 0x7e }).map((c) => String.fromCharCode(c)) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((c) => `%${c.toString(16).padStart(2, "0")}`) },
  { weight: 1, arbitrary: fc.constantFrom("?", "?a=/../b//c%2f", "%zz") },
);
/** Mostly nothing. */
const rare = (text: string): fc.Arbitrary<string> =>
  fc.oneof({ weight: 60, arbitrary: fc.constant("") }, fc.constantFrom(...text));
const paths = (odd: string): fc.Arbitrary<string> =>
  fc
    .tuple(fc.array(piece, { maxLength: 9 }), rare(odd), fc.array(piece, { maxLength: 4 }), rare("*a?"))
    // A space at the end of a path would be one between the parts of the request line.
    .map(([start, character, end, before]) =>
      [before || "/", ...start, character, ...end, character && " \t".includes(character) ? "z" : ""].join(""),
    );

/** Of all variants at once; each answer with its path. */
async function compare(
  inputs: readonly string[],
  connections: number,
  connect: (port: number) => { ask: Ask; close: () => void },
): Promise<{ compared: number; refused: number; changed: number }> {
  const counts = { compared: 0, refused: 0, changed: 0 };
  await Promise.all(
    variants.map(async ({ name, how }) => {
      let next = 0;
      const worker = async (): Promise<void> => {
        const client = connect(ports.get(name)!);
        while (next < inputs.length) {
          const path = inputs[next++]!;
          const theirs = await client.ask(path);
          const ours = program.bytesOrNull("normalize", latin1(path), how)?.toString("latin1") ?? null;
          assert.equal(ours, theirs, `${name}: ${JSON.stringify(path)}`);
          assert.equal(normalizedPath(path, how), theirs, `the model, ${name}: ${JSON.stringify(path)}`);
          counts.compared++;
          if (ours === null) counts.refused++;
          else if (ours !== path) counts.changed++;
        }
        client.close();
      };
      await Promise.all(Array.from({ length: connections }, worker));
    }),
  );
  return counts;
}

test(`HTTP/1.1: Envoy ${DEFAULT_VERSION} makes the same path or refuses it too (seed ${SEED})`, async (t) => {
  const odd = "#\t \x01\x7f";
  const inputs = fc.sample(paths(odd), { seed: SEED, numRuns: HTTP1 });
  for (let c = 0x21; c < 0x7f; c++) inputs.push(`/x${String.fromCharCode(c)}y/..${String.fromCharCode(c)}/z`);
  for (let c = 0; c < 256; c++) {
    const hex = c.toString(16).padStart(2, "0");
    inputs.push(`/a%${hex}b?%${hex}`, `/a/.%${hex.toUpperCase()}/%%${hex}1`);
  }
  const counts = await compare(inputs, 2, overHttp1);
  t.diagnostic(JSON.stringify(counts));
  assert.equal(counts.compared, inputs.length * variants.length);
  assert.ok(counts.refused > inputs.length / 20 && counts.changed > inputs.length, JSON.stringify(counts));
});

test(`HTTP/2: the same with bytes beyond ASCII (seed ${SEED})`, async (t) => {
  const inputs = fc.sample(paths("#\t\x7f\x80\xc3\xa9\xff\xff"), { seed: SEED + 1, numRuns: HTTP2 });
  for (let c = 0x80; c < 0x100; c++) inputs.push(`/x${String.fromCharCode(c)}/../${String.fromCharCode(c)}?`);
  const counts = await compare(inputs, 4, overHttp2);
  t.diagnostic(JSON.stringify(counts));
  assert.equal(counts.compared, inputs.length * variants.length);
  assert.ok(counts.refused > inputs.length / 20 && counts.changed > inputs.length, JSON.stringify(counts));
});
