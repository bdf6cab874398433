/* Grammars as functions from a place to all places where a match can end, so that every way to read a text is tried. */

export type Rule = (text: string, at: number) => readonly number[];

const union = (places: readonly (readonly number[])[]): readonly number[] => [...new Set(places.flat())];

/** Each character of the class, once. */
export const char =
  (pattern: RegExp): Rule =>
  (text, at) =>
    at < text.length && pattern.test(text[at]!) ? [at + 1] : [];

/** Characters of the class, at least `least` of them, and every shorter run. */
export const run =
  (pattern: RegExp, least: number): Rule =>
  (text, at) => {
    let end = at;
    while (end < text.length && pattern.test(text[end]!)) end++;
    return Array.from({ length: Math.max(end - at - least + 1, 0) }, (_, i) => end - i);
  };

export const literal =
  (word: string): Rule =>
  (text, at) =>
    text.startsWith(word, at) ? [at + word.length] : [];

export const seq =
  (...rules: readonly Rule[]): Rule =>
  (text, at) => {
    let places: readonly number[] = [at];
    for (const rule of rules) {
      if (places.length === 1) places = rule(text, places[0]!);
      else places = places.length ? union(places.map((place) => rule(text, place))) : places;
    }
    return places;
  };

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

export const matches = (rule: Rule, text: string): boolean => rule(text, 0).includes(text.length);
