/** What is known of how an image came to be. */
export interface ProvenanceInput {
  /** Where the sources are, as package.json's `repository` says. */
  readonly source?: string;
  /** Git commit of the sources. */
  readonly commit?: string;
  /** What was asked for: a project or a finished module, and its name. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly components: readonly { readonly name: string; readonly version: string }[];
  readonly tool: { readonly name: string; readonly version: string };
  /** URI of who ran the build; default: a machine that nobody vouches for. */
  readonly builder?: string;
  /** URI of the run, such as a CI job's. */
  readonly invocation?: string;
}

export const BUILD_TYPE = "urn:meshwasm:publish:v1";
export const LOCAL_BUILDER = "urn:meshwasm:builder:local";

/** The predicate of a SLSA v1 provenance statement. */
export function buildProvenance(input: ProvenanceInput): Record<string, unknown> {
  const sources =
    input.source || input.commit
      ? [
          {
            uri: `git+${input.source ?? "urn:unknown"}`,
            ...(input.commit ? { digest: { gitCommit: input.commit } } : {}),
          },
        ]
      : [];
  const packages = input.components.map(({ name, version }) => ({
    uri: `pkg:npm/${name.replace(/^@/, "%40")}@${encodeURIComponent(version)}`,
  }));
  return {
    buildDefinition: {
      buildType: BUILD_TYPE,
      externalParameters: input.parameters,
      internalParameters: {},
      resolvedDependencies: [...sources, ...packages],
    },
    runDetails: {
      builder: { id: input.builder ?? LOCAL_BUILDER, version: { [input.tool.name]: input.tool.version } },
      metadata: input.invocation ? { invocationId: input.invocation } : {},
    },
  };
}

/** Builder and run as the CI system's variables name them. */
export function ciRun(env: NodeJS.ProcessEnv): Pick<ProvenanceInput, "builder" | "invocation"> {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env;
  if (env["GITHUB_ACTIONS"] === "true" && server && repository && run) {
    return { builder: "https://github.com/actions/runner", invocation: `${server}/${repository}/actions/runs/${run}` };
  }
  const { CI_JOB_URL: job, CI_SERVER_URL: gitlab } = env;
  if (env["GITLAB_CI"] === "true" && job && gitlab) return { builder: `${gitlab}/-/runners`, invocation: job };
  return {};
}
