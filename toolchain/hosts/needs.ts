import type { HostName, Need } from "./types.js";

const HOSTS: readonly string[] = ["emulator", "envoy"] satisfies HostName[];

/** A mistake in the options of createProxy. */
export class ProxyOptionsError extends Error {
  override readonly name: string = "ProxyOptionsError";
  readonly expected = true;
}

/** The host cannot give what the test needs. */
export class NeedsError extends ProxyOptionsError {
  override readonly name = "NeedsError";
}

/** The host that a test runs on: the given one, else MESHWASM_HOST, else the emulator. */
export function hostName(host?: HostName): HostName {
  const name: string = host ?? (process.env.MESHWASM_HOST || "emulator");
  if (!HOSTS.includes(name)) throw new ProxyOptionsError(`There is no host "${name}"; use "emulator" or "envoy".`);
  return name as HostName;
}

const REASONS: Readonly<Record<Need, { host: HostName; reason: string }>> = {
  clock: { host: "emulator", reason: "it needs a clock that the test moves, and Envoy's is the real one" },
  envoy: { host: "envoy", reason: "it needs what only a real Envoy has" },
};

/** Why a test with these needs does not run on the host; null when it does. */
export function lacking(needs: readonly Need[], host?: HostName): string | null {
  const on = hostName(host);
  for (const need of needs) {
    const known = (REASONS as Record<string, { host: HostName; reason: string } | undefined>)[need];
    if (known === undefined) throw new ProxyOptionsError(`There is no need "${need}"; use "clock" or "envoy".`);
    if (known.host !== on) return `not run on ${on === "envoy" ? "Envoy" : "the emulator"}: ${known.reason}`;
  }
  return null;
}

/** What `needing` asks of a runner's `test` or `it`: that of node:test, Vitest, Jest, Mocha and others. */
export interface RunnerTest {
  (name: string, ...rest: never[]): unknown;
  skip(name: string, ...rest: never[]): unknown;
}

/**
 * The runner's own `test` where the host has what the test needs; elsewhere its `test.skip`, with the reason in the
 * test's name, so that any runner reports it:
 * `needing(test, ["clock"])("a bucket fills again", async () => { … })`
 */
export function needing<T extends RunnerTest>(test: T, needs: readonly Need[], host?: HostName): T {
  const reason = lacking(needs, host);
  if (reason === null) return test;
  const skip = (name: string, ...rest: never[]): unknown => test.skip(`${name} (${reason})`, ...rest);
  // What else the runner's function carries (only, each, …) stays within reach.
  return new Proxy(test, { apply: (_target, _this, args: [string, ...never[]]) => skip(...args) });
}
