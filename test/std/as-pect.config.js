// Unit tests in AssemblyScript: `npm run test:std`, or with the specs that are wanted:
// `npm run test:std -- sdk/std/utf8.spec.ts`. All are compiled into one module, which takes a tenth of the time.
import { readdirSync } from "node:fs";

const specs = readdirSync("sdk/std")
  .filter((file) => file.endsWith(".spec.ts"))
  .map((file) => `sdk/std/${file}`)
  .sort();
const named = process.argv.some((argument) => argument.endsWith(".spec.ts"));

export default {
  entries: named ? [] : specs.slice(0, 1),
  // An empty list would mean a folder of its own choice.
  include: named || specs.length < 2 ? ["none"] : specs.slice(1),
  disclude: [],
  instantiate: (memory, createImports, instantiate, binary) => instantiate(binary, createImports({ env: { memory } })),
};
