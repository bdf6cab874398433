/* Refusals as an operator wants them. Nothing of the request is in them. */

import { GrpcStatus, HeaderLines, HttpContext } from "meshwasm/sdk";
import { Deny, DenyFormat } from "./config";
import { Edit, refusedName, refusedValue } from "./names";

export class Denial {
  /** Why the last one was refused, with what stands behind the path that was given to `compile`. */
  static refusal: string = "";

  private constructor(
    readonly status: u32,
    private body: string,
    private type: string,
    private names: string[],
    private values: string[],
    private grpcStatus: GrpcStatus,
  ) {}

  /**
   * What a filter answers: `status`, `title` and `grpcStatus` are its own, where the configuration (or null) says nothing.
   * `problem`: the type of the problem and what else is in it, as JSON members. Null with path and reason in `refusal`.
   */
  static compile(
    config: Deny | null,
    status: u32,
    title: string,
    grpcStatus: GrpcStatus,
    path: string,
    problem: string = '"type":"about:blank"',
  ): Denial | null {
    const format = config ? config.format : DenyFormat.Problem;
    const code = config && config.status ? <u32>config.status : status;
    const names: string[] = [];
    const values: string[] = [];
    let type = format == DenyFormat.Problem ? "application/problem+json" : "application/json";
    if (format == DenyFormat.Text) type = "text/plain; charset=utf-8";
    if (config) {
      const keys = config.headers.keys();
      for (let i = 0; i < keys.length; i++) {
        const name = keys[i];
        const value = config.headers.get(name);
        const bad = refusedName(name, Edit.Set, false);
        if (bad !== null) return refuse(`${path}.headers["${name}"]: ${bad}`);
        const wrong = refusedValue(name, value, false);
        if (wrong !== null) return refuse(`${path}.headers["${name}"]: ${wrong}`);
        if (name.toLowerCase() == "content-type") type = value;
        else {
          names.push(name);
          values.push(value);
        }
      }
    }
    let body = config ? config.body : "";
    if (!body.length) {
      if (format == DenyFormat.Problem) body = `{${problem},"title":"${title}","status":${code}}\n`;
      else body = format == DenyFormat.Json ? `{"error":"${title}"}\n` : title + "\n";
    }
    const grpc = config && config.grpcStatus ? <GrpcStatus>(<i32>config.grpcStatus) : grpcStatus;
    return new Denial(code, body, type, names, values, grpc);
  }

  /** Answers with it; `details` shows in access logs. `name` and `value`: one more header, such as a challenge. */
  send(stream: HttpContext, details: string, name: string = "", value: string = ""): void {
    const lines = new HeaderLines();
    if (name.length) lines.add(name, value);
    this.sendWith(stream, details, lines);
  }

  /** The same with any more headers. */
  sendWith(stream: HttpContext, details: string, lines: HeaderLines): void {
    lines.add("content-type", this.type);
    for (let i = 0; i < this.names.length; i++) lines.add(this.names[i], this.values[i]);
    stream.sendLocalResponse(this.status, this.body, lines, details, this.grpcStatus);
  }
}

function refuse(reason: string): Denial | null {
  Denial.refusal = reason;
  return null;
}
