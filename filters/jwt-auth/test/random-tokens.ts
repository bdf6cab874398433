/* Tokens of no sense: good ones that were damaged, and well-signed ones whose header and claims are any JSON, or none. */

import type { RequestInput } from "meshwasm/testing";
import { claims, config, jwks, keyOf, rawToken, token, type Key } from "./support.js";

const ODD = [".", "=", "-", "A", "ey", "%", ";", " ", "&", "+", "\u00ff", "eyJhbGciOiJub25lIn0"];
const JSON_PIECES = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"',
  "\\",
  "\\ud800",
  "\u0000",
  "1e999",
  "-0",
  "null",
  '"exp":',
  '"exp":-1,',
  '"aud":[[]],',
  '"iss":"x",',
  '"crit":["b64"],',
  " ",
];
const FROM = [{ header: "x-token" }, { query: "t" }, { cookie: "t" }];

export class RandomTokens {
  private state: number;

  private constructor(
    private readonly good: readonly string[],
    private readonly secret: Key,
    seed: number,
  ) {
    this.state = seed;
  }

  static async create(seed: number): Promise<RandomTokens> {
    const [rs, es, secret] = await Promise.all([keyOf("RS256"), keyOf("ES256"), keyOf("HS256")]);
    return new RandomTokens(await Promise.all([token(rs), token(es), token(secret)]), secret, seed);
  }

  /** A configuration that takes the good ones, in a header, the query or a cookie. */
  static async config(): Promise<object> {
    const [rs, es, secret] = await Promise.all([keyOf("RS256"), keyOf("ES256"), keyOf("HS256")]);
    const { providers } = config([rs, es], { from: FROM }) as { providers: object[] };
    const symmetric = { name: "secret", algorithms: ["HS256"], from: FROM, jwks: { inline: jwks(secret) } };
    return { providers: [...providers, { ...providers[0], ...symmetric }] };
  }

  request(): RequestInput {
    const text = this.next(3) ? this.damaged(this.good[this.next(this.good.length)]!, ODD) : this.signed();
    const safe = text.replaceAll(/[^\x21-\x7e]/g, "");
    const where = this.next(3);
    if (where === 0) return { headers: { "x-token": text.replaceAll(/[^\x20-\x7e\xff]/g, "").trim() } };
    return where === 1 ? { path: `/?t=${safe}` } : { headers: { cookie: `t=${safe}` } };
  }

  private signed(): string {
    const head = JSON.stringify({ alg: "HS256", kid: this.secret.kid });
    const payload = JSON.stringify(claims());
    return rawToken(
      this.secret,
      this.next(3) ? head : this.damaged(head, JSON_PIECES),
      this.next(6) ? this.damaged(payload, JSON_PIECES) : "[".repeat(this.next(3000)),
    );
  }

  private damaged(whole: string, pieces: readonly string[]): string {
    let text = whole;
    for (let n = 1 + this.next(4); n; n--) {
      const at = this.next(text.length + 1);
      text = text.slice(0, at) + pieces[this.next(pieces.length)]! + text.slice(at + this.next(6));
    }
    return text;
  }

  private next(below: number): number {
    this.state = (Math.imul(this.state, 1103515245) + 12345) >>> 0;
    return (this.state >>> 8) % below;
  }
}
