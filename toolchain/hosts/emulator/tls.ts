import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { createSecureContext } from "node:tls";
import { defaultCertificate } from "../certificates.js";
import type { Certificate, ClientTls, TlsOptions } from "../types.js";
import { loadX509 } from "../x509.js";
import { EmulatorError } from "./errors.js";

/** What a certificate says of its owner, latin1; null: nothing. */
export interface CertificateFacts {
  readonly subject: string;
  readonly uri: string | null;
  readonly dns: string | null;
  readonly sha256: string;
}

/** What a TLS handshake has settled. */
export interface TlsFacts {
  readonly version: string;
  readonly serverName: string;
  readonly local: CertificateFacts;
  readonly peer: CertificateFacts | null;
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** The library's names of attributes where OpenSSL has others. */
const NAMES: Readonly<Record<string, string>> = { E: "emailAddress", G: "GN", I: "initials", T: "title" };

const certificates = (pem: string): X509Certificate[] =>
  (pem.match(PEM) ?? []).map((each) => new X509Certificate(each));

/** RFC 2253's escapes; bytes above 127 are escaped too. */
function escaped(value: string): string {
  return Buffer.from(value, "utf8")
    .toString("latin1")
    .replace(/[,+"\\<>;]|^[# ]| $/g, "\\$&")
    .replace(/[\0-\x1f\x7f-\xff]/g, (c) => `\\${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/** A subject as Envoy writes it: the last attribute first. */
function subjectOf(name: readonly Readonly<Record<string, readonly string[]>>[]): string {
  return [...name]
    .reverse()
    .map((part) =>
      Object.entries(part)
        .flatMap(([type, values]) => values.map((value) => `${NAMES[type] ?? type}=${escaped(value)}`))
        .reverse()
        .join("+"),
    )
    .join(",");
}

async function factsOf(pem: string): Promise<CertificateFacts> {
  const x509 = await loadX509();
  const certificate = new x509.X509Certificate(pem.match(PEM)?.[0] ?? pem);
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const first = (type: string): string | null => names.find((each) => each.type === type)?.value ?? null;
  return {
    subject: subjectOf(certificate.subjectName.toJSON()),
    uri: first("url"),
    dns: first("dns"),
    sha256: Buffer.from(await certificate.getThumbprint("SHA-256")).toString("hex"),
  };
}

/** Why a client's certificate is not taken, in TLS's words, or null. */
function untrusted(chain: readonly X509Certificate[], roots: readonly X509Certificate[]): string | null {
  const [leaf, ...rest] = chain;
  for (let each = leaf; each !== undefined;) {
    const current: X509Certificate = each;
    const issuer: X509Certificate | undefined = [...roots, ...rest].find((other) => current.checkIssued(other));
    if (issuer === undefined) return "tlsv1 alert unknown ca";
    if (!current.verify(issuer.publicKey)) return "tlsv1 alert decrypt error";
    if (roots.includes(issuer)) break;
    each = issuer === current ? undefined : issuer;
  }
  const now = Date.now();
  const inTime = chain.every(({ validFrom, validTo }) => Date.parse(validFrom) <= now && now < Date.parse(validTo));
  return inTime ? null : "sslv3 alert certificate expired";
}

/** Makes the listener's side of handshakes. */
export class TlsListener {
  static async create(options: true | TlsOptions): Promise<TlsListener> {
    const { certificate, clientCa, requireClientCertificate = true }: TlsOptions = options === true ? {} : options;
    const own = certificate ?? (await defaultCertificate());
    usable(own);
    const roots = clientCa === undefined ? null : certificates(clientCa);
    if (roots?.length === 0) throw new EmulatorError("tls.clientCa holds no certificate; give PEM text.");
    return new TlsListener(await factsOf(own.cert), roots, requireClientCertificate);
  }

  private constructor(
    private readonly local: CertificateFacts,
    private readonly roots: readonly X509Certificate[] | null,
    private readonly required: boolean,
  ) {}

  /** `host`: the name that the client asks for when the test names none. */
  async handshake({ serverName, certificate }: ClientTls, host: string): Promise<TlsFacts> {
    if (certificate !== undefined) usable(certificate);
    const name = serverName ?? host;
    const peer = this.roots === null ? null : await this.#peer(certificate, this.roots);
    return { version: "TLSv1.3", serverName: isIP(name) === 0 ? name.toLowerCase() : "", local: this.local, peer };
  }

  async #peer(
    certificate: Certificate | undefined,
    roots: readonly X509Certificate[],
  ): Promise<CertificateFacts | null> {
    if (certificate === undefined) {
      if (this.required) throw refused("tlsv13 alert certificate required");
      return null;
    }
    const reason = untrusted(certificates(certificate.cert), roots);
    if (reason !== null) throw refused(reason);
    return factsOf(certificate.cert);
  }
}

const refused = (reason: string): EmulatorError => new EmulatorError(`The proxy refused the TLS handshake: ${reason}.`);

/** Throws what OpenSSL says of a certificate or key that does not work. */
function usable({ cert, key }: Certificate): void {
  createSecureContext({ cert, key });
}
