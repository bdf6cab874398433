/* npm run evidence: measures, and writes docs/evidence.md. Nothing there is typed by hand. Sections can be named to run
 * only some of them; the others keep what they wrote last. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { bench } from "./bench.js";
import { config } from "./config.js";
import { emulator } from "./emulator.js";
import { fidelity } from "./fidelity.js";
import { fuzz } from "./fuzz.js";
import { headerRewrite } from "./header-rewrite.js";
import { hosts } from "./hosts.js";
import { jwtAuth } from "./jwt-auth.js";
import { memory } from "./memory.js";
import { metrics } from "./metrics.js";
import { mesh } from "./mesh.js";
import { pattern } from "./pattern.js";
import { rateLimit } from "./rate-limit.js";
import { runtime } from "./runtime.js";
import { crypto, std, stdSpeed } from "./std.js";
import { times } from "./times.js";

export interface Section {
  readonly name: string;
  readonly title: string;
  /** Markdown of the section. */
  run(): Promise<string>;
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const SECTIONS: readonly Section[] = [
  times,
  bench,
  config,
  headerRewrite,
  metrics,
  jwtAuth,
  rateLimit,
  fuzz,
  memory,
  runtime,
  std,
  pattern,
  crypto,
  stdSpeed,
  fidelity,
  hosts,
  emulator,
  mesh,
];
const figures = join(root, "test/evidence/figures");

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !SECTIONS.some((section) => section.name === name));
if (unknown) {
  process.stderr.write(
    `there is no section ${unknown}; sections: ${SECTIONS.map((section) => section.name).join(", ")}\n`,
  );
  process.exit(2);
}
mkdirSync(figures, { recursive: true });

let failed = false;
for (const section of SECTIONS) {
  if (wanted.length && !wanted.includes(section.name)) continue;
  process.stdout.write(`== ${section.name}\n`);
  try {
    writeFileSync(join(figures, `${section.name}.md`), await section.run());
  } catch (error) {
    process.stderr.write(`${section.name}: ${(error as Error).stack}\n`);
    failed = true;
  }
}

const parts = SECTIONS.flatMap((section) => {
  try {
    return [`## ${section.title}\n\n${readFileSync(join(figures, `${section.name}.md`), "utf8").trim()}\n`];
  } catch {
    return [];
  }
});
const cpu = os.cpus();
writeFileSync(
  join(root, "docs/evidence.md"),
  `# Evidence

Written by \`npm run evidence\`; figures are of one run on a shared machine (${cpu.length} × ${cpu[0]?.model.trim()}, Node
${process.versions.node}). Compare ratios, not times.

${parts.join("\n")}`,
);
process.exitCode = failed ? 1 : 0;
