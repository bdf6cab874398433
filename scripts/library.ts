// Builds the filters of the library into dist/library, as the package ships them: node --import tsx scripts/library.ts
import { buildLibrary } from "../cli/image/library.js";

const names = await buildLibrary();
console.error(`dist/library: ${names.join(", ")}`);
