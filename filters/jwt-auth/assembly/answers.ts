/* Refusals as RFC 6750 wants them. All words are fixed: nothing of a token or a request is among them. */

import { Denial, Deny } from "meshwasm/filters/common";
import { GrpcStatus, HttpContext } from "meshwasm/sdk";
import { Reason, reasonName } from "./claims";

export class Answers {
  /** Path and reason of the last refusal. */
  static refusal: string = "";

  private constructor(
    private unauthorized: Denial,
    private forbidden: Denial,
    private malformed: Denial,
    private unavailable: Denial,
  ) {}

  static compile(config: Deny): Answers | null {
    const unauthorized = Denial.compile(config, 401, "Unauthorized", GrpcStatus.Unauthenticated, "$.deny");
    const forbidden = Denial.compile(config, 403, "Forbidden", GrpcStatus.PermissionDenied, "$.deny");
    const malformed = Denial.compile(config, 400, "Bad Request", GrpcStatus.Unauthenticated, "$.deny");
    const unavailable = Denial.compile(null, 503, "Service Unavailable", GrpcStatus.Unavailable, "$.deny");
    if (unauthorized && forbidden && malformed && unavailable)
      return new Answers(unauthorized, forbidden, malformed, unavailable);
    Answers.refusal = Denial.refusal;
    return null;
  }

  send(stream: HttpContext, reason: Reason): void {
    const details = "meshwasm_jwt_auth_" + reasonName(reason);
    const challenge = "www-authenticate";
    switch (reason) {
      case Reason.Unavailable:
        this.unavailable.send(stream, details);
        break;
      case Reason.Missing:
        // RFC 6750, section 3.1: without a token there is no error to tell of.
        this.unauthorized.send(stream, details, challenge, "Bearer");
        break;
      case Reason.Several:
        this.malformed.send(stream, details, challenge, error("invalid_request", "more than one token"));
        break;
      case Reason.Path:
        this.malformed.send(stream, details);
        break;
      case Reason.Claims:
        this.forbidden.send(stream, details, challenge, error("insufficient_scope", "the token does not allow this"));
        break;
      default:
        this.unauthorized.send(stream, details, challenge, error("invalid_token", describe(reason)));
    }
  }
}

function error(code: string, description: string): string {
  return `Bearer error="${code}", error_description="${description}"`;
}

function describe(reason: Reason): string {
  switch (reason) {
    case Reason.Expired:
      return "the token has expired";
    case Reason.NotYet:
      return "the token is not valid yet";
    case Reason.Audience:
      return "the token is for another audience";
    case Reason.Issuer:
      return "the token is of another issuer";
    default:
      return "the token is not valid";
  }
}
