/* Values by template: text with selectors in ${…}. */

import { ByteWriter } from "meshwasm/sdk/std/bytewriter";
import { refusalReason } from "meshwasm/sdk/std/refusal";
import { Encoder, encoderNamed, Template, TemplateValues } from "meshwasm/sdk/std/template";
import { toUtf8 } from "meshwasm/sdk/std/utf8";
import { Exchange, Phase } from "./exchange";
import { Selector, Selectors } from "./selector";

/** Envoy's own default limit for all headers of a message: no value can be longer. */
export const MAX_VALUE = 60 * 1024;

/** Selectors as the values of one template. */
class SelectorValues extends TemplateValues {
  exchange: Exchange | null = null;
  /** Why a name was refused. */
  reason: string = "";
  private list: Selector[] = [];
  private current: Uint8Array = new Uint8Array(0);

  constructor(
    private selectors: Selectors,
    private phase: Phase,
  ) {
    super();
  }

  indexOf(name: string): i32 {
    const selector = this.selectors.find(name, this.phase);
    if (!selector) {
      this.reason = Selectors.reason;
      return -1;
    }
    this.list.push(selector);
    return this.list.length - 1;
  }

  load(index: i32): bool {
    const values = this.list[index].valuesIn(this.exchange!);
    if (!values.length) return false;
    this.current = values.length == 1 ? values[0] : joined(values);
    return this.give(this.current.dataStart, this.current.length);
  }
}

function joined(values: Uint8Array[]): Uint8Array {
  const out = new ByteWriter(1 << 20);
  for (let i = 0; i < values.length; i++) {
    if (i) out.ascii(", ");
    out.bytes(values[i].dataStart, values[i].length);
  }
  return out.toBytes();
}

/** A value of a rule: a constant, or a template. */
export class Text {
  /** Why the last one was refused. */
  static reason: string = "";

  private constructor(
    /** Null for a template. */
    readonly constant: Uint8Array | null,
    private template: Template | null,
    private values: SelectorValues | null,
  ) {}

  /**
   * Reads a template for rules that run in `phase`; null with the reason in `Text.reason`. `encoder` is used where a place
   * names none; with Url, what is a piece of the path already stays as it is.
   */
  static compile(text: string, selectors: Selectors, phase: Phase, encoder: Encoder): Text | null {
    if (!text.includes("$")) return new Text(toUtf8(text), null, null);
    const values = new SelectorValues(selectors, phase);
    const template = Template.compile(encoder == Encoder.Url ? withPaths(text) : text, values, encoder);
    if (!template) {
      Text.reason = values.reason.length ? "${…} " + values.reason : refusalReason;
      return null;
    }
    if (template.isConstant) return new Text(template.render(values)!, null, null);
    return new Text(null, template, values);
  }

  /** The value now; null when it is longer than any header may be. */
  render(exchange: Exchange): Uint8Array | null {
    const constant = this.constant;
    if (constant !== null) return constant;
    const values = this.values!;
    values.exchange = exchange;
    return this.template!.render(values, MAX_VALUE);
  }
}

/** Names the encoder none where a piece of the path has no encoder: it is encoded already. */
function withPaths(text: string): string {
  let out = "";
  let from = 0;
  while (true) {
    const start = text.indexOf("${", from);
    const end = start < 0 ? -1 : text.indexOf("}", start);
    if (end < 0) return out + text.substring(from);
    const parts = text.substring(start + 2, end).split("|");
    const selector = Selector.parse(parts[0]);
    let encoded = selector !== null && selector.isEncoded && !isEscaped(text, start);
    for (let i = 1; i < parts.length; i++) if (encoderNamed(parts[i]) >= 0) encoded = false;
    out += text.substring(from, end) + (encoded ? "|none}" : "}");
    from = end + 1;
  }
}

/** Whether the dollar at `at` belongs to the one before it. */
function isEscaped(text: string, at: i32): bool {
  let dollars = 0;
  while (at - dollars > 0 && text.charCodeAt(at - dollars - 1) == 0x24) dollars++;
  return (dollars & 1) != 0;
}
