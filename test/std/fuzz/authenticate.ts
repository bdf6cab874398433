import assert from "node:assert/strict";
import type { Fuzzed } from "../fuzz.js";
import { isBearer, isChallenges, isCredentials } from "../oracles/authenticate.js";

/** What the grammar allows and we refuse: section 11.2 of RFC 9110 has each parameter once in a challenge, and our limits. */
const REFUSED = ["has a parameter twice", "has too many challenges", "has too many parameters"];

export const FUZZED: Fuzzed[] = [
  {
    name: "challenges and credentials",
    driver: "authenticate",
    export: "verdict",
    corpus: [
      'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""',
      'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9=="',
      "Negotiate oQcwBaADCgEB==, NTLM,Bearer",
      "Bearer mF_9.B5f-4.1JqM==",
      "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
      'Bearer realm="example", error = invalid_token , , error_description="x"',
      "A ,b=c,D e , F",
    ],
    dictionary: [",", " ", "\t", "=", '"', "\\", "==", 'a="b"', "a=b", "Basic", "Bearer "],
    longest: 96,
    check(input, result, program) {
      assert.ok(result < 8, `verdict ${result}`);
      const text = input.toString("latin1");
      for (const [name, bit, expected] of [
        ["challenges", 1, isChallenges(text)],
        ["credentials", 2, isCredentials(text)],
      ] as const) {
        if ((result & bit) !== 0 || !expected) assert.equal((result & bit) !== 0, expected, name);
        else {
          assert.equal(program.bytesOrNull(name, input), null);
          assert.ok(REFUSED.includes(program.text("reason")), `${name}: ${program.text("reason")}`);
        }
      }
      assert.equal((result & 4) !== 0, isBearer(text), "bearer");
    },
    oracle: "ABNF of RFC 9110",
  },
];
