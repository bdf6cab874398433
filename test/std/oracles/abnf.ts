/* Grammars as functions from a place to all places where a match can end, so that every way to read a text is tried. */

export type Rule = (text: string, at: number) => readonly number[];

const union = (places: readonly (readonly number[])[]): readonly number[] => [...new Set(places.flat())];

/** Each character of the class, once. */
export const char =
  (pattern: RegExp): Rule =>
  (text, at) =>
    at < text.length && pattern.test(text[at]!) ? [at + 1] : [];

export const literal =
  (word: string): Rule =>
  (text, at) =>
    text.startsWith(word, at) ? [at + word.length] : [];

export const seq =
  (...rules: readonly Rule[]): Rule =>
  (text, at) =>
    rules.reduce<readonly number[]>((places, rule) => union(places.map((place) => rule(text, place))), [at]);

export const alt =
  (...rules: readonly Rule[]): Rule =>
  (text, at) =>
    union(rules.map((rule) => rule(text, at)));

export const opt = (rule: Rule): Rule => alt(rule, seq());

/** Any number of times. */
export const star =
  (rule: Rule): Rule =>
  (text, at) => {
    const found = new Set([at]);
    const open = [at];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      for (const next of rule(text, place)) {
        if (found.has(next)) continue;
        found.add(next);
        open.push(next);
      }
    }
    return [...found];
  };

export const plus = (rule: Rule): Rule => seq(rule, star(rule));

export const matches = (rule: Rule, text: string): boolean => rule(text, 0).includes(text.length);
