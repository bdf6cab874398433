/** `text` as a DNS-1123 label, as Kubernetes wants names: lower case, digits and inner "-", at most 63. */
export function dnsLabel(text: string, fallback = "filter"): string {
  const label = text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 63)
    .replace(/^-+|-+$/g, "");
  return label === "" ? fallback : label;
}
