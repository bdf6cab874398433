import { CookieReader, Cookies, SameSite, SetCookie } from "./cookie";
import { refusalReason } from "./refusal";
import { Slice } from "./slice";

describe("cookies", () => {
  it("reads pairs in order, with all there are of a name", () => {
    const field = Slice.of('SID=1; lang=en;SID=2;; =x;y ;\tz = "a b"');
    const reader = new CookieReader(field.ptr, field.length);
    let text = "";
    let wellFormed = 0;
    while (reader.next()) {
      text += "[" + reader.name + "|" + reader.value + "]";
      if (reader.wellFormed) wellFormed++;
    }
    expect(text).toBe('[SID|1][lang|en][SID|2][|x][|y][z | "a b"]');
    expect(wellFormed).toBe(3);
    expect(reader.next()).toBe(false);
  });

  it("finds cookies by name", () => {
    const cookies = Cookies.of("a=1; b=; A=2; a=3");
    expect(cookies.get("a")!).toBe("1");
    expect(cookies.get("b")!).toBe("");
    expect(cookies.get("c") == null).toBe(true);
    expect(cookies.count("a")).toBe(2);
    expect(cookies.all("a")).toStrictEqual(["1", "3"]);
    expect(Cookies.of("").count("")).toBe(0);
  });

  it("writes cookies", () => {
    const cookie = new SetCookie("__Host-session", "abc");
    cookie.path = "/";
    cookie.maxAge = 3600;
    cookie.secure = true;
    cookie.httpOnly = true;
    cookie.sameSite = SameSite.Lax;
    expect(cookie.serialize()!).toBe("__Host-session=abc; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax");
    cookie.domain = ".example.com";
    expect(cookie.serialize() == null).toBe(true);
    expect(refusalReason).toBe("__Host- needs the path / and no domain");
    const gone = SetCookie.deleting("a");
    gone.domain = ".example.com";
    expect(gone.serialize()!).toBe("a=; Domain=example.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0");
  });

  it("writes nothing that could be read otherwise", () => {
    const values = ["a b", "a;b", 'a"b', "a,b", "a\\b", "a\r\nb", "\u00e9", '"'];
    for (let i = 0; i < values.length; i++) {
      expect(new SetCookie("a", values[i]).serialize() == null).toBe(true, values[i]);
    }
    expect(new SetCookie("a b", "").serialize() == null).toBe(true);
    expect(new SetCookie("a", '"b"').serialize()!).toBe('a="b"');
  });
});
