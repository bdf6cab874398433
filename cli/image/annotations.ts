import type { Project } from "../../toolchain/build/index.js";

/** What OCI and Artifact Hub want to know of a project, beside what `buildImage` writes itself. */
export function projectAnnotations(project: Project): Record<string, string> {
  const { authors, homepage, keywords, license, source } = project;
  const readme = source && project.readmeFile ? readmeUrl(source) : null;
  const maintainers = authors.map(({ name, email }) => ({ name, ...(email ? { email } : {}) }));
  const known: Record<string, string | null> = {
    "org.opencontainers.image.authors":
      authors.map(({ name, email }) => (email ? `${name} <${email}>` : name)).join(", ") || null,
    "org.opencontainers.image.url": homepage,
    "org.opencontainers.image.documentation": readme ?? homepage,
    "io.artifacthub.package.readme-url": readme,
    "io.artifacthub.package.license": license,
    "io.artifacthub.package.category": "networking",
    "io.artifacthub.package.keywords": [
      "proxy-wasm",
      "envoy",
      ...keywords.filter((word) => !/^(proxy-wasm|envoy)$/.test(word)),
    ].join(","),
    "io.artifacthub.package.maintainers": maintainers.length ? JSON.stringify(maintainers) : null,
  };
  const given = Object.entries(known).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return { ...Object.fromEntries(given), ...project.annotations };
}

/** Artifact Hub fetches the text itself; a repository elsewhere names the URL in filter.yaml's annotations. */
function readmeUrl(source: string): string | null {
  const match = /^https:\/\/github\.com\/([\w.-]+\/[\w.-]+?)\/?$/.exec(source);
  return match ? `https://raw.githubusercontent.com/${match[1]}/HEAD/README.md` : null;
}
