import { createPublicKey, sign as cryptoSign, type KeyObject } from "node:crypto";
import { bundleToJSON } from "@sigstore/bundle";
import {
  CIContextProvider,
  DSSEBundleBuilder,
  FulcioSigner,
  RekorWitness,
  type Signer,
  type Witness,
} from "@sigstore/sign";
import { canonicalJson } from "../digest.js";
import { OciError, printable } from "../errors.js";
import { keyHint } from "./keys.js";
import { STATEMENT_MEDIA_TYPE, type Statement } from "./statement.js";

/** Who signs: a key, or (keyless) the identity that the CI system or SIGSTORE_ID_TOKEN vouches for. */
export interface SigningIdentity {
  readonly signer: Signer;
  readonly witnesses: Witness[];
}

export function keyIdentity(key: KeyObject): SigningIdentity {
  const publicKey = createPublicKey(key).export({ format: "pem", type: "spki" }).toString();
  const hint = keyHint(key);
  const sign = async (data: Buffer) => ({
    signature: cryptoSign("sha256", data, key),
    key: { $case: "publicKey" as const, publicKey, hint },
  });
  return { signer: { sign }, witnesses: [] };
}

const FULCIO = "https://fulcio.sigstore.dev";
const REKOR = "https://rekor.sigstore.dev";

/** A certificate of Sigstore's public instance for seconds, and an entry in its public log. */
export function keylessIdentity(env: NodeJS.ProcessEnv = process.env): SigningIdentity {
  const token = env["SIGSTORE_ID_TOKEN"];
  const identityProvider = token ? { getToken: async () => token } : new CIContextProvider("sigstore");
  const limits = { timeout: 15_000, retry: 2 };
  return {
    signer: new FulcioSigner({ fulcioBaseURL: FULCIO, identityProvider, ...limits }),
    witnesses: [new RekorWitness({ rekorBaseURL: REKOR, ...limits })],
  };
}

/** The Sigstore bundle (its JSON) of a signed in-toto statement. */
export async function signStatement(identity: SigningIdentity, statement: Statement): Promise<Uint8Array> {
  const builder = new DSSEBundleBuilder({ ...identity, certificateChain: false });
  try {
    const bundle = await builder.create({ data: Buffer.from(canonicalJson(statement)), type: STATEMENT_MEDIA_TYPE });
    // cosign takes a key id for another kind of its own and then accepts no signature; the hint above names the key.
    for (const signature of bundle.content.dsseEnvelope.signatures) signature.keyid = "";
    return new TextEncoder().encode(JSON.stringify(bundleToJSON(bundle)));
  } catch (cause) {
    throw new OciError(
      `signing failed: ${printable((cause as Error).message)}; keyless signing needs the network and an identity (a CI job's, or SIGSTORE_ID_TOKEN), a key needs neither`,
      { cause },
    );
  }
}
