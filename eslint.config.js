// One linter for TypeScript and AssemblyScript. It also holds the import table: who may import whom.
import tseslint from "typescript-eslint";
import importTable from "./scripts/import-table.js";

/** Folder -> what of the repository it may import besides itself. */
const rooms = {
  sdk: [],
  "toolchain/build": [],
  "toolchain/oci": [],
  "toolchain/hosts": ["toolchain/build"],
  "toolchain/mesh": ["toolchain/oci"],
  toolchain: ["toolchain/build"],
  "registry/server": ["toolchain/oci"],
  "registry/hub": ["toolchain/oci", "toolchain/mesh"],
  filters: [],
  cli: ["toolchain", "registry"],
  examples: [],
  test: ["toolchain", "registry", "cli", "sdk", "filters", "examples"],
};

export default tseslint.config(
  {
    ignores: [
      "**/node_modules",
      "**/.meshwasm",
      "**/dist",
      "**/build",
      "!toolchain/build",
      "cli/templates",
      "**/assembly/config.ts",
      "filters/common/config.ts",
      "test/bench/.cache",
    ],
  },
  ...tseslint.configs.recommended.map((config) => ({ ...config, files: ["**/*.ts", "**/*.mts"] })),
  {
    files: ["**/*.ts"],
    plugins: { meshwasm: { rules: { "import-table": importTable } } },
    languageOptions: { parserOptions: { allowInvalidAST: true } },
    rules: {
      "meshwasm/import-table": ["error", { rooms }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      eqeqeq: "error",
    },
  },
  {
    // AssemblyScript: another language in the same syntax.
    files: [
      "sdk/**/*.ts",
      "filters/common/*.ts",
      "filters/**/assembly/**/*.ts",
      "examples/*/assembly/**/*.ts",
      "test/**/assembly/**/*.ts",
    ],
    rules: {
      eqeqeq: "off",
      "@typescript-eslint/no-unused-vars": "off",
      "@typescript-eslint/no-namespace": "off",
      "@typescript-eslint/ban-ts-comment": "off",
      "@typescript-eslint/no-wrapper-object-types": "off",
      "@typescript-eslint/no-empty-function": "off",
      "@typescript-eslint/prefer-as-const": "off",
      "@typescript-eslint/no-array-constructor": "off",
      "@typescript-eslint/no-this-alias": "off",
      "prefer-const": "off",
      "no-constant-condition": "off",
    },
  },
);
