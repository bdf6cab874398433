/* The grammars of RFC 9110, section 11, with lists as recipients have to read them (section 5.6.1.2), and of RFC 6750. */

import { alt, char, literal, matches, opt, run, seq, star, type Rule } from "./abnf.js";

const ows = run(/[ \t]/, 0);
const token = run(/[!#$%&'*+.^_`|~0-9A-Za-z-]/, 1);
const quotedString = seq(
  literal('"'),
  star(alt(char(/[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]/), seq(literal("\\"), char(/[\t \x21-\x7e\x80-\xff]/)))),
  literal('"'),
);
const list = (element: Rule): Rule => seq(opt(element), star(seq(ows, literal(","), ows, opt(element))));
const parameter = seq(token, ows, literal("="), ows, alt(token, quotedString));
const token68 = seq(run(/[A-Za-z0-9._~+/-]/, 1), run(/=/, 0));
const challenge = seq(token, opt(seq(run(/ /, 1), alt(token68, list(parameter)))));

/** Space at the ends of a field is no part of it, but we do not mind it at the right end, nor empty members at the left. */
export const isChallenges = (text: string): boolean => matches(seq(ows, list(challenge), ows), text);

export const isCredentials = (text: string): boolean => matches(seq(challenge, ows), text);

/** RFC 6750, section 2.1; schemes have no case (RFC 9110, section 11.1). */
export const isBearer = (text: string): boolean => /^bearer +[A-Za-z0-9._~+/-]+=*$/i.test(text);
