/* header-rewrite beside Envoy's own header_mutation: one Envoy, a pair of listeners for each generated set of rules, the same
 * requests to both. Compared is what the upstream saw and what the client saw. */

import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { build } from "../../toolchain/build/index.js";
import { config as envoyConfig, EnvoyProcess, findEnvoy, workDirectory } from "../../toolchain/hosts/envoy/index.js";
import { randomFrom } from "../bench/stats.js";

type JsonObject = envoyConfig.JsonObject;
type Line = readonly [name: string, value: string];

const ROOT = join(import.meta.dirname, "../..");
const MUTATION = "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation";
const MAPS = ["request", "response", "requestTrailers", "responseTrailers"] as const;
type MapName = (typeof MAPS)[number];
const NATIVE: Readonly<Record<MapName, string>> = {
  request: "request_mutations",
  response: "response_mutations",
  requestTrailers: "request_trailers_mutations",
  responseTrailers: "response_trailers_mutations",
};
/** Where a rule that acts on a header which is there looks for it. */
const SELECTOR: Readonly<Record<MapName, string>> = {
  request: "header",
  response: "response",
  requestTrailers: "trailer",
  responseTrailers: "trailer",
};
/** Differ between any two requests, or name the listener. */
const OWN = new Set(["date", "x-request-id", "x-envoy-upstream-service-time", "x-case"]);

export interface Outcome {
  readonly rules: number;
  readonly requests: number;
  readonly overHttp2: number;
  readonly withTrailers: number;
  /** Rule operations in all rule sets, by their name. */
  readonly operations: ReadonlyMap<string, number>;
  /** What was different; the first ones in full. */
  readonly differences: readonly string[];
}

class Generator {
  constructor(private readonly next: () => number) {}

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  many<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  /** Some of these Envoy keeps as one line, some as many; of cookie and set-cookie HTTP has its own rules. */
  name(map: MapName): string {
    const common = ["x-a", "x-b", "x-c", "X-Case-Of-Letters", "x-Z!#$%&'*+.^_`|~"];
    if (map === "request") return this.pick([...common, "accept", "via", "cache-control", "cookie", "x-forwarded-for"]);
    if (map === "response") return this.pick([...common, "vary", "via", "set-cookie", "cache-control", "age"]);
    return this.pick(common);
  }

  value(): string {
    const letters = "abc019 ,;=\"'/?%$:{}\x80\xff";
    const text = Array.from({ length: this.below(12) }, () => letters[this.below(letters.length)]).join("");
    return this.pick(["", "1", "v".repeat(this.below(300)), text.trim()]);
  }

  /** As both filters take it: ours as UTF-8, native in its own notation. */
  configured(map: MapName): { ours: string; native: string } {
    const dynamic: [string, string][] = [
      ["${method}", "%REQ(:METHOD)%"],
      ["${header:x-source}", "%REQ(X-SOURCE)%"],
      ["${ip}", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"],
      ["${scheme}", "%REQ(:SCHEME)%"],
    ];
    if (map === "response" || map === "responseTrailers") dynamic.push(["${status}", "%RESPONSE_CODE%"]);
    const parts = this.many(2, () => {
      if (this.below(3) === 0) {
        const [ours, native] = this.pick(dynamic);
        return { ours, native };
      }
      const text = this.value().replace(/[^\x20-\x7e]/g, "é");
      return { ours: text.replaceAll("$", "$$$$"), native: text.replaceAll("%", "%%") };
    });
    const [ours, native] = (["ours", "native"] as const).map((key) => parts.map((part) => part[key]).join(""));
    // A value with white space at its ends is refused by one, and sent by the other.
    return ours!.trim() === ours ? { ours: ours!, native: native! } : { ours: "x", native: "x" };
  }

  rule(map: MapName, count: (operation: string) => void): { ours: object; native: JsonObject } {
    const name = this.name(map);
    const operation = this.pick([
      "set",
      "set",
      "add",
      "add",
      "setIfAbsent",
      "remove",
      "removeMatching",
      "set if there",
    ]);
    count(operation);
    if (operation === "remove") return { ours: { op: "remove", name }, native: { remove: name } };
    if (operation === "removeMatching") {
      const regex = this.pick(["x-[ab]", "x-.*", ".*-c", "x-a|x-z.*", "none"]);
      // What native may remove and ours may not is left out by both.
      const safe = regex === "x-.*" ? "x-[a-d]" : regex;
      return {
        ours: { op: "removeMatching", regex: safe },
        native: { remove_on_match: { key_matcher: { safe_regex: { regex: safe } } } },
      };
    }
    const { ours, native } = this.configured(map);
    // Native leaves an empty value out unless it is told.
    const append = (append_action: string): JsonObject => ({
      append: { header: { key: name, value: native }, append_action, keep_empty_value: true },
    });
    const set = { op: "set", name, value: ours };
    switch (operation) {
      case "add":
        return { ours: { ...set, op: "add" }, native: append("APPEND_IF_EXISTS_OR_ADD") };
      case "setIfAbsent":
        return { ours: { ...set, op: "setIfAbsent" }, native: append("ADD_IF_ABSENT") };
      case "set if there":
        return {
          ours: { ...set, when: { sel: `${SELECTOR[map]}:${name}`, present: true } },
          native: append("OVERWRITE_IF_EXISTS"),
        };
      default:
        return { ours: set, native: append("OVERWRITE_IF_EXISTS_OR_ADD") };
    }
  }

  queryRule(count: (operation: string) => void): { ours: object; native: JsonObject } {
    const key = this.pick(["a", "b", "c", "long-name"]);
    const value = this.pick(["1", "xyz", "a-b_c.d~", ""]);
    const operation = this.pick(["set", "add", "setIfAbsent", "remove", "set if there"]);
    count(`query ${operation}`);
    if (operation === "remove") return { ours: { op: "remove", name: key }, native: { remove: key } };
    const append = (action: string): JsonObject => ({ append: { record: { key, value }, action } });
    const set = { op: "set", name: key, value };
    if (operation === "add") return { ours: { ...set, op: "add" }, native: append("APPEND_IF_EXISTS_OR_ADD") };
    if (operation === "setIfAbsent") return { ours: { ...set, op: "setIfAbsent" }, native: append("ADD_IF_ABSENT") };
    if (operation === "set") return { ours: set, native: append("OVERWRITE_IF_EXISTS_OR_ADD") };
    // A rule's condition sees the query as it came, native's what the one before has left; so this one stands alone.
    return {
      ours: { ...set, when: { sel: `query:${key}`, present: true } },
      native: append("OVERWRITE_IF_EXISTS"),
    };
  }

  rules(count: (operation: string) => void): { ours: JsonObject; native: JsonObject } {
    const ours: Record<string, unknown> = {};
    const native: Record<string, unknown> = {};
    for (const map of MAPS) {
      const rules = this.many(map === "request" || map === "response" ? 6 : 3, () => this.rule(map, count));
      ours[map] = rules.map((rule) => rule.ours);
      native[NATIVE[map]] = rules.map((rule) => rule.native);
    }
    const all = this.many(3, () => this.queryRule(count));
    const alone = all.findIndex(({ ours }) => "when" in ours);
    const query = alone < 0 ? all : [all[alone]!];
    ours["query"] = query.map((rule) => rule.ours);
    native["query_parameter_mutations"] = query.map((rule) => rule.native);
    return { ours: ours as JsonObject, native: { "@type": MUTATION, mutations: native as JsonObject } };
  }

  lines(map: MapName): Line[] {
    return this.many(6, () => [this.name(map), this.value()] as const).filter(
      // Two of them make no request that Envoy takes as it is.
      ([name, value]) => name !== "x-forwarded-for" || /^[a-z0-9]*$/.test(value),
    );
  }

  exchange(): Exchange {
    const trailers = this.below(3) === 0;
    // No escapes: native decodes the whole query and sends it without encoding it again, so that of b=%20 it makes a request
    // that no server takes.
    const query = this.many(4, () => this.pick(["a", "b", "c", "d", "a=1", "b=2", "c=x=y", "d=", "long-name=y"]));
    return {
      method: trailers ? "POST" : this.pick(["GET", "POST", "DELETE"]),
      path: `/${this.pick(["", "a", "a%2Fb"])}${query.length ? `?${query.join("&")}` : ""}`,
      http2: this.below(4) === 0,
      request: [
        ...this.lines("request"),
        ...(this.below(2) ? [["x-source", this.pick(["s", "s t", "\xe9"])] as const] : []),
      ],
      response: this.lines("response"),
      status: this.pick([200, 200, 201, 404, 503]),
      trailers: trailers ? { request: this.lines("requestTrailers"), response: this.lines("responseTrailers") } : null,
    };
  }
}

interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly http2: boolean;
  readonly request: readonly Line[];
  readonly response: readonly Line[];
  readonly status: number;
  readonly trailers: { readonly request: readonly Line[]; readonly response: readonly Line[] } | null;
}

/** Lines by name: their order among others is not the filter's. */
type Seen = Record<string, string[]>;
interface View {
  readonly path?: string;
  readonly query?: Seen;
  readonly status?: number;
  readonly headers: Seen;
  readonly trailers: Seen;
}

function byName(raw: readonly string[]): Seen {
  const seen: Seen = {};
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (name.startsWith(":") || OWN.has(name)) continue;
    (seen[name] ??= []).push(raw[i + 1]!);
  }
  return seen;
}

function flat(lines: readonly Line[]): string[] {
  return lines.flatMap(([name, value]) => [name, value]);
}

/** Runs so many sets of rules with so many requests each. `spoil` changes ours, to see that it shows. */
export async function compare(
  seed: number,
  sets: number,
  perSet: number,
  say: (line: string) => void,
  spoil: (ours: JsonObject) => JsonObject = (ours) => ours,
): Promise<Outcome> {
  const generator = new Generator(randomFrom(seed));
  const operations = new Map<string, number>();
  const count = (name: string): void => void operations.set(name, (operations.get(name) ?? 0) + 1);
  const rules = Array.from({ length: sets }, () => generator.rules(count));
  const { wasm } = await build(join(ROOT, "filters/header-rewrite"));
  const cases = new Map<string, { exchange: Exchange; seen: View | null }>();
  const upstream = http.createServer((request, response) => {
    const known = cases.get(String(request.headers["x-case"]))!;
    request.resume().on("end", () => {
      const [path, query = ""] = request.url!.split(/\?(.*)/s);
      const parameters: Seen = {};
      for (const [name, value] of new URLSearchParams(query)) (parameters[name] ??= []).push(value);
      known.seen = {
        path: path!,
        query: parameters,
        headers: byName(request.rawHeaders),
        trailers: byName(request.rawTrailers),
      };
      const { status, response: lines, trailers } = known.exchange;
      response.sendDate = false;
      response.writeHead(
        status,
        flat([...lines, ...(trailers ? [["trailer", "x-a"] as const] : [["content-length", "1"] as const])]),
      );
      if (trailers) response.addTrailers(trailers.response as unknown as http.OutgoingHttpHeaders);
      response.end("b");
    });
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const listener = (name: string, filter: JsonObject): JsonObject => ({
    ...envoyConfig.listener({ filters: [filter] }),
    name,
  });
  const { path: envoy } = await findEnvoy({});
  const proxy = await EnvoyProcess.start({
    envoy,
    directory: workDirectory(),
    bootstrap: envoyConfig.bootstrap({
      listeners: rules.flatMap(({ ours, native }, i) => [
        listener(`native-${i}`, { name: "header_mutation", typed_config: native }),
        listener(
          `ours-${i}`,
          envoyConfig.staticFilter({
            name: "header-rewrite",
            code: { file: wasm },
            config: new TextEncoder().encode(JSON.stringify(spoil(ours))),
            failurePolicy: "FAIL_CLOSED",
          }),
        ),
      ]),
      clusters: [
        envoyConfig.cluster({
          name: envoyConfig.UPSTREAM_CLUSTER,
          host: "127.0.0.1",
          port: (upstream.address() as AddressInfo).port,
        }),
      ],
    }),
  });
  const differences: string[] = [];
  let overHttp2 = 0;
  let withTrailers = 0;
  try {
    for (const [i, set] of rules.entries()) {
      const clients = await Promise.all(
        [`native-${i}`, `ours-${i}`].map(async (name) => new Client(await proxy.listenerAddress(name))),
      );
      for (let n = 0; n < perSet; n++) {
        const exchange = generator.exchange();
        if (exchange.http2 && !exchange.trailers) overHttp2++;
        if (exchange.trailers) withTrailers++;
        const views = await Promise.all(
          clients.map(async (client, side) => {
            const id = `${i}-${n}-${side}`;
            const known = { exchange, seen: null as View | null };
            cases.set(id, known);
            const answer = await client.send(exchange, id);
            cases.delete(id);
            return { upstream: known.seen, answer };
          }),
        );
        if (views[0]!.upstream === null || !isDeepStrictEqual(views[0], views[1])) {
          differences.push(
            differences.length < 5
              ? `set ${i}, request ${n}: ${changes(views[0], views[1], "").join("; ")}\n${JSON.stringify({ set, exchange })}`
              : `set ${i}, request ${n}`,
          );
        }
      }
      clients.forEach((client) => client.close());
      if (i % 10 === 9) say(`${i + 1} of ${sets} sets of rules, ${differences.length} differences`);
    }
  } finally {
    await proxy.stop();
    upstream.close();
    upstream.closeAllConnections();
  }
  return { rules: sets, requests: sets * perSet, overHttp2, withTrailers, operations, differences };
}

/** Where two values differ. */
function changes(native: unknown, ours: unknown, path: string): string[] {
  if (isDeepStrictEqual(native, ours)) return [];
  const isRecord = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isRecord(native) || !isRecord(ours))
    return [`${path} native ${JSON.stringify(native)}, ours ${JSON.stringify(ours)}`];
  const keys = new Set([...Object.keys(native), ...Object.keys(ours)]);
  return [...keys].flatMap((key) => changes(native[key], ours[key], `${path}.${key}`));
}

/** Connections to one listener. */
class Client {
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  private session: http2.ClientHttp2Session | null = null;

  constructor(private readonly address: string) {}

  send(exchange: Exchange, id: string): Promise<View> {
    return exchange.http2 && !exchange.trailers ? this.sendHttp2(exchange, id) : this.sendHttp1(exchange, id);
  }

  close(): void {
    this.agent.destroy();
    this.session?.close();
  }

  private sendHttp1({ method, path, request: lines, trailers }: Exchange, id: string): Promise<View> {
    const [host, port] = this.address.split(":");
    const framing: Line[] = trailers ? [["transfer-encoding", "chunked"]] : [];
    return new Promise((resolve, reject) => {
      const request = http.request({
        ...{ host, port, method, path, agent: this.agent, timeout: 10_000 },
        headers: flat([
          ["host", "example.test"],
          ["x-case", id],
          ...framing,
          ...lines,
        ]) as unknown as http.OutgoingHttpHeaders,
      });
      request.on("error", reject).on("timeout", () => request.destroy(new Error("no answer")));
      request.on("response", (response) => {
        response.on("error", reject);
        response.resume().on("end", () =>
          resolve({
            status: response.statusCode!,
            headers: byName(response.rawHeaders),
            trailers: byName(response.rawTrailers),
          }),
        );
      });
      if (trailers) request.addTrailers(trailers.request as unknown as http.OutgoingHttpHeaders);
      request.end(trailers ? "b" : undefined);
    });
  }

  private sendHttp2({ method, path, request: lines }: Exchange, id: string): Promise<View> {
    this.session ??= http2.connect(`http://${this.address}`);
    const headers: Record<string, string | string[]> = {
      ":method": method,
      ":path": path,
      ":authority": "example.test",
      "x-case": id,
    };
    for (const [name, value] of lines) {
      const key = name.toLowerCase();
      headers[key] = key in headers ? [headers[key]!, value].flat() : value;
    }
    return new Promise((resolve, reject) => {
      const stream = this.session!.request(headers, { endStream: true });
      stream.setTimeout(10_000, () => stream.destroy(new Error("no answer")));
      stream.on("error", reject);
      stream.on("response", (_, __, raw?: string[]) => {
        const seen = (raw ?? []) as string[];
        const status = Number(seen[seen.indexOf(":status") + 1]);
        stream.resume().on("end", () => resolve({ status, headers: byName(seen), trailers: {} }));
      });
    });
  }
}
