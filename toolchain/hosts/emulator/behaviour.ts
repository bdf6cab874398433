/* What differs between the Envoys that the emulator can be: the version that a test asks for, else the default one. */

export interface Behaviour {
  /** Normalisation takes `..;x` for `..`. */
  readonly normalizesParameters: boolean;
  /** `keep-alive` that a filter sets on an HTTP/1 response goes out. */
  readonly keepsKeepAlive: boolean;
}

export function behaviourOf(version: string | undefined): Behaviour {
  const minor = Number(/^1\.(\d+)/.exec(version ?? "")?.[1] ?? Infinity);
  return {
    normalizesParameters: minor >= 39,
    keepsKeepAlive: minor >= 38,
  };
}
