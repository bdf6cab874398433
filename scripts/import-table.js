// ESLint rule: who may import whom, by folder. Imports by package name are free but for `meshwasm/…`, which is the package
// itself.
import { dirname, relative, resolve, sep } from "node:path";

/** @type {import("eslint").Rule.RuleModule} */
export default {
  meta: {
    type: "problem",
    schema: [{ type: "object" }],
    messages: { denied: "{{from}} may not import {{to}}: see the import table in docs/architecture.md" },
  },
  create(context) {
    const root = context.cwd;
    const { rooms } = context.options[0];
    const roomOf = (file) => {
      const path = relative(root, file).split(sep).join("/");
      return Object.keys(rooms)
        .filter((room) => path === room || path.startsWith(`${room}/`))
        .sort((a, b) => b.length - a.length)[0];
    };
    const from = roomOf(context.filename);
    const check = (node) => {
      const name = node.source?.value;
      if (!from || typeof name !== "string" || !name.startsWith(".")) return;
      const target = resolve(dirname(context.filename), name);
      const to = roomOf(target) ?? (relative(root, target).split(sep).join("/") || ".");
      if (to === from || rooms[from].some((allowed) => to === allowed || to.startsWith(`${allowed}/`))) return;
      context.report({ node, messageId: "denied", data: { from, to } });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};
