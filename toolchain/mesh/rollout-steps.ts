import { dnsLabel, STAGE_LABEL } from "./names.js";
import type { RolloutInput } from "./rollout.js";

/** The page that an operator follows. */
export function rolloutSteps({ input, stages, mirrors, hasMode }: RolloutInput): string {
  const name = dnsLabel(input.name);
  const kind = input.target === "istio" ? "wasmplugin" : "trafficextension";
  const namespace = input.namespace ?? "default";
  const [first = "", ...later] = stages;
  const label = (stage: string) =>
    `kubectl -n ${namespace} patch deployment my-app -p '{"spec":{"template":{"metadata":{"labels":{"${STAGE_LABEL}":"${stage}"}}}}}'`;
  const resources = stages.map((stage) => `${kind} ${name}-${stage} -n ${namespace}`);
  const metric = name.replaceAll("-", "_");
  const copies = Object.entries(mirrors).map(
    ([stage, mirror]) =>
      `   meshwasm copy ${input.reference.host}/${input.reference.repository}@${input.digest} ${mirror}/${input.reference.repository}:${input.reference.tag ?? "latest"}   # ${stage}`,
  );
  return `# Rolling out ${name}

Image \`${input.digest}\`. Every step can be undone by the one before it.

## 1. Before

\`\`\`sh
meshwasm verify ${input.reference.host}/${input.reference.repository}@${input.digest} --key cosign.pub
${copies.length ? `${copies.join("\n").trim()}\n` : ""}kubectl kustomize overlays/${first} | kubectl apply --dry-run=server -f -
git add . && git commit -m "Rollout of ${name}"
\`\`\`

Commit after each change of an overlay: that is what "Roll back" goes back to.

## 2. ${hasMode ? "Shadow" : "One workload"}: one workload

\`\`\`sh
${label(first)}
kubectl apply -k overlays/${first}
\`\`\`

${hasMode ? "The filter decides and counts, and lets everything pass." : "The filter has no shadow mode: what it refuses is refused, for this workload alone."} Only workloads with the label \`meshwasm-stage: ${first}\` run it.

## 3. Watch

Does the module run (a proxy that never loaded it has no such metric), and was the image fetched? Both must find nothing:

\`\`\`promql
(sum(envoy_wasm_envoy_wasm_runtime_v8_active{pod=~"my-app-.*"}) or vector(0)) == 0
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

${later.length === 0 ? "There is no further stage." : `Later stages begin at \`${hasMode ? "enforce" : "once"}\`.`}

${later
  .map((stage, i) =>
    i === later.length - 1
      ? `\`\`\`sh
kubectl apply -k overlays/${stage}
${stages
  .slice(0, -1)
  .map((each) => `kubectl delete -k overlays/${each}`)
  .join("\n")}
\`\`\`

The last stage needs no label. The earlier ones are taken away right after it, or their workloads run the filter twice.
`
      : `\`\`\`sh
${label(stage)}
kubectl apply -k overlays/${stage}
\`\`\`

Watch the same three queries there.
`,
  )
  .join("\n")}
## Roll back

\`\`\`sh
git revert <the commit that changed the overlay> && kubectl apply -k overlays/<stage>
\`\`\`

The manifests pin a digest, so what runs then is what ran before.

## Emergency: off

What is not there is passed over; the commands are the same at every stage.

\`\`\`sh
${
  hasMode
    ? `${resources
        .map(
          (each) =>
            `kubectl patch ${each} --type json -p '[{"op":"replace","path":"${input.target === "istio" ? "/spec" : "/spec/wasm"}/pluginConfig/mode","value":"off"}]'`,
        )
        .join("\n")}\n`
    : ""
}${resources.map((each) => `kubectl delete --ignore-not-found ${each}`).join("\n")}
\`\`\`

${hasMode ? "The first ones keep the module loaded and let everything pass; the others take it out." : "The proxies drop the filter within seconds, without a restart."}
`;
}
