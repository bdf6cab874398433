/** Plays the scenarios on a real Envoy and writes what it does: `ENVOY_PATH=… npx tsx record.ts`. */
import { readFileSync, writeFileSync } from "node:fs";
import { createEnvoyProxy } from "../../envoy/host.js";
import { compileProbe } from "./compile.js";
import { optionsOf, play, type Scenario } from "./transcript.js";

const { main } = JSON.parse(readFileSync(new URL("./scenarios.json", import.meta.url), "utf8")) as { main: Scenario };
const module = await compileProbe();
const proxy = await createEnvoyProxy({ ...optionsOf(main), module, name: "filter", allowOnHeadersStopIteration: true });
const transcript = await play(proxy, main);
await proxy.close();
const file = new URL(`./envoy-${proxy.envoyVersion}.json`, import.meta.url);
writeFileSync(file, `${JSON.stringify(transcript, null, 1)}\n`);
