import { MeshError } from "./errors.js";

export interface TargetRef {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
}

export interface Match {
  readonly mode?: "CLIENT" | "SERVER" | "CLIENT_AND_SERVER";
  readonly ports?: readonly number[];
}

/** Labels of metrics that there are when the configuration has, or lists, a value under a key: `{ presets: red, labels: [code] }`. */
export interface LabelsWhen {
  readonly labels: readonly string[];
  readonly [key: string]: unknown;
}

/** Where and with what a mesh runs a filter: the section `mesh` of filter.yaml, and the flags that win over it. */
export interface MeshSettings {
  /** host/repository where the filter is published. */
  readonly image?: string;
  /** Labels of the workloads; excludes targetRefs. */
  readonly selector?: Readonly<Record<string, string>>;
  readonly targetRefs?: readonly TargetRef[];
  readonly match?: readonly Match[];
  /** Kubernetes Secret with the registry's login. */
  readonly pullSecret?: string;
  /** Environment variables of the module. */
  readonly env?: Readonly<Record<string, string>>;
  /** Environment variables that it gets from the proxy's. */
  readonly hostEnv?: readonly string[];
  /** Labels of the filter's metrics, which Envoy must be told to tell apart. */
  readonly metricLabels?: readonly (string | LabelsWhen)[];
  /** Where the clusters that the configuration names are: a URL, or "existing". */
  readonly clusters?: Readonly<Record<string, string>>;
}

const KEYS = ["image", "selector", "targetRefs", "match", "pullSecret", "env", "hostEnv", "metricLabels", "clusters"];
const MODES = ["CLIENT", "SERVER", "CLIENT_AND_SERVER"];
const LABEL_KEY = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/;
const OBJECT_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/;

/** Checks settings that may be anybody's: an image carries those of its project. `where` begins the message. */
export function readSettings(value: unknown, where: string): MeshSettings {
  const bad = (reason: string): MeshError => new MeshError(`${where}: ${reason}`);
  const settings = mapping(value, "", bad);
  for (const key of Object.keys(settings)) {
    if (!KEYS.includes(key)) throw bad(`unknown key "${key}"; known are: ${KEYS.join(", ")}`);
  }
  const { selector, targetRefs } = settings;
  if (selector !== undefined && targetRefs !== undefined) throw bad("selector and targetRefs exclude one another");
  const strings = (key: string): void => {
    for (const [name, text] of Object.entries(mapping(settings[key] ?? {}, key, bad))) {
      if (typeof text !== "string") throw bad(`${key}.${name} must be a string; put it in quotes`);
    }
  };
  for (const key of ["selector", "env", "clusters"]) strings(key);
  for (const [key, value] of Object.entries((settings["selector"] as Record<string, string> | undefined) ?? {})) {
    if (!LABEL_KEY.test(key) || !LABEL_VALUE.test(value)) throw bad(`"${key}=${value}" is not a label of Kubernetes`);
  }
  for (const key of ["image", "pullSecret"]) {
    if (settings[key] !== undefined && typeof settings[key] !== "string") throw bad(`${key} must be a string`);
  }
  const { pullSecret } = settings;
  if (typeof pullSecret === "string" && !OBJECT_NAME.test(pullSecret))
    throw bad(`pullSecret "${pullSecret}" is not the name of a Secret (lower-case letters, digits, "-" and ".")`);
  const twice = Object.keys((settings["env"] as object | undefined) ?? {}).find((name) =>
    list(settings["hostEnv"], "hostEnv", bad).includes(name),
  );
  if (twice !== undefined) throw bad(`the variable ${twice} is in env and in hostEnv; say its value once`);
  list(settings["targetRefs"], "targetRefs", bad).forEach((ref) => {
    const { group = "", kind, name } = mapping(ref, "targetRefs[]", bad);
    if (typeof group !== "string" || typeof kind !== "string" || typeof name !== "string")
      throw bad("each of targetRefs needs kind and name, and a group when it is not core");
  });
  list(settings["match"], "match", bad).forEach((entry) => {
    const { mode, ports = [] } = mapping(entry, "match[]", bad);
    if (mode !== undefined && !MODES.includes(mode as string))
      throw bad(`match[].mode must be one of ${MODES.join(", ")}`);
    for (const port of list(ports, "match[].ports", bad)) {
      if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65535)
        throw bad("match[].ports are numbers from 1 to 65535");
    }
  });
  const labels = list(settings["metricLabels"], "metricLabels", bad).flatMap((entry): unknown[] => {
    if (typeof entry === "string") return [entry];
    const { labels, ...when } = mapping(entry, "metricLabels[]", bad);
    const only = Object.values(when);
    if (only.length !== 1 || !["string", "number", "boolean"].includes(typeof only[0]))
      throw bad("each of metricLabels is a label, or { KEY: VALUE, labels: [...] } for one value of the configuration");
    return list(labels, "metricLabels[].labels", bad);
  });
  for (const label of labels) {
    if (typeof label !== "string" || !/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(label))
      throw bad(`"${String(label)}" is not the name of a metric's label`);
  }
  const names = [
    ...Object.keys((settings["env"] as object | undefined) ?? {}),
    ...list(settings["hostEnv"], "hostEnv", bad),
  ];
  for (const name of names) {
    if (typeof name !== "string" || !ENV_NAME.test(name))
      throw bad(`"${String(name)}" is not the name of an environment variable`);
  }
  const refs = list(settings["targetRefs"], "targetRefs", bad).map((ref) => ({
    group: "",
    ...(ref as object),
  })) as TargetRef[];
  return { ...settings, ...(targetRefs === undefined ? {} : { targetRefs: refs }) } as MeshSettings;
}

type Bad = (reason: string) => MeshError;

function mapping(value: unknown, key: string, bad: Bad): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw bad(`${key || "it"} must be a mapping`);
  return value as Record<string, unknown>;
}

function list(value: unknown, key: string, bad: Bad): unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw bad(`${key} must be a list`);
  return value as unknown[];
}
