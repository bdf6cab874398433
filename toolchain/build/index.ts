export { build, buildIfStale, generate, inputsOf, inspect, type BuildResult, type ModuleManifest } from "./build.js";
export { CALLBACKS, HOST_FUNCTIONS, WASI_MODULES, type HostFunction, type Marker } from "./abi.js";
export { check, type CheckOptions, type Finding } from "./check.js";
export { BuildError, formatDiagnostics, type Diagnostic } from "./errors.js";
export { packageRoot, packageVersion } from "./package-root.js";
export { readProject, type Project } from "./project.js";
