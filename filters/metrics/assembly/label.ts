/* Where the value of a label comes from. */

import { Exchange, isLabelName, labelValue, NOT_A_LABEL, Phase, Selectors, Text } from "meshwasm/filters/common";
import { Encoder } from "meshwasm/sdk/std/template";
import { Label, LabelKind } from "./config";
import { Facts } from "./facts";

export class LabelSource {
  /** Why the last one was refused. */
  static reason: string = "";

  private constructor(
    readonly name: string,
    /** LabelField or Extra; -1 for a template. */
    private field: i32,
    private template: Text | null,
  ) {}

  static of(name: string, field: i32): LabelSource {
    return new LabelSource(name, field, null);
  }

  /** Null with the reason in `reason`. */
  static compile(name: string, label: Label, selectors: Selectors): LabelSource | null {
    if (!isLabelName(name)) return refuse(NOT_A_LABEL);
    if (label.kind == LabelKind.Object) return new LabelSource(name, label.object!.field, null);
    const text = Text.compile(label.template, selectors, Phase.Response, Encoder.None);
    return text ? new LabelSource(name, -1, text) : refuse(Text.reason);
  }

  value(facts: Facts, exchange: Exchange): string {
    const template = this.template;
    if (!template) return facts.text(this.field);
    return labelValue(template, exchange);
  }
}

function refuse(reason: string): LabelSource | null {
  LabelSource.reason = reason;
  return null;
}
