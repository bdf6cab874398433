/* Measures which attribute can be read where, and writes the table of docs/properties.md:
 * node --import tsx test/sdk/properties/record.ts */

import { writeFileSync } from "node:fs";
import { exchange } from "./exchange.js";
import { guide, GUIDE, table } from "./table.js";

const { before, after } = guide();
writeFileSync(GUIDE, `${before}\n${table((await exchange()).readings)}\n${after}`);
