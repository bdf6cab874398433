import { Option, type Command } from "commander";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { cancel, intro, isCancel, outro, text } from "@clack/prompts";
import { generate, packageRoot, packageVersion, readProject } from "../../toolchain/build/index.js";
import { CliError, print } from "../output.js";
import { inWholeSteps } from "../until-stopped.js";

interface Options {
  yes?: boolean;
  name?: string;
  description?: string;
  template: string;
  package: string;
}

/** npm leaves these out of a package, or takes them for its own. */
const SHIPPED_AS: Readonly<Record<string, string>> = { _gitignore: ".gitignore", "_package.json": "package.json" };
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export function addInit(program: Command): void {
  program
    .command("init")
    .description("make a new filter project")
    .argument("[dir]", "the project's folder", ".")
    .option("-y, --yes", "ask nothing")
    .option("--name <name>", "name of the filter; default the folder's")
    .option("--description <text>", "one line about it")
    .addOption(
      new Option(
        "--template <template>",
        "http: a filter that stands alone; filter: the shape of the library's, with conditions, modes and a test plan",
      )
        .choices(["http", "filter"])
        .default("http"),
    )
    .option("--package <spec>", "the meshwasm dependency, as npm takes it", packageVersion)
    .action(async (dir: string, options: Options) => {
      if (!options.package.trim()) throw new CliError("--package: give what npm takes, as in --package 0.1.0", 2);
      const target = resolve(dir);
      checkEmpty(target, dir);
      const answers =
        process.stdin.isTTY && process.stderr.isTTY && !options.yes ? await ask(target, options) : options;
      const name = answers.name ?? nameFrom(target);
      if (!NAME.test(name)) {
        throw new CliError(`--name ${name}: give 1 to 63 lower-case letters, digits and inner hyphens`, 2);
      }
      const description = (answers.description ?? `The ${name} filter.`).replaceAll(/\s+/g, " ").trim();
      const values = {
        name,
        metric: name.replaceAll("-", "_"),
        Class: className(name),
        // As the build names it.
        Config: `${pascal(name)}Config`,
        description,
        // A JSON string is a YAML one.
        descriptionYaml: JSON.stringify(description),
        package: options.package,
        version: packageVersion,
      };
      await inWholeSteps(() => write(target, options.template, values));
      const place = relative(process.cwd(), target);
      print(`made ${place || "."}`);
      print(`next: ${place ? `cd ${place} && ` : ""}npm install && npm test`);
    });
}

async function ask(target: string, options: Options): Promise<Pick<Options, "name" | "description">> {
  intro("A new Envoy filter");
  const answer = async (
    message: string,
    initialValue: string,
    validate?: (value: string | undefined) => string | undefined,
  ) => {
    const value = await text({ message, initialValue, ...(validate ? { validate } : {}) });
    if (isCancel(value)) {
      cancel("Nothing was written.");
      throw new CliError("init was cancelled; nothing was written");
    }
    return value;
  };
  const name =
    options.name ??
    (await answer("Name of the filter", nameFrom(target), (value) =>
      NAME.test(value ?? "") ? undefined : "1 to 63 lower-case letters, digits and inner hyphens",
    ));
  const description = options.description ?? (await answer("What it does, in one line", `The ${name} filter.`));
  outro(`Writing ${relative(process.cwd(), target) || "."}`);
  return { name, description };
}

/** The folder may exist, but nothing in it may be lost. */
function checkEmpty(target: string, shown: string): void {
  if (!existsSync(target)) {
    const above = nearestExisting(target);
    if (!statSync(above).isDirectory()) {
      throw new CliError(`${shown} cannot be made: ${relative(process.cwd(), above)} is a file; give another folder`);
    }
    return;
  }
  if (!statSync(target).isDirectory()) throw new CliError(`${shown} is a file; give a folder`);
  if (readdirSync(target).some((entry) => entry !== ".git")) {
    throw new CliError(`${shown} is not empty; give a new folder, as in: meshwasm init my-filter`);
  }
}

/** Made beside its place and moved there whole: half a project is never left. */
function write(target: string, template: string, values: Readonly<Record<string, string>>): void {
  const parent = nearestExisting(dirname(target));
  let draft: string;
  try {
    draft = mkdtempSync(join(parent, ".meshwasm-init-"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(`${parent} cannot be written to (${code}); give a folder in a place that you may write to`);
  }
  try {
    // What all projects have, then what is the template's own.
    cpSync(join(packageRoot, "cli/templates/http"), draft, { recursive: true });
    cpSync(join(packageRoot, "cli/templates", template), draft, { recursive: true });
    // A filter of the library belongs to the package that it lies in.
    if (parent === join(packageRoot, "filters"))
      for (const entry of ["_package.json", "_gitignore", ".github"]) rmSync(join(draft, entry), { recursive: true });
    fill(draft, values);
    generate(readProject(draft));
    mkdirSync(target, { recursive: true });
    for (const entry of readdirSync(draft)) renameSync(join(draft, entry), join(target, entry));
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}

/** Replaces `{{value}}` in every file. */
function fill(dir: string, values: Readonly<Record<string, string>>): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) {
      fill(path, values);
      continue;
    }
    const isJson = entry.name.endsWith(".json");
    const filled = readFileSync(path, "utf8").replace(/\{\{(\w+)\}\}/g, (_, key: string) => {
      const value = values[key];
      if (value === undefined) throw new Error(`template ${entry.name} wants {{${key}}}`);
      return isJson ? JSON.stringify(value).slice(1, -1) : value;
    });
    rmSync(path);
    writeFileSync(join(dir, SHIPPED_AS[entry.name] ?? entry.name), filled);
  }
}

function nameFrom(target: string): string {
  const name = basename(target)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, "");
  return name || "my-filter";
}

/** The template imports these from the SDK. */
const TAKEN = [
  "Check",
  "Counter",
  "Exchange",
  "GrpcStatus",
  "HeadersAction",
  "HttpFilter",
  "Labelled",
  "Mode",
  "Phase",
  "Plugin",
  "Selectors",
];

function className(name: string): string {
  const wanted = pascal(name);
  return TAKEN.includes(wanted) ? `My${wanted}` : wanted;
}

function pascal(name: string): string {
  const joined = name
    .split("-")
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
  return /^[A-Z]/.test(joined) ? joined : `X${joined}`;
}
