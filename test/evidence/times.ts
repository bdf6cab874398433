import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Section } from "./main.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Times of the main job and the size of what it makes. */
export const times: Section = {
  name: "times",
  title: "The main job: times and size",
  async run() {
    const work = mkdtempSync(join(tmpdir(), "meshwasm-evidence-"));
    try {
      const user = firstGreenTest(work);
      const project = join(root, "examples/hello");
      rmSync(join(project, "build"), { recursive: true, force: true });
      const cold = seconds(["dist/cli.js", "build", project]);
      const warm = seconds(["--import", "tsx", join(root, "test/evidence/warm-build.ts"), project]);
      const demo = seconds(["--import", "tsx", "test/demo/main.ts"]);
      const size = statSync(join(project, "build/filter.wasm")).size;
      return `| what | measured |
|---|---|
| \`meshwasm init\` to the first green test on Envoy, \`npm install\` from the packed package included | ${user} |
| \`meshwasm build\`, new process | ${cold.total} |
| build again in the same process | ${warm.output} |
| \`npm run demo\`, Envoy in the cache | ${demo.total} |
| module of the \`http\` template | ${size} bytes |
`;
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  },
};

function seconds(args: string[]): { total: string; output: string } {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}: ${stderr}`);
  return { total: `${((performance.now() - started) / 1000).toFixed(1)} s`, output: stdout.trim() };
}

/** The end-to-end test of the packed package measures this. */
function firstGreenTest(work: string): string {
  const { status, stdout } = spawnSync(process.execPath, ["--import", "tsx", "--test", "test/e2e/user.test.ts"], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, MESHWASM_EVIDENCE_DIR: work, NODE_TEST_CONTEXT: undefined },
  });
  if (status !== 0) throw new Error(`test/e2e/user.test.ts failed:\n${stdout}`);
  const { initToFirstGreenEnvoyTestMs } = JSON.parse(readFileSync(join(work, "user.json"), "utf8")) as {
    initToFirstGreenEnvoyTestMs: number;
  };
  return `${(initToFirstGreenEnvoyTestMs / 1000).toFixed(1)} s`;
}
