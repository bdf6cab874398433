import type { FailStrategy, MeshInput, Target } from "./input.js";

/** What happens when the image cannot be fetched, the module cannot be loaded, or it traps: lines for a comment. */
export function failureLines(input: MeshInput, carried?: FailStrategy): string[] {
  const wanted = input.failStrategy ?? "FAIL_RELOAD";
  const strategy = carried ?? wanted;
  const open = strategy === "FAIL_OPEN";
  const passes = input.type === "tcp" ? "connections pass without the filter" : "requests pass without the filter";
  return [
    ` On fetch failure: ${fetchFailure(input.target, open, passes)}.`,
    ` On load failure (the module is fetched, but it or its configuration is refused): ${
      open ? passes : "requests are answered 503; a proxy that runs keeps the configuration it had"
    }.`,
    ` On a trap: ${
      open
        ? `its request fails with 503, then ${passes}`
        : strategy === "FAIL_RELOAD"
          ? "its request fails with 503, then the module is loaded again"
          : "its request and all later ones fail with 503, until the proxy is configured again"
    }.`,
    ...(strategy === wanted ? [] : [` ${wanted} cannot be said here; ${strategy} is what there is.`]),
  ];
}

function fetchFailure(target: Target, open: boolean, passes: string): string {
  switch (target) {
    case "istio":
    case "istio-trafficextension":
    case "envoyfilter":
    case "higress":
      return open ? passes : "a new proxy answers 403 (RBAC: access denied) until the image is there";
    case "envoy-gateway":
      return "the policy gets Accepted: False and its routes answer 500";
    default: {
      // Envoy gives up after its retries, and does not fetch again.
      const after =
        "when the retries end (3, within a minute or so), for good: until the proxy gets another configuration";
      return open ? `${passes} ${after}` : `requests are answered 503; ${after}`;
    }
  }
}
