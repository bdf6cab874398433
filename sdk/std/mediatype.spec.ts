import { Accept, MediaType } from "./mediatype";

function again(text: string): string | null {
  const media = MediaType.parseText(text);
  return media ? String.UTF8.decode(media.toBytes().buffer) : null;
}

describe("media types", () => {
  it("reads as browsers do", () => {
    const media = MediaType.parseText(' Text/HTML ; Charset="utf-8" ;bad;x=; charset=other;a=b \r\n')!;
    expect(media.essence).toBe("text/html");
    expect(media.is("text/html")).toBe(true);
    expect(media.is("text/htm")).toBe(false);
    expect(media.is("texts/html")).toBe(false);
    expect(media.param("charset")!.toString()).toBe("utf-8");
    expect(media.param("a")!.is("b")).toBe(true);
    expect(media.param("x") == null).toBe(true);
    expect(media.names.length).toBe(2);
    expect(again('a/b;c="d\\"e";f=""')!).toBe('a/b;c="d\\"e";f=""');
  });

  it("refuses what has no type and subtype", () => {
    const bad = ["", "text", "/html", "text/", "text html", "text/ht ml", "t@xt/html", "text/html,", "text/html/x"];
    for (let i = 0; i < bad.length; i++) expect(MediaType.parseText(bad[i]) == null).toBe(true, bad[i]);
  });
});

describe("Accept", () => {
  it("takes the most specific range", () => {
    const accept = Accept.parseText("text/*;q=0.3, text/html;q=0.7, text/html;level=1, */*;q=0.5, x/y;q=0")!;
    expect(accept.quality(MediaType.parseText("text/html;level=1")!)).toBe(1000);
    expect(accept.quality(MediaType.parseText("text/html")!)).toBe(700);
    expect(accept.quality(MediaType.parseText("text/plain")!)).toBe(300);
    expect(accept.quality(MediaType.parseText("image/png")!)).toBe(500);
    expect(accept.quality(MediaType.parseText("x/y")!)).toBe(0);
  });

  it("chooses, of equals the first", () => {
    const offers = [
      MediaType.parseText("application/json")!,
      MediaType.parseText("text/html;charset=UTF-8")!,
      MediaType.parseText("text/plain")!,
    ];
    expect(Accept.parseText("text/*, application/json;q=0.9")!.best(offers)).toBe(1);
    expect(Accept.parseText("*/*")!.best(offers)).toBe(0);
    expect(Accept.parseText("text/html;charset=utf-8")!.best(offers)).toBe(1);
    expect(Accept.parseText("image/png")!.best(offers)).toBe(-1);
    expect(Accept.parseText("")!.best(offers)).toBe(-1);
  });

  it("leaves out malformed members", () => {
    const accept = Accept.parseText('text, a/b;q=2, a/b;q=0.1234, */x, c/d;q="1", ,e/f;x="1,2"')!;
    expect(accept.ranges.length).toBe(1);
    expect(accept.ignored).toBe(5);
    expect(accept.ranges[0].media.param("x")!.toString()).toBe("1,2");
  });
});
