// One linter for TypeScript and AssemblyScript. It also holds the import table: who may import whom.
import importX, { createNodeResolver } from "eslint-plugin-import-x";
import tseslint from "typescript-eslint";

/** Folder -> what of the repository it may import besides itself. */
const ROOMS = {
  "./sdk": [],
  "./toolchain/build": [],
  "./toolchain/oci": [],
  "./toolchain/hosts": ["./toolchain/build"],
  "./toolchain/mesh": ["./toolchain/oci"],
  "./registry/server": ["./toolchain/oci"],
  "./registry/hub": ["./toolchain/oci", "./toolchain/mesh"],
  "./filters": ["./sdk", "./toolchain/hosts"],
  "./cli": ["./sdk", "./filters", "./toolchain", "./registry"],
  "./examples": [],
};
const FOLDERS = ["sdk", "filters", "toolchain", "registry", "cli", "examples", "test", "scripts"];

const zones = Object.entries(ROOMS).map(([target, allowed]) => ({
  target,
  from: ".",
  except: [target, ...allowed, "./node_modules", "./dist"],
  message: "see the import table in docs/architecture.md",
}));

export default tseslint.config(
  {
    ignores: ["**/node_modules", "**/dist", "**/build", "cli/templates", "**/assembly/config.ts", "test/bench/.cache"],
  },
  ...tseslint.configs.recommended.map((config) => ({ ...config, files: ["**/*.ts", "**/*.mts"] })),
  {
    files: FOLDERS.map((folder) => `${folder}/**/*.ts`),
    plugins: { "import-x": importX },
    settings: {
      "import-x/resolver-next": [
        createNodeResolver({ extensions: [".ts", ".js"], extensionAlias: { ".js": [".ts", ".js"] } }),
      ],
    },
    languageOptions: { parserOptions: { allowInvalidAST: true } },
    rules: {
      "import-x/no-restricted-paths": ["error", { zones, basePath: import.meta.dirname }],
      "import-x/no-cycle": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      eqeqeq: "error",
      "no-console": "off",
    },
  },
  {
    // AssemblyScript: another language in the same syntax.
    files: ["sdk/**/*.ts", "filters/*/assembly/**/*.ts", "examples/*/assembly/**/*.ts", "test/**/assembly/**/*.ts"],
    rules: {
      eqeqeq: "off",
      "@typescript-eslint/no-unused-vars": "off",
      "@typescript-eslint/no-namespace": "off",
      "@typescript-eslint/ban-ts-comment": "off",
      "@typescript-eslint/no-wrapper-object-types": "off",
      "@typescript-eslint/no-empty-function": "off",
      "@typescript-eslint/prefer-as-const": "off",
      "@typescript-eslint/no-array-constructor": "off",
      "prefer-const": "off",
      "no-constant-condition": "off",
    },
  },
);
