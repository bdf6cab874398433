import { InvalidArgumentError, type Command } from "commander";
import { formatReference, parseReference, withDefaultTag } from "../../toolchain/oci/index.js";
import type { Attestation, Trust } from "../../toolchain/oci/sign/index.js";
import { PLAIN_HTTP, registryClient, type RegistryOptions } from "../image/client.js";
import { CliError, print, printJson, step } from "../output.js";

const ATTESTATIONS = ["sbom", "provenance"] satisfies Attestation[];

interface Options extends RegistryOptions {
  key?: string;
  certificateIdentity?: string;
  certificateOidcIssuer?: string;
  trustedRoot?: string;
  require?: Attestation[];
  json?: boolean;
}

export function addVerify(program: Command): void {
  program
    .command("verify")
    .description("succeed only when the image is signed by the key or identity, and has what is required")
    .argument("<ref>", "host:port/repo/name:tag, or …@sha256:…")
    .option("--key <key>", "public key: a PEM file, or env://NAME")
    .option("--certificate-identity <name>", "keyless: mail address or URI that must have signed")
    .option("--certificate-oidc-issuer <url>", "keyless: who vouches for the identity")
    .option("--trusted-root <file>", "keyless: trusted_root.json of a Sigstore instance; default the public one's")
    .option("--require <list>", `attestations by the same signer: ${ATTESTATIONS.join(",")}`, attestations)
    .option(...PLAIN_HTTP)
    .option("--json", "print what was verified")
    .action(async (text: string, options: Options) => {
      const ref = withDefaultTag(parseReference(text));
      // The signing libraries are large, and most commands do without.
      const { VerificationFailed, verifyImage } = await import("../../toolchain/oci/sign/index.js");
      const trust = await trustOf(options);
      const client = registryClient(options);
      const require = options.require ?? [];
      try {
        const found = await step(`Verifying ${text}`, () => verifyImage(client, ref, trust, { require }));
        const reference = formatReference(found.reference);
        if (options.json) printJson({ verified: true, ...found, reference });
        else print(`verified  ${reference}${found.attestations.map((kind) => `  ${kind}`).join("")}`);
      } catch (error) {
        if (error instanceof VerificationFailed) throw new CliError(error.message, 3);
        throw error;
      }
    });
}

async function trustOf(options: Options): Promise<Trust> {
  const { loadPublicKey, trustedRoot } = await import("../../toolchain/oci/sign/index.js");
  const { key, certificateIdentity: identity, certificateOidcIssuer: issuer } = options;
  if (key !== undefined) {
    if (identity ?? issuer ?? options.trustedRoot)
      throw new CliError("--key and the keyless options exclude one another; give one", 2);
    return { key: await loadPublicKey(key) };
  }
  if (!identity || !issuer) {
    throw new CliError(
      "nothing says whose signature counts; add --key FILE, or --certificate-identity and --certificate-oidc-issuer",
      2,
    );
  }
  return { root: await trustedRoot(options.trustedRoot), identity, issuer };
}

function attestations(text: string): Attestation[] {
  return text.split(",").map((name) => {
    const known = ATTESTATIONS.find((kind) => kind === name.trim());
    if (!known) throw new InvalidArgumentError(`known are ${ATTESTATIONS.join(", ")}`);
    return known;
  });
}
