import { Pattern } from "./pattern";
import { Output, Replacement } from "./pattern-replace";

function expanded(template: string): string {
  const pattern = Pattern.compile("(?P<first>a)(?P<x1>b)(c)?")!;
  return pattern.replaceText("-ab-", new Replacement(template))!;
}

describe("pattern-replace", () => {
  it("knows groups by number and by name", () => {
    expect(expanded("<$0|$1|${2}|$first|${x1}>")).toBe("-<ab|a|b|a|b>-");
  });

  it("makes nothing of groups that are not there or had no part", () => {
    expect(expanded("<$3$4$1x${99}$last${01}>")).toBe("-<>-");
  });

  it("takes other dollars as they are", () => {
    expect(expanded("$$1 $ ${ ${} ${1 $- $")).toBe("-$1 $ ${ ${} ${1 $- $-");
  });

  it("stops before it is too long", () => {
    const out = new Output(3);
    const text: StaticArray<u8> = [1, 2];
    expect(out.add(changetype<usize>(text), 2)).toBe(true);
    expect(out.add(changetype<usize>(text), 2)).toBe(false);
    expect(out.add(changetype<usize>(text), 1)).toBe(true);
    expect(<i32>out.length).toBe(3);
    out.free();
  });

  it("finds groups that the pattern does not have", () => {
    const pattern = Pattern.compile("(?P<n>a)")!;
    expect(new Replacement("$0 $1 $n").unknownGroup(pattern)).toBe("");
    expect(new Replacement("$2").unknownGroup(pattern)).toBe("2");
    expect(new Replacement("$nn").unknownGroup(pattern)).toBe("nn");
  });
});
