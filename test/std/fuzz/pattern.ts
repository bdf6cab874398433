import type { Fuzzed } from "../fuzz.js";

/** The machines of the engine agree with each other. */
function agree(place: number): void {
  if (place) throw new Error(`the machines disagree at ${place}`);
}

export const FUZZED: Fuzzed[] = [
  {
    name: "pattern: a pattern",
    driver: "pattern",
    export: "fuzzPattern",
    longest: 96,
    corpus: [
      ...[
        "^/api/v[0-9]+/users/([a-z0-9-]+)$",
        "(?i)(googlebot|bingbot|yandex)",
        "(a+)+$",
        "x{2,3}?y{0,}",
        "(?P<n>a)|(?<m>b)",
      ],
      ...[
        "[[:alpha:]_-]+\\d",
        "[^\\x00-\\x{10FFFF}]",
        "(?m)^\\s*$",
        "\\bfoo\\B",
        "(?U)a*?b+",
        "(?is-m:.é)",
        "\\Q[a]\\E*",
      ],
      ...[
        "((a*)*|b)*c",
        "(|a)+",
        "[]a]|[^]]",
        "\\pL",
        "(?:a{10}){10}",
        "\\A\\x{1F600}\\z",
        "a||b()",
        "([a-z]+@[a-z]+\\.)+",
      ],
    ],
    dictionary: [
      ...["(", ")", "(?:", "(?i)", "(?P<a>", "|", "*", "+?", "??", "{2}", "{1,9}", "{1000}", "[", "]", "[^", "-", "\\"],
      ...[
        "\\b",
        "\\w",
        "\\D",
        "\\x{",
        "}",
        "[:word:]",
        "[:^digit:]",
        "\\Q",
        "\\E",
        "^",
        "$",
        ".",
        "\\z",
        "\\1",
        "\\p{L}",
      ],
    ],
    check: (input, _result, program) => {
      if (program.number("compileMachines", input)) agree(program.number("machines", input));
    },
    oracle: "its own machines",
  },
  {
    name: "pattern: a text",
    driver: "pattern",
    export: "fuzzText",
    longest: 160,
    corpus: [
      ...[
        "/api/v12/users/jane-doe-42",
        "id=1 UNION  SELECT password",
        "aaaaaaaaaaaaaaaaaaaaab",
        "Bearer eyJhbGciOiJSUzI1NiJ9.e30=",
      ],
      ...[
        "abcdabcbcd",
        "a=1&b=2&&c==3&d",
        "Host: example.test\n x : y \n",
        "é\u{1f600}\ufffd日本",
        "xxyyxxy y",
        "aabababaxxxxb",
      ],
    ],
    check: (input, _result, program) => agree(program.number("fuzzTextMachines", input)),
    oracle: "its own machines",
  },
];
