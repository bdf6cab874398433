import type { Certificate } from "./types.js";
import { loadX509 } from "./x509.js";

export interface IssueOptions {
  /** Distinguished name. Default "CN=example.test". */
  subject?: string;
  /** DNS names. Default: example.test, when there are no other names. */
  dns?: readonly string[];
  /** URIs, such as a SPIFFE id. */
  uris?: readonly string[];
  /** Default: an hour ago. */
  notBefore?: Date;
  /** Default: in a day. */
  notAfter?: Date;
}

/** A certificate authority made for a test: its PEM is what TlsOptions.clientCa takes. */
export interface TestAuthority {
  /** PEM */
  readonly cert: string;
  /** A certificate for servers and clients, with an ECDSA P-256 key. */
  issue(options?: IssueOptions): Promise<Certificate>;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const HOUR = 3_600_000;

/** Makes a certificate authority; its key stays in memory. */
export async function createTestAuthority(subject = "CN=meshwasm test authority"): Promise<TestAuthority> {
  const x509 = await loadX509();
  const { webcrypto, randomBytes } = await import("node:crypto");
  const newKeys = (): Promise<CryptoKeyPair> =>
    webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
  const times = (options: IssueOptions): { notBefore: Date; notAfter: Date } => ({
    notBefore: options.notBefore ?? new Date(Date.now() - HOUR),
    notAfter: options.notAfter ?? new Date(Date.now() + 24 * HOUR),
  });
  // Positive, and never the same twice: Envoy and Node compare serial numbers.
  const serial = (): string => `01${randomBytes(15).toString("hex")}`;
  const keys = await newKeys();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ serialNumber: serial(), name: subject, keys, signingAlgorithm: ALGORITHM },
    ...times({}),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return {
    cert: root.toString("pem"),
    async issue(options = {}) {
      const uris = options.uris ?? [];
      const dns = options.dns ?? (uris.length > 0 ? [] : ["example.test"]);
      const names = [
        ...dns.map((value) => ({ type: "dns" as const, value })),
        ...uris.map((value) => ({ type: "url" as const, value })),
      ];
      const own = await newKeys();
      const cert = await x509.X509CertificateGenerator.create({
        serialNumber: serial(),
        subject: options.subject ?? "CN=example.test",
        issuer: root.subject,
        ...times(options),
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
          ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
        ],
      });
      const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", own.privateKey);
      return { cert: cert.toString("pem"), key: x509.PemConverter.encode(pkcs8, "PRIVATE KEY") };
    },
  };
}

let common: Promise<Certificate> | undefined;

/** The certificate of a proxy whose test gives none; one for the whole process. */
export function defaultCertificate(): Promise<Certificate> {
  return (common ??= createTestAuthority().then((authority) => authority.issue()));
}
