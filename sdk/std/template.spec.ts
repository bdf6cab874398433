import { refusalAt } from "./refusal";
import { Encoder, encoderNamed, Template, TemplateValues } from "./template";

class Request extends TemplateValues {
  indexOf(name: string): i32 {
    return ["path", "user", "missing"].indexOf(name);
  }

  load(index: i32): bool {
    if (index == 0) return this.giveText('/a b?"c"');
    if (index == 1) return this.giveText("<\u00fc>\r\n");
    return false;
  }
}

const request: Request = new Request();

function rendered(text: string): string | null {
  const template = Template.compile(text, request, Encoder.Header);
  return template ? template.renderText(request) : null;
}

describe("templates", () => {
  it("encodes values for where they stand", () => {
    expect(rendered("${path|none}")!).toBe('/a b?"c"');
    expect(rendered("x=${path|url}")!).toBe("x=%2Fa%20b%3F%22c%22");
    expect(rendered('{"p":"${path|json}"}')!).toBe('{"p":"/a b?\\"c\\""}');
    expect(rendered("${user|html}")!).toBe("&lt;\u00fc&gt;\r\n");
    expect(rendered("${user}.")!).toBe("<\u00fc>  .");
    expect(rendered("${path|sf}")!).toBe('"/a b?\\"c\\""');
    expect(rendered("${path|base64}")!).toBe("L2EgYj8iYyI=");
    expect(rendered("${user|sf}")!).toBe('%"<%c3%bc>%0d%0a"');
  });

  it("knows defaults, dollars and constants", () => {
    expect(rendered("a${missing}b")!).toBe("ab");
    expect(rendered("${missing|default=a b|url}")!).toBe("a%20b");
    expect(rendered("$$ $ $${path} $")!).toBe("$ $ ${path} $");
    expect(Template.compile("$$a", request)!.isConstant).toBe(true);
    expect(Template.compile("${path}", request)!.isConstant).toBe(false);
  });

  it("refuses what it does not know", () => {
    expect(rendered("ab${other}") == null).toBe(true);
    expect(refusalAt).toBe(4);
    expect(rendered("${path") == null).toBe(true);
    expect(rendered("${path|rot13}") == null).toBe(true);
    expect(rendered("${path|url|json}") == null).toBe(true);
    expect(rendered("${path|default=a|default=b}") == null).toBe(true);
    expect(encoderNamed("html")).toBe(Encoder.Html);
    expect(encoderNamed("HTML")).toBe(-1);
  });

  it("gives nothing beyond the limit", () => {
    const template = Template.compile("ab${path|url}", request)!;
    expect(template.render(request, 20)!.length).toBe(20);
    expect(template.render(request, 19) == null).toBe(true);
    expect(template.render(request, -1) == null).toBe(true);
  });
});
