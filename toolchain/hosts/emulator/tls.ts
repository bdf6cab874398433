/** What a certificate says of its owner; null: nothing. */
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
