/* The other side's own tools, built from their Go modules into the cache and kept there. */

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheDirectory } from "../../toolchain/hosts/envoy/index.js";
import { root } from "../e2e/support.js";

const ISTIO = join(root, "test/mesh/istio");
const cache = join(cacheDirectory(), "go");
const GO = { GOFLAGS: "-p=1 -mod=mod -buildvcs=false", CGO_ENABLED: "0" };

/** Go tools by the package that `go install` takes. */
const INSTALLED = {
  crane: "github.com/google/go-containerregistry/cmd/crane@v0.22.1",
  cosign: "github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3",
  oras: "oras.land/oras/cmd/oras@v1.3.6",
} as const;

export type Tool = keyof typeof INSTALLED | "istiofetch";

/** Why no Go tool can be built here, or null. In CI that is a failure, not a reason to skip. */
export function noGo(): string | null {
  try {
    execFileSync("go", ["version"], { stdio: "ignore" });
    return null;
  } catch {
    if (process.env["CI"]) throw new Error("Go is not on PATH; CI needs it for npm run test:mesh");
    return "Go is not on PATH: install it from go.dev to run this test";
  }
}

/** The tool's path; built when it is not in the cache. */
export function tool(name: Tool): string {
  const file = join(cache, "bin", name);
  if (name !== "istiofetch") {
    // One folder per version: a newer pin is built anew.
    const folder = join(cache, "bin", INSTALLED[name].split("@")[1]!);
    if (!existsSync(join(folder, name))) go(["install", INSTALLED[name]], root, { GOBIN: folder });
    return join(folder, name);
  }
  // Built again when its sources say something else.
  const folder = join(cache, "istiofetch");
  const sources = ["go.mod", "go.sum", "main.go"].map((each) => readFileSync(join(ISTIO, each), "utf8")).join("\n");
  const stamp = join(folder, "built-from");
  if (!existsSync(file) || !existsSync(stamp) || readFileSync(stamp, "utf8") !== sources) {
    mkdirSync(folder, { recursive: true });
    cpSync(ISTIO, folder, { recursive: true });
    go(["build", "-o", file, "."], folder, {});
    writeFileSync(stamp, sources);
  }
  return file;
}

/** The folder of a Go module in the module cache. */
export function goModule(module: string): string {
  const out = go(["mod", "download", "-json", module], ISTIO, {});
  return (JSON.parse(out) as { Dir: string }).Dir;
}

function go(args: readonly string[], cwd: string, env: Record<string, string>): string {
  process.stderr.write(`go ${args.join(" ")}\n`);
  return execFileSync("nice", ["-n", "10", "go", ...args], {
    cwd,
    env: { ...process.env, ...GO, ...env },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 1_800_000,
  });
}
