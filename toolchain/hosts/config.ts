/**
 * A configuration as the bytes that the filter receives. undefined is "no configuration" (null);
 * a string or bytes go as they are; everything else becomes JSON text.
 */
export function configBytes(config: unknown): Uint8Array | null {
  if (config === undefined) return null;
  if (typeof config === "string") return new TextEncoder().encode(config);
  if (config instanceof Uint8Array) return config;
  const text = JSON.stringify(config) as string | undefined;
  if (text === undefined)
    throw new TypeError(`A configuration cannot be a ${typeof config}; give an object, text or bytes.`);
  return new TextEncoder().encode(text);
}
