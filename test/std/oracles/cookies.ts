/* A Cookie field taken apart with String.split, in the form of drivers/cookie.as. */

const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex");
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// cookie-octet of RFC 6265bis, section 4.1.1.
const OCTETS = "[\\x21\\x23-\\x2b\\x2d-\\x3a\\x3c-\\x5b\\x5d-\\x7e]*";
const VALUE = new RegExp(`^(${OCTETS}|"${OCTETS}")$`);

export function cookiePairs(field: string): string {
  return field
    .split(";")
    .map((part) => part.replace(/^[ \t]+|[ \t]+$/g, ""))
    .filter((part) => part)
    .map((part) => {
      const at = part.indexOf("=");
      if (at < 0) return `~${hex(part)}!`;
      const [name, value] = [part.slice(0, at), part.slice(at + 1)];
      return `${hex(name)}=${hex(value)}${NAME.test(name) && VALUE.test(value) ? "" : "!"}`;
    })
    .join(";");
}
