import { bearerChallenge, bearerTokenAt, Challenge, parseChallengesText, parseCredentialsText } from "./authenticate";
import { refusalAt } from "./refusal";
import { Slice } from "./slice";

function bearer(text: string): i32 {
  const bytes = Slice.of(text);
  return bearerTokenAt(bytes.ptr, bytes.length);
}

describe("challenges", () => {
  it("reads the example of RFC 9110, section 11.6.1", () => {
    const all = parseChallengesText('Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""')!;
    expect(all.length).toBe(2);
    expect(all[0].is("basic")).toBe(true);
    expect(all[0].param("Realm")!.toString()).toBe("simple");
    expect(all[1].names.length).toBe(3);
    expect(all[1].param("title")!.toString()).toBe('Login to "apps"');
    expect(all[1].param("x") == null).toBe(true);
  });

  it("tells schemes, tokens and parameters apart", () => {
    const all = parseChallengesText("Negotiate abc==, NTLM,,Digest a = b , c=d, Other")!;
    expect(all.length).toBe(4);
    expect(all[0].token68!.toString()).toBe("abc==");
    expect(all[1].token68 == null).toBe(true);
    expect(all[2].names.length).toBe(2);
    expect(all[3].is("Other")).toBe(true);
    expect(parseChallengesText("")!.length).toBe(0);
  });

  it("refuses what is malformed", () => {
    const bad = ["=", "A,b=c", "A b c", "A b c=", 'A b="c', "A b=c d=e", "A b=c, B=2, b=3", "A abc, d=e", "A\tb"];
    for (let i = 0; i < bad.length; i++) expect(parseChallengesText(bad[i]) == null).toBe(true, bad[i]);
    parseChallengesText("A b=c, b=d");
    expect(refusalAt).toBe(7);
  });

  it("is written", () => {
    const challenge = Challenge.of("Digest").add("realm", 'a"b').addToken("algorithm", "SHA-256");
    expect(challenge.serialize()!).toBe('Digest realm="a\\"b", algorithm=SHA-256');
    expect(Challenge.of("Digest").add("realm", "a\r\nb").serialize() == null).toBe(true);
    expect(Challenge.of("Digest").addToken("a", "b c").serialize() == null).toBe(true);
    expect(Challenge.of("A b").serialize() == null).toBe(true);
    expect(bearerChallenge("r", "invalid_token")!).toBe('Bearer realm="r", error="invalid_token"');
    expect(bearerChallenge("r", 'a"b') == null).toBe(true);
  });
});

describe("credentials", () => {
  it("are one", () => {
    expect(parseCredentialsText("Basic QWxhZGRpbg==")!.token68!.toString()).toBe("QWxhZGRpbg==");
    expect(parseCredentialsText('Digest username="a", uri="/"')!.param("uri")!.toString()).toBe("/");
    expect(parseCredentialsText("Basic a, Basic b") == null).toBe(true);
    expect(parseCredentialsText("") == null).toBe(true);
  });

  it("with a bearer token are found without allocation", () => {
    expect(bearer("Bearer abc.d-e_f~g+h/i==")).toBe(7);
    expect(bearer("bEARER  x")).toBe(8);
    expect(bearer("Bearer")).toBe(-1);
    expect(bearer("Bearer ")).toBe(-1);
    expect(bearer("Bearer a b")).toBe(-1);
    expect(bearer("Bearer a=b")).toBe(-1);
    expect(bearer("Bearer =")).toBe(-1);
    expect(bearer("Bearer\ta")).toBe(-1);
    expect(bearer("Basic aaa")).toBe(-1);
  });
});
