/* The main job, end to end: build two filters, publish them, run an Envoy that takes both modules from the registry by
 * digest, and show what they do to real requests. Exits 1 when any answer is not what it must be. */

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { config, EnvoyProcess, findEnvoy, workDirectory } from "../../toolchain/hosts/envoy/index.js";

type Lines = readonly (readonly [string, string])[];
type Snippet = { http_filters: config.JsonObject[]; clusters: config.JsonObject[] };

const root = fileURLToPath(new URL("../..", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "meshwasm-demo-"));
const times: [string, number][] = [];
let wrong = 0;

/** The filters, what they are told, and the images they become. */
const FILTERS = [
  { dir: "examples/hello", image: "demo/hello", config: { greeting: "hello from Wasm", blockedPath: "/private" } },
  {
    dir: "filters/header-rewrite",
    image: "filters/header-rewrite",
    config: {
      request: [
        { op: "set", name: "x-team", value: "payments" },
        { op: "remove", name: "x-internal-token" },
      ],
      response: [
        { op: "add", name: "cache-control", value: "no-store" },
        { op: "remove", name: "x-powered-by" },
      ],
    },
  },
];

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  process.stdout.write(`\n== ${name}\n`);
  const result = await work();
  times.push([name, performance.now() - started]);
  return result;
}

/** Runs the command line as a user does; its standard output. */
function meshwasm(...args: string[]): Promise<string> {
  process.stdout.write(`$ npx meshwasm ${args.join(" ")}\n`);
  const child = spawn(process.execPath, ["dist/cli.js", ...args], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (data: Buffer) => (out += data.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(out) : reject(new Error(`meshwasm ${args[0]} ended with ${code}`)),
    );
  });
}

/** Starts `meshwasm registry serve` and waits for its address. */
function registry(): Promise<{ child: ChildProcess; host: string }> {
  const child = spawn(
    process.execPath,
    ["dist/cli.js", "registry", "serve", "--port", "0", "--root", join(work, "registry")],
    {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`the registry ended with ${code}`)));
    child.stdout.on("data", (data: Buffer) => {
      process.stdout.write(data);
      const host = /http:\/\/(\S+?)\/?[,\s]/.exec(data.toString())?.[1];
      if (host) resolve({ child, host });
    });
  });
}

/** An upstream that remembers what it received. */
async function upstream(): Promise<{ port: number; received: () => Lines | null; close: () => void }> {
  let last: Lines | null = null;
  const server = http.createServer((request, response) => {
    last = [[":path", request.url ?? ""], ...pairs(request.rawHeaders)];
    response.sendDate = false;
    response
      .writeHead(200, { "content-type": "text/plain", "x-powered-by": "demo-upstream" })
      .end("from the upstream\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    received: () => {
      const lines = last;
      last = null;
      return lines;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function pairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, i) => (i % 2 ? [] : [[name.toLowerCase(), raw[i + 1]!] as [string, string]]));
}

function get(
  address: string,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; headers: Lines; body: string }> {
  const [host, port] = address.split(":");
  return new Promise((resolve, reject) => {
    const request = http.get(
      { host, port, path, headers: { host: "shop.example", ...headers }, agent: false },
      (response) => {
        let body = "";
        response.on("data", (data: Buffer) => (body += data.toString()));
        response.on("end", () => resolve({ status: response.statusCode!, headers: pairs(response.rawHeaders), body }));
      },
    );
    request.on("error", reject);
  });
}

function show(title: string, lines: Lines): void {
  process.stdout.write(`  ${title}\n`);
  for (const [name, value] of lines) process.stdout.write(`    ${name}: ${value}\n`);
}

function must(what: string, holds: boolean): void {
  process.stdout.write(`  ${holds ? "ok" : "WRONG"}: ${what}\n`);
  if (!holds) wrong++;
}

const valueOf = (lines: Lines | null, name: string) => lines?.find(([each]) => each === name)?.[1];

const cleanups: (() => void | Promise<void>)[] = [() => rmSync(work, { recursive: true, force: true })];
const cleanUp = async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
};
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void cleanUp().then(() => process.exit(130)));

try {
  const envoy = await timed("Envoy", () => findEnvoy({ onProgress: (line) => process.stdout.write(`${line}\n`) }));
  process.stdout.write(`Envoy ${envoy.version} from ${envoy.source}\n`);
  await timed("build", async () => {
    for (const { dir } of FILTERS) process.stdout.write(await meshwasm("build", dir));
  });
  const { child, host } = await timed("registry", registry);
  cleanups.push(() => void child.removeAllListeners("exit").kill("SIGTERM"));

  const snippets: Snippet[] = [];
  await timed("publish", async () => {
    for (const { dir, image } of FILTERS)
      process.stdout.write(await meshwasm("publish", dir, `${host}/${image}:0.1.0`));
  });
  await timed("manifest", async () => {
    for (const [i, { image, config: settings }] of FILTERS.entries()) {
      const file = join(work, `config-${i}.json`);
      writeFileSync(file, JSON.stringify(settings));
      const args = [`${host}/${image}:0.1.0`, "--config", file];
      process.stdout.write(await meshwasm("manifest", ...args, "--for", "istio"));
      // The first document is for a bootstrap, the second the same for ECDS.
      const [bootstrap] = parseAllDocuments(await meshwasm("manifest", ...args, "--for", "envoy"));
      snippets.push(bootstrap!.toJS() as Snippet);
    }
  });

  const server = await upstream();
  cleanups.push(server.close);
  const proxy = await timed("start Envoy; it fetches both modules by digest", () =>
    EnvoyProcess.start({
      envoy: envoy.path,
      directory: workDirectory(),
      bootstrap: config.bootstrap({
        listeners: [config.listener({ filters: snippets.flatMap((snippet) => snippet.http_filters) })],
        clusters: [
          config.cluster({ name: config.UPSTREAM_CLUSTER, host: "127.0.0.1", port: server.port }),
          // Both modules come from one registry: its cluster is the same in both snippets.
          ...new Map(snippets.flatMap((snippet) => snippet.clusters).map((each) => [each["name"], each])).values(),
        ],
      }),
    }),
  );
  cleanups.push(() => proxy.stop());
  const address = await proxy.listenerAddress();
  process.stdout.write(`Envoy on http://${address}\n`);

  await timed("requests", async () => {
    const sent = { "x-internal-token": "s3cret", "x-team": "guessed-by-client" };
    process.stdout.write("GET /cart\n");
    const cart = await get(address, "/cart", sent);
    const seen = server.received();
    show("the client sent", Object.entries(sent));
    show("the upstream received", seen ?? []);
    show("the upstream answered", [
      [":status", "200"],
      ["x-powered-by", "demo-upstream"],
    ]);
    show("the client received", [[":status", String(cart.status)], ...cart.headers]);
    must(
      "the request reached the upstream and came back with 200",
      cart.status === 200 && cart.body === "from the upstream\n",
    );
    must("x-internal-token was removed", seen !== null && valueOf(seen, "x-internal-token") === undefined);
    must("x-team was overwritten", valueOf(seen, "x-team") === "payments");
    must("x-hello was set by the example", valueOf(cart.headers, "x-hello") === "hello from Wasm");
    must("cache-control was added", valueOf(cart.headers, "cache-control") === "no-store");
    must("x-powered-by was removed", valueOf(cart.headers, "x-powered-by") === undefined);

    process.stdout.write("GET /private\n");
    const blocked = await get(address, "/private", {});
    show("the client received", [[":status", String(blocked.status)], ...blocked.headers]);
    must("the filter answered 403 itself", blocked.status === 403 && blocked.body === "blocked\n");
    must("the upstream saw nothing", server.received() === null);
    if (wrong) for (const line of proxy.log) process.stdout.write(`  envoy [${line.level}] ${line.message}\n`);
  });
} catch (error) {
  process.stderr.write(`demo: ${(error as Error).message}\n`);
  wrong++;
} finally {
  await cleanUp();
}

process.stdout.write("\n== times\n");
for (const [name, milliseconds] of times)
  process.stdout.write(`${(milliseconds / 1000).toFixed(1).padStart(6)} s  ${name}\n`);
process.stdout.write(wrong ? `\ndemo: ${wrong} wrong\n` : "\ndemo: all answers are right\n");
process.exitCode = wrong ? 1 : 0;
