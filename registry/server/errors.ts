/** What the person who starts the server can act on, in one line. */
export class RegistryServerError extends Error {
  readonly expected = true;
  override readonly name = "RegistryServerError";
}

/** Error codes of the distribution specification with the status that goes with each. */
const STATUS = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DENIED: 403,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 400,
  UNSUPPORTED: 400,
} as const;

export type SpecCode = keyof typeof STATUS;

/** An answer in the specification's error format. */
export class SpecError extends Error {
  readonly status: number;

  constructor(
    readonly code: SpecCode,
    message: string,
    options: { status?: number; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.status = options.status ?? STATUS[code];
    this.headers = options.headers ?? {};
  }

  readonly headers: Readonly<Record<string, string>>;

  toResponse(): Response {
    const body = JSON.stringify({ errors: [{ code: this.code, message: this.message }] });
    return new Response(body, {
      status: this.status,
      headers: { "content-type": "application/json", ...this.headers },
    });
  }
}
