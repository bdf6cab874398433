/* The same tests on both hosts: of the library's filters, the examples and the project that `meshwasm init` makes. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { freshFolder, makeProject, meshwasm, root } from "../e2e/support.js";
import type { Section } from "./main.js";

export const hosts: Section = {
  name: "hosts",
  title: "One test, two hosts",
  async run() {
    const folder = freshFolder();
    try {
      const made = await makeProject(join(folder.path, "made"));
      const projects = [
        { title: "`meshwasm init`", dir: made },
        ...["filters", "examples"].flatMap((parent) =>
          readdirSync(join(root, parent), { withFileTypes: true })
            .filter((entry) => entry.isDirectory() && readdirSync(join(root, parent, entry.name)).includes("test"))
            .map(({ name }) => ({ title: `${parent}/${name}`, dir: join(root, parent, name) })),
        ),
      ];
      const rows: string[] = [];
      const sums = [0, 0, 0];
      for (const { title, dir } of projects) {
        const [emulator, envoy] = [await green(dir, "emulator"), await green(dir, "envoy")];
        const both = [...emulator.names].filter((name) => envoy.names.has(name)).length;
        [emulator.names.size, envoy.names.size, both].forEach((count, i) => (sums[i]! += count));
        rows.push(`| ${title} | ${emulator.names.size} | ${envoy.names.size} | ${both} |`);
      }
      return `Tests that pass, by name, the same files on both hosts; what only one host can do says so (\`needs\`) and is not run on the
other.

| project | emulator | Envoy | green on both |
|---|---|---|---|
${rows.join("\n")}
| together | ${sums.join(" | ")} |
`;
    } finally {
      folder.remove();
    }
  },
};

/** Names of the tests that pass; suites stand before them. Throws when one fails. */
async function green(dir: string, host: string): Promise<{ names: Set<string> }> {
  const { code, stdout, stderr } = await meshwasm(["test", dir, "--host", host], { timeoutMs: 600_000 });
  if (code !== 0) throw new Error(`${dir} on ${host} ended with ${code}:\n${stdout}${stderr}`);
  const names = new Set<string>();
  const suites: string[] = [];
  for (const line of stdout.split("\n")) {
    const begun = /^( *)# Subtest: (.*)$/.exec(line);
    if (begun) {
      suites.length = begun[1]!.length / 4;
      suites.push(begun[2]!);
    }
    const passed = /^( *)ok \d+ - (.*)$/.exec(line);
    if (!passed || / # (SKIP|TODO)/.test(line)) continue;
    // What has tests of its own is told after them, at the level above.
    if (passed[1]!.length / 4 === suites.length - 1) names.add(suites.join(" › "));
  }
  return { names };
}
