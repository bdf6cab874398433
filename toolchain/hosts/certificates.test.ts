import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { createTestAuthority } from "./certificates.js";

test("an authority issues what Node's own parser finds right", async () => {
  const authority = await createTestAuthority();
  const root = new X509Certificate(authority.cert);
  assert.ok(root.ca && root.checkIssued(root));
  const { cert, key } = await authority.issue({
    subject: "CN=client, O=Test",
    dns: ["a.test", "b.test"],
    uris: ["spiffe://test/ns/a/sa/b"],
  });
  const leaf = new X509Certificate(cert);
  assert.ok(leaf.verify(root.publicKey) && leaf.checkIssued(root) && !leaf.ca);
  assert.ok(leaf.checkPrivateKey(createPrivateKey(key)));
  assert.equal(leaf.subjectAltName, "DNS:a.test, DNS:b.test, URI:spiffe://test/ns/a/sa/b");
  assert.deepEqual(leaf.subject.split("\n"), ["CN=client", "O=Test"]);
  const plain = new X509Certificate((await authority.issue()).cert);
  assert.equal(plain.subjectAltName, "DNS:example.test");
  assert.notEqual(plain.serialNumber, leaf.serialNumber);
});

test("a certificate may be out of its time", async () => {
  const notAfter = new Date(Date.now() - 1000);
  const { cert } = await (await createTestAuthority()).issue({ notAfter });
  assert.ok(Date.parse(new X509Certificate(cert).validTo) < Date.now());
});
