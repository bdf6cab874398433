/* Metrics that others have agreed on. */

import { LabelField, MetricType, Presets, ValueField } from "./config";
import { Extra } from "./fields";
import { LabelSource } from "./label";
import { Amount, Measurement } from "./metric";
import { SeriesBudget } from "meshwasm/sdk";

/** What presets are made of beside their own. */
export class PresetInput {
  constructor(
    readonly common: LabelSource[],
    readonly budget: SeriesBudget,
    readonly list: Measurement[],
  ) {}

  add(name: string, type: MetricType, labels: LabelSource[], field: ValueField, errorsOnly: bool = false): Measurement {
    let amount: Amount | null = null;
    if (field != ValueField.Unset) amount = new Amount(field, null, false);
    const made = new Measurement(name, type, labels.concat(this.common), amount, null, errorsOnly, this.budget);
    this.list.push(made);
    return made;
  }
}

/** Adds a preset's metrics. What is returned is a gauge of requests that are not over, which is not among them. */
export function addPreset(preset: Presets, input: PresetInput): Measurement | null {
  if (preset == Presets.Red) return red(input);
  return preset == Presets.Otel ? otel(input) : istio(input);
}

function red(input: PresetInput): Measurement | null {
  // Names that end no label of another preset: see `clash` in index.ts.
  const method = LabelSource.of("verb", LabelField.Method);
  const route = LabelSource.of("endpoint", LabelField.Route);
  const code = LabelSource.of("http_code", LabelField.Code);
  input.add("meshwasm_requests", MetricType.Counter, [method, route, code], ValueField.Unset);
  input.add("meshwasm_errors", MetricType.Counter, [method, route, code], ValueField.Unset, true);
  input.add("meshwasm_request_duration_milliseconds", MetricType.Histogram, [method, route], ValueField.Duration);
  return null;
}

/** OpenTelemetry's HTTP server metrics under their Prometheus names. Its seconds are milliseconds: values are integers. */
function otel(input: PresetInput): Measurement | null {
  const method = LabelSource.of("http_request_method", LabelField.Method);
  const scheme = LabelSource.of("url_scheme", LabelField.Scheme);
  const labels: LabelSource[] = [
    method,
    scheme,
    LabelSource.of("http_response_status_code", LabelField.Code),
    LabelSource.of("http_route", LabelField.Route),
    LabelSource.of("network_protocol_version", Extra.HttpVersion),
    LabelSource.of("error_type", Extra.ErrorType),
  ];
  const histogram = MetricType.Histogram;
  input.add("http_server_request_duration_milliseconds", histogram, labels, ValueField.Duration);
  input.add("http_server_request_body_size_bytes", histogram, labels, ValueField.RequestBodyBytes);
  input.add("http_server_response_body_size_bytes", histogram, labels, ValueField.ResponseBodyBytes);
  return new Measurement(
    "http_server_active_requests",
    MetricType.Gauge,
    [method, scheme],
    null,
    null,
    false,
    input.budget,
  );
}

/** Istio's standard metrics, with the labels of its stats filter. */
function istio(input: PresetInput): Measurement | null {
  const labels: LabelSource[] = [
    LabelSource.of("reporter", LabelField.Reporter),
    LabelSource.of("source_workload", Extra.SourceWorkload),
    LabelSource.of("source_workload_namespace", Extra.SourceNamespace),
    LabelSource.of("source_principal", LabelField.SourcePrincipal),
    LabelSource.of("source_app", Extra.SourceApp),
    LabelSource.of("source_version", Extra.SourceVersion),
    LabelSource.of("source_canonical_service", Extra.SourceService),
    LabelSource.of("source_canonical_revision", Extra.SourceRevision),
    LabelSource.of("destination_workload", Extra.DestinationWorkload),
    LabelSource.of("destination_workload_namespace", Extra.DestinationNamespace),
    LabelSource.of("destination_principal", LabelField.DestinationPrincipal),
    LabelSource.of("destination_app", Extra.DestinationApp),
    LabelSource.of("destination_version", Extra.DestinationVersion),
    LabelSource.of("destination_service", Extra.DestinationService),
    LabelSource.of("destination_service_name", Extra.DestinationServiceName),
    LabelSource.of("destination_service_namespace", Extra.DestinationServiceNamespace),
    LabelSource.of("destination_canonical_service", Extra.DestinationCanonicalService),
    LabelSource.of("destination_canonical_revision", Extra.DestinationRevision),
    LabelSource.of("request_protocol", Extra.RequestProtocol),
    LabelSource.of("response_code", LabelField.Code),
    LabelSource.of("grpc_response_status", Extra.GrpcResponseStatus),
    LabelSource.of("response_flags", LabelField.ResponseFlags),
    LabelSource.of("connection_security_policy", LabelField.SecurityPolicy),
  ];
  input.add("istio_requests_total", MetricType.Counter, labels, ValueField.Unset);
  input.add("istio_request_duration_milliseconds", MetricType.Histogram, labels, ValueField.Duration);
  input.add("istio_request_bytes", MetricType.Histogram, labels, ValueField.RequestBytes);
  input.add("istio_response_bytes", MetricType.Histogram, labels, ValueField.ResponseBytes);
  return null;
}
