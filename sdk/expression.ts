/* CEL expressions, evaluated by Envoy over the attributes of the stream (about 10 microseconds). */

import { Status } from "./abi/enums";
import { foreign } from "./foreign";
import { boolOf, intOf, Pairs, Value } from "./values";
import { decodeUtf8, encodedLengthMax, encodeUtf8 } from "../sdk/std/utf8";

/**
 * A compiled expression. It belongs to the plugin that has created it; create it in onConfigure and delete it in onDone.
 * Envoy evaluates it in the context of the running callback, not in the effective one.
 */
export class Expression {
  private constructor(private token: Uint8Array) {}

  /** Compiles; null when the text is none (BadArgument, Envoy logs why) or the host has no CEL (NotFound). */
  static create(source: string): Expression | null {
    const text = new Uint8Array(<i32>encodedLengthMax(source));
    const length = <i32>encodeUtf8(source, text.dataStart);
    const token = foreign.call("expr_create", text.subarray(0, length));
    return token !== null && token.length == 4 ? new Expression(token) : null;
  }

  /**
   * The value, serialised as that of a property; null with the reason in foreign.status(): InternalFailure when the evaluation
   * fails, as it does where an attribute is missing; NotFound after `delete`. A failed evaluation is no "false": decide which way
   * it fails.
   */
  evaluate(): Uint8Array | null {
    return foreign.call("expr_evaluate", this.token);
  }

  /** A value of type bool; null when it is none or the evaluation fails. */
  evaluateBool(): Value<bool> | null {
    const bytes = this.evaluate();
    return bytes === null ? null : boolOf(bytes);
  }

  /** A value of type int, timestamp (ns since 1970) or duration (ns). */
  evaluateInt(): Value<i64> | null {
    const bytes = this.evaluate();
    return bytes === null ? null : intOf(bytes);
  }

  evaluateString(): string | null {
    const bytes = this.evaluate();
    return bytes === null ? null : decodeUtf8(bytes.dataStart, bytes.length);
  }

  /** A map, or a list, whose items are the keys then. */
  evaluatePairs(): Pairs | null {
    const bytes = this.evaluate();
    return bytes === null ? null : Pairs.parse(bytes);
  }

  /** Frees it in the host. */
  delete(): Status {
    foreign.call("expr_delete", this.token);
    return foreign.status();
  }
}
