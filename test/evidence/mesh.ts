/* The image with those who take it, the manifests with what reads them, and whether the same image comes out everywhere. */

import { execFileSync, spawnSync } from "node:child_process";
import { tool } from "../mesh/tools.js";
import type { Section } from "./main.js";

const FILES = [
  ["Consumers of the published image", "test/mesh/consumers.mesh.ts"],
  ["Manifests", "test/mesh/manifests.mesh.ts"],
  ["The same digest", "test/e2e/reproducible.test.ts"],
] as const;

export const mesh: Section = {
  name: "mesh",
  title: "Images and manifests in the meshes' own hands",
  async run() {
    const parts = FILES.map(([title, file]) => `${title} (\`${file}\`):\n\n${table(file)}`);
    return `${versions()}\n\n${parts.join("\n\n")}\n`;
  },
};

/** Names and verdicts of the tests in a file, as Node's runner gives them. */
function table(file: string): string {
  const args = ["--import", "tsx", "--test", "--test-reporter=tap", file];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${file} failed:\n${stdout}`);
  const rows = [...stdout.matchAll(/^( *)(ok|not ok) \d+ - (.+)$/gm)]
    .map(([, , verdict, name]) => ({
      verdict,
      name: name!.replace(/ # SKIP.*/, ""),
      skipped: name!.includes("# SKIP"),
    }))
    .filter(({ name }) => name !== "CRDs");
  if (rows.length === 0) throw new Error(`${file}: no test ran`);
  const lines = rows.map(({ verdict, name, skipped }) => `| ${name} | ${skipped ? "not run" : verdict} |`);
  return ["| what | verdict |", "|---|---|", ...lines].join("\n");
}

function versions(): string {
  const of = (file: string, ...args: string[]): string =>
    /v?\d+\.\d+\.\d+/.exec(execFileSync(file, args, { encoding: "utf8" }))?.[0] ?? "unknown";
  let skopeo = "none";
  try {
    skopeo = of("skopeo", "--version");
  } catch {
    // Its row says that it was not run.
  }
  const go = /istio\.io\/istio (\S+)/.exec(
    execFileSync("go", ["version", "-m", tool("istiofetch")], { encoding: "utf8" }).replace(/\t/g, " "),
  );
  return `Istio ${go?.[1] ?? "unknown"} (\`pkg/wasm\`), cosign ${of(tool("cosign"), "version")}, oras ${of(tool("oras"), "version")}, skopeo ${skopeo}, crane ${execFileSync(
    tool("crane"),
    ["version"],
    { encoding: "utf8" },
  ).trim()}.`;
}
