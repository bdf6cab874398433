/* The probe on the emulator and on each supported Envoy: how much was compared, and what differs. */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SUPPORTED_VERSIONS } from "../../toolchain/hosts/envoy/versions.js";
import { WITHOUT, DIFFERENCES, HARMFUL, unknown } from "../fidelity/differences.js";
import { buildProbe } from "../fidelity/probe.js";
import { compare, transcribe, type Difference } from "../fidelity/run.js";
import { SCENARIOS } from "../fidelity/scenarios.js";
import type { Section } from "./main.js";

export const fidelity: Section = {
  name: "fidelity",
  title: "Fidelity of the emulator",
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "meshwasm-fidelity-"));
    const rows: string[] = [];
    const news: string[] = [];
    try {
      for (const version of SUPPORTED_VERSIONS) {
        const absent = WITHOUT[version] ?? [];
        const own = join(folder, version);
        mkdirSync(own);
        const probe = await buildProbe(own, absent);
        const found: Difference[] = [];
        let places = 0;
        for (const scenario of SCENARIOS) {
          process.stdout.write(`${version}: ${scenario.name}\n`);
          const emulator = await transcribe(scenario, "emulator", probe, version);
          const envoy = await transcribe(scenario, "envoy", probe, version);
          places += envoy.size;
          found.push(...compare(scenario.name, emulator, envoy));
        }
        const listed = DIFFERENCES.filter((each) => each.versions?.includes(version) ?? true).length;
        const more = unknown(found, version).news;
        news.push(...more.map(({ scenario, where }) => `${version}, ${scenario}: ${where}`));
        const kinds = listed + (absent.length > 0 ? 1 : 0);
        rows.push(
          `| ${version} | ${SCENARIOS.length} | ${places.toLocaleString("en-US")} | ${kinds} | ${more.length} | ${absent.length} |`,
        );
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
    if (news.length > 0) throw new Error(`differences that are not listed:\n${news.slice(0, 100).join("\n")}`);
    return `A module that makes every host call with good, empty, huge and wrong arguments in every phase (test/fidelity), on the
emulator and on each Envoy. A place is one variant of a call in one phase, or one part of an exchange. Each difference and
its cause is in test/fidelity/differences.ts, and so are the ${Object.keys(HARMFUL).length} things that harm Envoy, which the emulator refuses by name.

| Envoy | scenarios | places compared | kinds of differences listed | differences not listed | host functions left out |
|---|---|---|---|---|---|
${rows.join("\n")}
`;
  },
};
