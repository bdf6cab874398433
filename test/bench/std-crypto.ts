/* The cryptography of sdk/std beside Node's, which is OpenSSL in native code, with the instructions that processors have for
 * hashes. */

import * as crypto from "node:crypto";
import type { StdProgram } from "../std/program.js";
import { compare, ROUNDS, turnOf, turnOfNode, type Row } from "./turns.js";

/** The header and the claims of an access token, as they are signed. */
const SIGNED = 700;
const ITERATIONS = 1000;

export function cryptoRows(program: StdProgram, say: (line: string) => void): Row[] {
  const rows: Row[] = [];
  /** The export gets the parts behind one another and says whether all was right. */
  const beside = (
    what: string,
    ours: readonly [name: string, title: string],
    parts: readonly Uint8Array[],
    other: readonly [title: string, call: () => unknown],
    target: number | null = null,
  ): void => {
    const bytes = Buffer.concat(parts);
    const turn = turnOf(program, ours[0], bytes);
    const otherTurn = turnOfNode(() => void other[1]());
    rows.push({ what, ours: ours[1], other: other[0], target, ...compare(turn, otherTurn, ROUNDS) });
    say(`${what}, beside ${other[0]}: ${rows.at(-1)!.ratio.toFixed(3)}`);
  };
  const text = crypto.randomBytes(SIGNED);
  const long = crypto.randomBytes(16384);
  for (const [bits, title] of [
    [256, "`Sha256`"],
    [512, "`Sha512`"],
  ] as const) {
    const hash = (bytes: Buffer) => () => crypto.createHash(`sha${bits}`).update(bytes).digest();
    for (const bytes of [text, long])
      beside(`SHA-${bits} of ${bytes.length} bytes`, [`sha${bits}`, title], [bytes], ["`createHash`", hash(bytes)]);
  }
  const secret = text.subarray(0, 32);
  const code = (): Buffer => crypto.createHmac("sha256", secret).update(text).digest();
  beside(`HMAC-SHA-256 of ${SIGNED} bytes`, ["hmac", "`Hmac`, its key ready"], [text], ["`createHmac`", code]);
  const derive = (): Buffer => crypto.pbkdf2Sync(secret, secret, ITERATIONS, 32, "sha256");
  const rounds = `PBKDF2 with HMAC-SHA-256, ${ITERATIONS} iterations`;
  beside(rounds, ["derive", "`pbkdf2`"], [secret], ["`pbkdf2Sync`", derive]);

  const rsa = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
  const der = rsa.publicKey.export({ format: "der", type: "spki" });
  if (program.number("take", der) !== 2048) throw new Error("the key was not taken");
  const padding = crypto.constants.RSA_PKCS1_PSS_PADDING;
  const pkcs1 = crypto.sign("sha256", text, rsa.privateKey);
  const pss = crypto.sign("sha256", text, { key: rsa.privateKey, padding, saltLength: 32 });
  const right = (is: boolean): void => {
    if (!is) throw new Error("a right signature was refused");
  };
  right(program.number("pkcs1", Buffer.concat([pkcs1, text]), 1) === 1);
  right(program.number("pss", Buffer.concat([pss, text]), 1) === 1);
  const verify = "`verify`, its key ready";
  beside(
    `RS256, 2048 bits: a signature of ${SIGNED} bytes`,
    ["pkcs1", "`RsaKey.verifyPkcs1`"],
    [pkcs1, text],
    [verify, () => crypto.verify("sha256", text, rsa.publicKey, pkcs1)],
    1 / 8,
  );
  beside(
    `PS256, 2048 bits: a signature of ${SIGNED} bytes`,
    ["pss", "`RsaKey.verifyPss`"],
    [pss, text],
    [verify, () => crypto.verify("sha256", text, { key: rsa.publicKey, padding, saltLength: 32 }, pss)],
    1 / 8,
  );
  beside(
    "a key of RSA, 2048 bits, from DER",
    ["rsaKey", "`parseSpki`, `RsaKey.of`"],
    [der],
    ["`createPublicKey`", () => crypto.createPublicKey({ key: der, format: "der", type: "spki" })],
  );

  const ed = crypto.generateKeyPairSync("ed25519");
  const x = Buffer.from(ed.publicKey.export({ format: "jwk" }).x!, "base64url");
  const signature = crypto.sign(null, text, ed.privateKey);
  if (program.number("takeEd25519", x) !== 1) throw new Error("the key was not taken");
  right(program.number("ed25519", Buffer.concat([signature, text]), 1) === 1);
  beside(
    `Ed25519: a signature of ${SIGNED} bytes`,
    ["ed25519", "`Ed25519Key.verify`"],
    [signature, text],
    [verify, () => crypto.verify(null, text, ed.publicKey, signature)],
  );
  return rows;
}
