/* What a filter costs in Envoy beside its peers: the report of `npm run bench`, as it prints it. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Section } from "./main.js";

const main = fileURLToPath(new URL("../bench/main.ts", import.meta.url));

export const bench: Section = {
  name: "bench",
  title: "Cost of a filter beside its peers",
  async run() {
    const child = spawn(process.execPath, ["--import", "tsx", main], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    const code = await new Promise((resolve) => child.on("close", resolve));
    if (code !== 0) throw new Error(`the bench ended with exit code ${String(code)}`);
    return `\`npm run bench\`; test/bench/README.md tells what the rows are and how it is measured.

\`\`\`
${text.trim()}
\`\`\``;
  },
};
