import type { RolloutInput } from "./rollout.js";
import { dnsLabel } from "./names.js";

/** The page that an operator follows. */
export function rolloutSteps({ input, stages, mirrors, hasMode }: RolloutInput): string {
  const name = dnsLabel(input.name);
  const kind = input.target === "istio" ? "wasmplugin" : "trafficextension";
  const namespace = input.namespace ?? "default";
  const [first, ...later] = stages;
  const metric = name.replaceAll("-", "_");
  const copies = Object.entries(mirrors).map(
    ([stage, mirror]) =>
      `   meshwasm copy ${input.reference.host}/${input.reference.repository}@${input.digest} ${mirror}/${input.reference.repository}:${input.reference.tag ?? "latest"}   # ${stage}`,
  );
  const resource = `${kind} ${name}-${first} -n ${namespace}`;
  return `# Rolling out ${name}

Image \`${input.digest}\`. Every step can be undone by the one before it.

## 1. Before

\`\`\`sh
meshwasm verify ${input.reference.host}/${input.reference.repository}@${input.digest} --key cosign.pub
${copies.length ? `${copies.join("\n").trim()}\n` : ""}kubectl kustomize overlays/${first} | kubectl apply --dry-run=server -f -
\`\`\`

## 2. ${hasMode ? "Shadow" : "One workload"}: one workload

\`\`\`sh
kubectl -n ${namespace} patch deployment my-app -p '{"spec":{"template":{"metadata":{"labels":{"meshwasm-stage":"${first}"}}}}}'
kubectl apply -k overlays/${first}
\`\`\`

${hasMode ? "The filter decides and counts, and lets everything pass." : "The filter has no shadow mode: what it refuses is refused, for this workload alone."} Only workloads with the label \`meshwasm-stage: ${first}\` run it.

## 3. Watch

Does the module run, and was the image fetched (both must find nothing):

\`\`\`promql
sum(envoy_wasm_envoy_wasm_runtime_v8_active{pod=~"my-app-.*"}) == 0
sum(increase(istio_agent_wasm_remote_fetch_count{pod=~"my-app-.*",result!="success"}[5m])) > 0
\`\`\`

Errors of the workload, to compare with the hour before:

\`\`\`promql
sum(rate(istio_requests_total{destination_app="my-app",response_code=~"403|5.."}[5m])) / sum(rate(istio_requests_total{destination_app="my-app"}[5m]))
\`\`\`

What the filter ${hasMode ? "would have refused" : "did"}, by its own metrics:

\`\`\`promql
sum by (decision) (rate({__name__=~"(envoy_)?(wasmcustom_)?meshwasm_${metric}_.*"}[5m]))
\`\`\`

Go on when a day with its peak has shown no surprise.

## 4. Enforce there

${
  hasMode
    ? `Write \`enforce\` for the value of \`mode\` in \`overlays/${first}/kustomization.yaml\`, then:

\`\`\`sh
kubectl apply -k overlays/${first}
\`\`\``
    : "It does already; go on."
}

Watch the same three queries for an hour.

## 5. Widen

${later
  .map(
    (stage, i) => `\`\`\`sh
kubectl apply -k overlays/${stage}
\`\`\`
${i === later.length - 1 ? `\nThe last stage needs no label. Take the earlier ones away, or their workloads run the filter twice: \`kubectl delete -k overlays/${first}\` right after.\n` : ""}`,
  )
  .join("\n")}
## Roll back

\`\`\`sh
git revert <the commit that changed the overlay> && kubectl apply -k overlays/<stage>
\`\`\`

The manifests pin a digest, so what runs then is what ran before.

## Emergency: off

\`\`\`sh
${hasMode ? `kubectl patch ${resource} --type json -p '[{"op":"replace","path":"${input.target === "istio" ? "/spec" : "/spec/wasm"}/pluginConfig/mode","value":"off"}]'\n` : ""}kubectl delete ${resource}
\`\`\`

${hasMode ? "The first line keeps the module loaded and lets everything pass; the second takes it out." : "The proxies drop the filter within seconds, without a restart."}
`;
}
