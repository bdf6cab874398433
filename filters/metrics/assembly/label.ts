/* Where the value of a label comes from. */

import { Exchange, Phase, Selectors, Text } from "meshwasm/filters/common";
import { Encoder } from "meshwasm/sdk/std/template";
import { decodeUtf8 } from "meshwasm/sdk/std/utf8";
import { Label, LabelKind } from "./config";
import { Facts } from "./facts";

/** Bytes of a value that are looked at; a series keeps 128 characters. */
const MOST = 512;

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
    if (!isLabelName(name)) return refuse("is no name of a label: letters, digits and _, and not le or quantile");
    if (label.kind == LabelKind.Object) return new LabelSource(name, label.object!.field, null);
    const text = Text.compile(label.template, selectors, Phase.Response, Encoder.None);
    return text ? new LabelSource(name, -1, text) : refuse(Text.reason);
  }

  value(facts: Facts, exchange: Exchange): string {
    const template = this.template;
    if (!template) return facts.text(this.field);
    const bytes = template.render(exchange);
    return bytes === null ? "too_long" : decodeUtf8(bytes.dataStart, min(bytes.length, MOST));
  }
}

function refuse(reason: string): LabelSource | null {
  LabelSource.reason = reason;
  return null;
}

/** Prometheus keeps `le` and `quantile` for itself. */
function isLabelName(name: string): bool {
  return isName(name) && name != "le" && name != "quantile" && !name.startsWith("__");
}

/** Letters, digits and _, the first no digit; 64 at most. */
export function isName(name: string, most: i32 = 64): bool {
  if (!name.length || name.length > most) return false;
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    if (!(<u32>(c | 0x20) - 0x61 < 26 || c == 0x5f || (i > 0 && <u32>c - 0x30 < 10))) return false;
  }
  return true;
}
