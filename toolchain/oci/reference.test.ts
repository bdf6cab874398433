import assert from "node:assert/strict";
import { test } from "node:test";
import { OciError } from "./errors.js";
import { formatReference, isLoopback, parseReference, registryOrigin, withDefaultTag } from "./reference.js";

const HEX = "a".repeat(64);

test("right references round-trip", () => {
  for (const text of [
    "registry.example.com/team/filter:1.0.0",
    "localhost/a",
    "localhost:5000/a/b-c__d.e:V1",
    "127.0.0.1:5000/a:_x",
    "[::1]:5000/a",
    "[2001:db8::1]/a/b:1",
    `host.test/a:1@sha256:${HEX}`,
    `host.test/a@sha256:${HEX}`,
    `host.test/a@sha512:${HEX}${HEX}`,
    "UPPER.example.com/lower",
  ]) {
    assert.equal(formatReference(parseReference(text)), text);
    assert.deepEqual(parseReference(`oci://${text}`), parseReference(text));
  }
});

test("the default tag is chosen only when nothing else is named", () => {
  assert.equal(withDefaultTag(parseReference("h.test/a")).tag, "latest");
  assert.equal(withDefaultTag(parseReference(`h.test/a@sha256:${HEX}`)).tag, undefined);
  assert.equal(withDefaultTag(parseReference("h.test/a:2")).tag, "2");
});

test("wrong references are refused in one line with an example", () => {
  for (const [text, why] of [
    ["", /host and a repository/],
    ["filter", /host and a repository/],
    ["team/filter:1", /"team" is not a registry host/],
    ["https://h.test/a", /only the scheme oci/],
    ["h.test/", /repository is missing/],
    ["h.test/Team/a", /lower case/],
    ["h.test/../etc", /not a valid repository/],
    ["h.test/a//b", /not a valid repository/],
    ["h.test/a/", /not a valid repository/],
    ["h.test/a___b", /not a valid repository/],
    ["h.test/a:", /not a valid tag/],
    ["h.test/a:-x", /not a valid tag/],
    ["h.test/a:1/../x", /not a valid tag/],
    [`h.test/a:${"x".repeat(129)}`, /not a valid tag/],
    ["h.test/a@sha256:abc", /digest/],
    [`h.test/a@sha256:${"A".repeat(64)}`, /digest/],
    [`h.test/a@md5:${"a".repeat(32)}`, /digest/],
    ["h.test:0/a", /not a valid host/],
    ["h.test:99999/a", /not a valid host/],
    ["user:pw@h.test/a", /digest/],
    ["[::zz]:1/a", /not a valid host/],
    ["h.test\n/a", /not a valid host/],
  ] as const) {
    assert.throws(
      () => parseReference(text),
      (e: unknown) => {
        assert.ok(e instanceof OciError, text);
        assert.match(e.message, why, text);
        assert.match(e.message, /registry\.example\.com\/team\/filter:1\.0\.0/);
        assert.doesNotMatch(e.message, /\n/);
        return true;
      },
    );
  }
});

test("plain HTTP is automatic on loopback only", () => {
  for (const host of ["localhost", "localhost:1", "127.0.0.1", "127.9.9.9:80", "[::1]:5000", "[0:0:0:0:0:0:0:1]"]) {
    assert.equal(isLoopback(host), true, host);
  }
  for (const host of ["10.0.0.1", "h.test", "127.0.0.1.h.test", "localhost.h.test:1", "[::2]:1", "1270.0.0.1"]) {
    assert.equal(isLoopback(host), false, host);
  }
  assert.equal(registryOrigin("h.test:1"), "https://h.test:1");
  assert.equal(registryOrigin("h.test:1", true), "http://h.test:1");
});
