// Writes docs/abi.md: node --import tsx scripts/abi-table.mjs
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { abiTable } from "../toolchain/build/peers.ts";

const file = fileURLToPath(new URL("../docs/abi.md", import.meta.url));
writeFileSync(file, await format(abiTable(), { ...(await resolveConfig(file)), parser: "markdown" }));
