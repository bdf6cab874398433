// Started by host.test.ts, which kills it and looks whether its Envoy is gone.
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEnvoyProxy } from "../host.js";

const before = new Set(readdirSync(tmpdir()));
const proxy = await createEnvoyProxy({ name: "parent", module: process.argv[2]!, config: "x", onProgress: () => {} });
const directory = readdirSync(tmpdir()).find((name) => name.startsWith("meshwasm-envoy-") && !before.has(name));
process.stdout.write(`${JSON.stringify({ pid: proxy.pid, directory: join(tmpdir(), directory ?? "none") })}\n`);
if (process.argv[3] !== "forget") setInterval(() => {}, 1000);
