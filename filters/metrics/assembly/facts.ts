/* What a request was, as Envoy tells it when it is over. Each fact is asked for once, and only when a metric wants it. */

import { property, Value } from "meshwasm/sdk";
import { PathTemplate } from "meshwasm/filters/common";
import { toUtf8 } from "meshwasm/sdk/std/utf8";
import { LabelField, ValueField } from "./config";
import { Extra } from "./fields";
import { istioText } from "./istio";

/** Methods of RFC 9110 and RFC 5789; a client can invent others without end. */
const METHODS: string[] = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "CONNECT", "TRACE"];

/** Envoy's names of response flags, by bit. */
const FLAGS: string[] = [
  "LH",
  "UH",
  "UT",
  "LR",
  "UR",
  "UF",
  "UC",
  "UO",
  "NR",
  "DI",
  "FI",
  "RL",
  "UAEX",
  "RLSE",
  "DC",
  "URX",
  "SI",
  "IH",
  "DPE",
  "UMSDR",
  "RFCF",
  "NFCF",
  "DT",
  "UPE",
  "NC",
  "OM",
  "DF",
  "DO",
  "DR",
  "UDO",
];

const UNKNOWN = "unknown";

/** A path template and what the route is called: its variables are `*`. */
export class Route {
  constructor(
    readonly template: PathTemplate,
    readonly name: string,
  ) {}
}

export class Facts {
  private texts: StaticArray<string | null> = new StaticArray<string | null>(Extra.Count);

  constructor(private routes: Route[]) {}

  /** Another request. */
  begin(): void {
    for (let i = 0; i < this.texts.length; i++) this.texts[i] = null;
  }

  /** LabelField or Extra. */
  text(field: i32): string {
    const known = this.texts[field];
    if (known !== null) return known;
    const text = this.tell(field);
    this.texts[field] = text;
    return text;
  }

  /** Milliseconds or bytes; -1 when there is none. */
  number(field: ValueField): i64 {
    switch (field) {
      case ValueField.Duration:
        return milliseconds(property.request.duration());
      case ValueField.BackendDuration:
        return milliseconds(property.response.backendLatency());
      case ValueField.RequestBytes:
        return count(property.request.totalSize());
      case ValueField.ResponseBytes:
        return count(property.response.totalSize());
      case ValueField.RequestBodyBytes:
        return max<i64>(0, count(property.request.totalSize()) - max<i64>(0, count(property.request.headersBytes())));
      default:
        return count(property.response.size());
    }
  }

  /** Status; 0 when nothing was answered. */
  get code(): i64 {
    const code = property.response.code();
    return code ? code.value : 0;
  }

  /** Whether Rate, Errors, Duration takes it for an error. */
  get isError(): bool {
    const code = this.code;
    if (code == 0 || code >= 500) return true;
    const status = this.text(LabelField.GrpcStatus);
    // The server's faults, not the caller's: unknown, deadline exceeded, unimplemented, internal, unavailable, data loss.
    return status == "2" || status == "4" || status == "12" || status == "13" || status == "14" || status == "15";
  }

  private tell(field: i32): string {
    switch (field) {
      case LabelField.Method:
        return methodOf(property.request.method());
      case LabelField.Protocol:
        return or(property.request.protocol());
      case LabelField.Scheme:
        return schemeOf(property.request.scheme());
      case LabelField.Route:
        return this.route();
      case LabelField.VirtualHost:
        return or(property.xds.virtualHostName());
      case LabelField.Cluster:
        return or(property.xds.clusterName());
      case LabelField.Code:
        return this.code.toString();
      case LabelField.CodeClass: {
        const code = this.code;
        return code < 100 || code > 599 ? "none" : (code / 100).toString() + "xx";
      }
      case LabelField.GrpcStatus:
        return grpcStatus("none");
      case LabelField.ResponseFlags:
        return flagsOf();
      case LabelField.Reporter:
        return direction() == 2 ? "source" : "destination";
      case LabelField.SecurityPolicy:
        return direction() == 2 ? UNKNOWN : isMutual() ? "mutual_tls" : "none";
      case LabelField.SourcePrincipal:
        return direction() == 2
          ? or(property.upstream.uriSanLocalCertificate())
          : or(property.connection.uriSanPeerCertificate());
      case LabelField.DestinationPrincipal:
        return direction() == 2
          ? or(property.upstream.uriSanPeerCertificate())
          : or(property.connection.uriSanLocalCertificate());
      case Extra.HttpVersion: {
        const protocol = this.text(LabelField.Protocol);
        return protocol.startsWith("HTTP/") ? protocol.substring(5) : protocol;
      }
      case Extra.ErrorType: {
        const code = this.code;
        if (code == 0) return this.text(LabelField.ResponseFlags);
        return code >= 500 ? code.toString() : "none";
      }
      case Extra.RequestProtocol:
        return isGrpc() ? "grpc" : "http";
      case Extra.GrpcResponseStatus:
        return grpcStatus("");
      default:
        return istioText(field, direction() == 2);
    }
  }

  private route(): string {
    const routes = this.routes;
    if (!routes.length) return or(property.xds.routeName());
    const path = property.request.urlPath();
    if (path === null) return "other";
    const bytes = toUtf8(path);
    for (let i = 0; i < routes.length; i++) {
      if (routes[i].template.pattern.matches(bytes.dataStart, bytes.length)) return routes[i].name;
    }
    return "other";
  }
}

function methodOf(method: string | null): string {
  return method !== null && METHODS.includes(method) ? method : "_OTHER";
}

function schemeOf(scheme: string | null): string {
  return scheme !== null && (scheme == "http" || scheme == "https") ? scheme : UNKNOWN;
}

function or(text: string | null): string {
  return text === null || !text.length ? UNKNOWN : text;
}

function direction(): i64 {
  const value = property.xds.listenerDirection();
  return value ? value.value : 0;
}

function isMutual(): bool {
  const mtls = property.connection.mtls();
  return mtls !== null && mtls.value;
}

function isGrpc(): bool {
  const type = property.getString("request", "headers", "content-type");
  if (type === null || !type.startsWith("application/grpc")) return false;
  return type.length == 16 || type.charAt(16) == "+" || type.charAt(16) == ";";
}

/** Of trailers, or of headers when there are no trailers. Envoy would give others one, made of their status. */
function grpcStatus(none: string): string {
  if (!isGrpc()) return none;
  const status = property.response.grpcStatus();
  return status ? status.value.toString() : UNKNOWN;
}

function flagsOf(): string {
  const flags = property.response.flags();
  if (!flags || !flags.value) return "-";
  let text = "";
  for (let bit = 0; bit < FLAGS.length; bit++) {
    if (!((flags.value >> bit) & 1)) continue;
    if (text.length) text += "+";
    text += FLAGS[bit];
  }
  return text.length ? text : UNKNOWN;
}

function milliseconds(nanoseconds: Value<i64> | null): i64 {
  return nanoseconds && nanoseconds.value >= 0 ? nanoseconds.value / 1000000 : -1;
}

function count(value: Value<i64> | null): i64 {
  return value && value.value >= 0 ? value.value : -1;
}
