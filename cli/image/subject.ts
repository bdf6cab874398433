/* A filter as a configuration sees it: its schema, and its module when that is asked for. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  buildIfStale,
  readProject,
  readSchema,
  readSchemaText,
  type ConfigSchema,
} from "../../toolchain/build/index.js";
import type { Pulled } from "../../toolchain/oci/index.js";
import { step } from "../output.js";
import { inWholeSteps } from "../until-stopped.js";
import type { RegistryOptions } from "./client.js";
import { load } from "./load.js";

export interface Subject {
  /** Null: it has none that can be read, and the module alone knows. */
  readonly schema: ConfigSchema | null;
  /** Why the schema cannot be read: an image may come from anybody. */
  readonly problem: string | null;
  /** Of an image only. */
  readonly image: Pulled | null;
  /** The module, which is built only when it is needed; null for a schema alone. */
  module(): Promise<Uint8Array | null>;
}

/** Reads a project's folder, a .wasm file, a config.schema.json, or an image. */
export async function subjectOf(target: string, options: RegistryOptions): Promise<Subject> {
  if (existsSync(target) && statSync(target).isFile() && target.endsWith(".json"))
    return { schema: readSchema(target), problem: null, image: null, module: () => Promise.resolve(null) };
  if (existsSync(target) && statSync(target).isDirectory()) {
    const { dir, schemaFile } = readProject(target);
    return {
      schema: schemaFile ? readSchema(schemaFile) : null,
      problem: null,
      image: null,
      module: async () => {
        await step(`Building ${target}`, () => inWholeSteps(() => buildIfStale(target)));
        return readFileSync(join(dir, "build/filter.wasm"));
      },
    };
  }
  const loaded = await load(target, options);
  return {
    ...readForeign(loaded.schema),
    image: loaded.image?.pulled ?? null,
    module: () => Promise.resolve(loaded.wasm),
  };
}

/** The schema of an image, which may be anybody's. */
export function readForeign(text: string | null): Pick<Subject, "schema" | "problem"> {
  if (text === null) return { schema: null, problem: null };
  try {
    return { schema: readSchemaText(text, "config.schema.json"), problem: null };
  } catch (error) {
    return { schema: null, problem: (error as Error).message };
  }
}
