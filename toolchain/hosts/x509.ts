/** Loads the library for certificates when it is first needed. */
export async function loadX509(): Promise<typeof import("@peculiar/x509")> {
  // The library wants it first.
  await import("reflect-metadata");
  const module = await import("@peculiar/x509");
  // In the bundle of this package it is a CommonJS module, which has a default export alone.
  return "X509CertificateGenerator" in module ? module : (module as { default: typeof module }).default;
}
