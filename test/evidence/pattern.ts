import { Cases, everyPattern, everyText, type Case } from "../std/pattern-cases.js";
import { Differential, type Agreement } from "../std/pattern-differential.js";
import { GoRegexp } from "../std/pattern-oracle.js";
import { speeds } from "../std/pattern-speed.js";
import type { Section } from "./main.js";

const CASES = 40_000;
const TEXTS = 5;

/** Regular expressions compared with Go's, result by result and time by time. */
export const pattern: Section = {
  name: "pattern",
  title: "std: regular expressions beside Go's",
  async run() {
    using oracle = new GoRegexp();
    const seed = 1 + Math.floor(Math.random() * 999_999_999);
    process.stdout.write(`seed ${seed}\n`);
    const generated = await Differential.of(oracle);
    const cases = new Cases(seed);
    for (let i = 0; i < CASES; i += 1000)
      generated.compare(Array.from({ length: 1000 }, (_, j) => cases.at(i + j, TEXTS)));
    const every = await Differential.of(oracle);
    for (const batch of small()) every.compare(batch);
    return `${agreement(seed, generated.seen, every.seen)}\n${await times(oracle)}`;
  },
};

function* small(): Generator<Case[]> {
  const forms = [
    "%s%s",
    "%s|%s",
    "%s*",
    "%s+",
    "%s?",
    "%s*?",
    "%s+?",
    "%s??",
    "%s{2}",
    "%s{1,}",
    "%s{0,2}?",
    "(%s)",
    "%s|",
  ];
  const grouped = forms.map((form) => (form === "(%s)" ? form : form.replaceAll("%s", "(?:%s)")));
  const texts = everyText(4, ["a", "b"]).map((text) => Buffer.from(text));
  const template = Buffer.from("<$1>");
  let batch: Case[] = [];
  for (const source of everyPattern(2, 3, ["a", "b", "^", "$", "()"], grouped)) {
    batch.push({ pattern: Buffer.from(source), template, texts });
    if (batch.length < 1000) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}

function agreement(seed: number, generated: Agreement, every: Agreement): string {
  const number = (n: number): string => n.toLocaleString("en-US");
  const row = (what: string, seen: Agreement): string => {
    const only = [...seen.exceptions].map(([reason, n]) => `${number(n)} (${reason})`).join(", ") || "0";
    const cells = [seen.taken, seen.refused, only, seen.pairs, seen.matching, 0];
    return `| ${what} | ${cells.map((n) => (typeof n === "number" ? number(n) : n)).join(" | ")} |`;
  };
  return `Each pattern is compiled here and by Go's \`regexp\`, and each text is given to both: whether both take the pattern, whether
it matches, and as a whole, the places of all groups, of all matches, and the text with all matches replaced. Each of the
engine's machines says the same, too. Seed of the generated ones: ${seed}. One disagreement ends the run.

| patterns | both take | both refuse | only Go takes | pairs of a pattern and a text | of them match | disagreements |
|---|---|---|---|---|---|---|
${row("generated", generated)}
${row("every one of up to two atoms and three operators, with every text of up to four letters a and b", every)}
`;
}

async function times(oracle: GoRegexp): Promise<string> {
  const rows = (await speeds(oracle)).map(({ kind, pattern, bytes, matches, capture, goMatches, goCapture }) => {
    const source = `\`${pattern.replaceAll("|", "\\|")}\``;
    const cells = [matches, goMatches].map((n) => n.toFixed(0)).concat((goMatches / matches).toFixed(2));
    cells.push(...[capture, goCapture].map((n) => n.toFixed(0)), (goCapture / capture).toFixed(2));
    return `| ${kind} | ${source} | ${bytes.toLocaleString("en-US")} | ${cells.join(" | ")} |`;
  });
  return `Nanoseconds of one call, the best of many rounds: here in Node's V8, Go native. More than 1 × Go is faster than Go.

| text | pattern | bytes | \`matches\` | Go \`Match\` | × Go | \`capture\` | Go \`FindSubmatchIndex\` | × Go |
|---|---|---|---|---|---|---|---|---|
${rows.join("\n")}
`;
}
