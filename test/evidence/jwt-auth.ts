import { readFileSync, statSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { PLAN } from "../../filters/jwt-auth/test/plan.js";
import { RandomTokens } from "../../filters/jwt-auth/test/random-tokens.js";
import { config, jwks, keyOf, start, token } from "../../filters/jwt-auth/test/support.js";
import {
  CONTRADICTIONS,
  cookbook,
  differences,
  withoutVectors,
  wycheproof,
} from "../../filters/jwt-auth/test/vectors.js";
import { ISSUER } from "../../filters/jwt-auth/test/support.js";
import { admin } from "../../filters/metrics/test/traffic.js";
import { build } from "../../toolchain/build/index.js";
import { config as envoyConfig, findEnvoy } from "../../toolchain/hosts/envoy/index.js";
import { measure, type Plan } from "../bench/measure.js";
import { buildJwtFloor } from "../bench/peers.js";
import { startEnvoy } from "../bench/proxy.js";
import type { Row } from "../bench/rows.js";
import { median, randomFrom } from "../bench/stats.js";
import { LOAD_PATH, requestTo, WORKLOADS, type Workload } from "../bench/workloads.js";
import { compareTokens, STRICTER } from "../library/jwt-authn.js";
import type { Section } from "./main.js";

const TOKENS = 10_000;
const DISTINCT = 100_000;
const RANDOM = 1_000_000;
const COST: Plan = { rounds: 12, requests: 6000, passes: 6, connections: 2, batch: 8, warmUp: 5000, maxSeconds: 200 };
const NATIVE = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";
const number = (value: number): string => value.toLocaleString("en-US");

/** jwt-auth beside Envoy's own filter, on published vectors, with many tokens, and what it costs. */
export const jwtAuth: Section = {
  name: "jwt-auth",
  title: "jwt-auth",
  async run() {
    const seed = 1 + Math.floor(Math.random() * 999_999_999);
    const say = (line: string): void => void process.stdout.write(`${line}\n`);
    say(`seed ${seed}`);
    const { wasm } = await build(join(import.meta.dirname, "../../filters/jwt-auth"));
    const outcome = await compareTokens(seed, TOKENS, say);
    if (outcome.wrong.length) throw new Error(outcome.wrong.slice(0, 10).join("\n"));
    if (outcome.headers.length) throw new Error(outcome.headers.slice(0, 10).join("\n"));
    const kinds = [...outcome.rows].sort(([a], [b]) => (a < b ? -1 : 1));
    const vectors = await vectorTable();
    const statuses = await randomTokens(seed, say);
    const memory = await distinct(say);
    const cost = await costs(wasm, seed, say);
    return `Seed ${seed}. ${number(TOKENS)} generated tokens, each to a listener with Envoy's own \`jwt_authn\` and to one with \`jwt-auth\`, in one
Envoy, with the same keys. No token was taken that Envoy's filter refuses; the reasons for those that only it takes are below.
The headers that the upstream got were the same.

| kind | tokens | both take | both refuse | only Envoy's takes |
| --- | --- | --- | --- | --- |
${kinds.map(([kind, r]) => `| ${kind} | ${number(r.tokens)} | ${number(r.bothAllow)} | ${number(r.bothDeny)} | ${number(r.onlyNative)} |`).join("\n")}

| only Envoy's takes | why not ours |
| --- | --- |
${Object.entries(STRICTER)
  .filter(([kind]) => (outcome.rows.get(kind)?.onlyNative ?? 0) > 0)
  .map(([kind, why]) => `| ${kind} | ${why} |`)
  .join("\n")}

${vectors}
The filter's test plan has ${Object.keys(PLAN).length} lines (JWT-01 to JWT-${Object.keys(PLAN).length}); its tests fail for a line without a test. The module has
${number(statSync(wasm).size)} bytes.

${number(RANDOM)} random tokens on the emulator, damaged ones and well-signed ones whose header and claims are no sense: no trap, memory
within 64 MiB, and ${[...statuses].map(([status, count]) => `${number(count)} times ${status}`).join(", ")}.

${number(DISTINCT)} distinct valid tokens over one worker, \`cacheSize\` 1,000: the Envoy process had ${number(memory.before)} KiB after the first
${number(memory.first)} and ${number(memory.after)} KiB at the end.

Envoy's CPU time per request over no filter, in µs, median and minimum of ${cost.rounds} interleaved rounds. The floor is a module by
hand that only makes the host calls which a known token needs (test/bench/peers/floor/assembly/jwt.ts).

| token | \`jwt_authn\` | the floor | \`jwt-auth\` | ours / floor | ours / Envoy's |
| --- | --- | --- | --- | --- | --- |
${cost.rows.join("\n")}
`;
  },
};

async function vectorTable(): Promise<string> {
  const without = withoutVectors();
  if (without !== false) return `${without}\n`;
  const rows: string[] = [];
  for (const [name, vectors] of [
    ["Wycheproof json_web_signature_test", wycheproof("json_web_signature_test")],
    ["Wycheproof json_web_key_test", wycheproof("json_web_key_test")],
    ["JOSE cookbook, compact", cookbook()],
  ] as const) {
    const found = await differences(vectors, "envoy");
    const other = found.filter((line) => !(line.split(" (")[0]! in CONTRADICTIONS));
    if (other.length) throw new Error(other.join("\n"));
    rows.push(
      `| ${name} | ${number(vectors.length)} | ${number(vectors.length - found.length)} | ${number(found.length)} |`,
    );
  }
  const reasons = Object.entries(CONTRADICTIONS).map(([id, why]) => `- ${id.split(" ")[1]}: ${why}`);
  return `| vectors, on Envoy | number | their verdict | another one |
| --- | --- | --- | --- |
${rows.join("\n")}

The other verdicts, of json_web_signature_test:

${reasons.join("\n")}
`;
}

/** How often each status came. */
async function randomTokens(seed: number, say: (line: string) => void): Promise<ReadonlyMap<number, number>> {
  const tokens = await RandomTokens.create(seed);
  const limits = { memoryMiB: 64 };
  await using proxy = await start({
    host: "emulator",
    config: await RandomTokens.config(),
    limits,
    upstream: () => ({}),
  });
  const statuses = new Map<number, number>();
  for (let i = 0; i < RANDOM; i++) {
    if (i % 100_000 === 0) say(`${number(i)} random tokens`);
    const input = tokens.request();
    const { status } = await proxy.request(input);
    if (![200, 400, 401].includes(status))
      throw new Error(`seed ${seed}, token ${i}: ${status} ${JSON.stringify(input)}`);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  return new Map([...statuses].sort(([a], [b]) => a - b));
}

/** Many tokens that are right, each once. */
async function distinct(say: (line: string) => void): Promise<{ first: number; before: number; after: number }> {
  const key = await keyOf("HS256", "many");
  const provider = { algorithms: ["HS256"], claimHeaders: [{ claim: "sub", header: "x-user" }] };
  await using proxy = await start({ host: "envoy", config: config([key], provider), upstream: () => ({}) });
  const { body } = await admin(proxy, "/listeners?format=json");
  const { listener_statuses } = JSON.parse(body) as {
    listener_statuses: { local_address: { socket_address: { address: string; port_value: number } } }[];
  };
  const { address, port_value } = listener_statuses[0]!.local_address.socket_address;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  let next = 0;
  const ask = async (): Promise<void> => {
    const headers = { host: "example.test", authorization: `Bearer ${await token(key, { sub: `user-${next++}` })}` };
    await new Promise<void>((resolve, reject) => {
      http
        .get({ host: address, port: port_value, agent, headers }, (response) => {
          response
            .resume()
            .on("end", () =>
              response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`)),
            );
        })
        .on("error", reject);
    });
  };
  const until = (count: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: 16 }, async () => {
        while (next < count) {
          if (next % 20_000 === 0) say(`${next} tokens`);
          await ask();
        }
      }),
    );
  const { pid } = proxy as unknown as { pid: number };
  const resident = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
  const first = 10_000;
  await until(first);
  const before = resident();
  await until(DISTINCT);
  agent.destroy();
  return { first, before, after: resident() };
}

async function costs(
  wasm: string,
  seed: number,
  say: (line: string) => void,
): Promise<{ rounds: number; rows: string[] }> {
  const key = await keyOf("RS256", "bench");
  const bearer = await token(key, { scope: "orders:read orders:write", exp: Math.floor(Date.now() / 1000) + 86_400 });
  const request = [
    ...requestTo(LOAD_PATH).filter(([name]) => name !== "authorization"),
    ["authorization", `Bearer ${bearer}`] as const,
  ];
  const workloads: Workload[] = WORKLOADS.map((workload) => ({
    ...workload,
    sets: [],
    adds: null,
    removes: null,
    requests: [request],
  }));
  // Workload a: the token is known; b: it is verified each time.
  const native = (cached: boolean): envoyConfig.JsonObject => ({
    name: "jwt_authn",
    typed_config: {
      "@type": NATIVE,
      providers: {
        main: {
          issuer: ISSUER,
          audiences: ["orders"],
          local_jwks: { inline_string: jwks(key) },
          ...(cached ? { jwt_cache_config: { jwt_cache_size: 1000 } } : {}),
        },
      },
      rules: [{ match: { prefix: "/" }, requires: { provider_name: "main" } }],
    },
  });
  const ours = (cacheSize: number): envoyConfig.JsonObject =>
    envoyConfig.staticFilter({
      name: "jwt-auth",
      vmId: `jwt-${cacheSize}`,
      code: { file: wasm },
      config: new TextEncoder().encode(JSON.stringify(config([key], { audiences: ["orders"], cacheSize }))),
      failurePolicy: "FAIL_CLOSED",
    });
  const floor = envoyConfig.staticFilter({
    name: "floor",
    vmId: "jwt-floor",
    code: { file: await buildJwtFloor() },
    config: null,
    failurePolicy: "FAIL_CLOSED",
  });
  const rows: Row[] = [
    { id: "none", filters: { a: [], b: [] }, bytes: null },
    { id: "native", filters: { a: [native(true)], b: [native(false)] }, bytes: null },
    { id: "floor", filters: { a: [floor], b: [floor] }, bytes: null },
    { id: "meshwasm", filters: { a: [ours(1000)], b: [ours(0)] }, bytes: null },
  ];
  const envoy = await findEnvoy({ onProgress: say });
  const { process: proxy, targets } = await startEnvoy(envoy.path, rows, workloads);
  try {
    const samples = await measure(proxy.pid, targets, COST, randomFrom(seed), (round) => say(`round ${round}`));
    const cell = (id: "a" | "b", row: Row["id"]): readonly number[] => samples.over.get(id)!.get(row)!;
    const text = (values: readonly number[]): string =>
      `${median(values).toFixed(2)}, ${Math.min(...values).toFixed(2)}`;
    return {
      rounds: samples.none.length,
      rows: (["a", "b"] as const).map((id) => {
        const [n, f, o] = [cell(id, "native"), cell(id, "floor"), cell(id, "meshwasm")];
        const ratio = (a: readonly number[], b: readonly number[]): string => (median(a) / median(b)).toFixed(2);
        return `| RS256, ${id === "a" ? "known" : "verified each time"} | ${text(n)} | ${text(f)} | ${text(o)} | ${ratio(o, f)} | ${ratio(o, n)} |`;
      }),
    };
  } finally {
    await proxy.stop();
  }
}
