import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const made: string[] = [];
process.on("exit", () => made.forEach((dir) => rmSync(dir, { recursive: true, force: true })));

/** The smallest filter, and one that has to be told from the others by nothing. */
export const SMALLEST = `import { HeadersAction, HttpFilter, NoConfig, Plugin, registerHttpFilter } from "meshwasm/sdk";
class P extends Plugin<NoConfig> {}
class F extends HttpFilter<P> {
  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.response.headers.set("x-hello", "world");
    return HeadersAction.Continue;
  }
}
registerHttpFilter<F, P, NoConfig>();
`;

/** Files of a project that is compiled without optimisation, which takes a third of the time. */
const UNOPTIMISED: Readonly<Record<string, string>> = {
  "filter.yaml": "name: sample\n",
  "asconfig.json": "{}",
  "assembly/index.ts": SMALLEST,
};

/** A project in a new folder outside this repository, which goes when the process does. A file of null is left out. */
export function makeProject(files: Readonly<Record<string, string | null>> = {}): string {
  const dir = mkdtempSync(join(tmpdir(), "meshwasm-test-"));
  made.push(dir);
  for (const [name, text] of Object.entries({ ...UNOPTIMISED, ...files })) {
    if (text === null) continue;
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

/** As it is shipped: with the options that projects inherit. */
export const OPTIMISED = { "asconfig.json": '{ "extends": "meshwasm/asconfig.json" }' };
