/** The library behind the command line: build and check filters from a program. */
export * from "./build/index.js";
