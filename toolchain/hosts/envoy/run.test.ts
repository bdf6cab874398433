import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCluster, parseUpstream } from "./run.js";

test("--upstream takes a scheme, a host and a port, and nothing else", () => {
  assert.deepEqual(parseUpstream("http://localhost:3000"), {
    host: "localhost",
    port: 3000,
    tls: false,
    protocol: "http",
  });
  assert.deepEqual(parseUpstream("https://example.test/"), {
    host: "example.test",
    port: 443,
    tls: true,
    protocol: "http",
  });
  assert.deepEqual(parseUpstream("http://[::1]:80"), { host: "::1", port: 80, tls: false, protocol: "http" });
  assert.deepEqual(parseUpstream("tcp://[::1]:80"), { host: "::1", port: 80, tls: false, protocol: "tcp" });
  for (const bad of [
    "tcp://a",
    "localhost",
    "localhost:3000",
    "ftp://a",
    "http://a/b",
    "http://a/?q",
    "http://u:p@a",
    "",
  ]) {
    assert.throws(() => parseUpstream(bad), /give http:\/\/host:port/);
  }
});

test("--cluster takes a name and the address of a service", () => {
  assert.deepEqual(parseCluster("a", "https://auth.test"), { host: "auth.test", port: 443, tls: true, grpc: false });
  assert.deepEqual(parseCluster("a", "grpc://[::1]:9000"), { host: "::1", port: 9000, tls: false, grpc: true });
  for (const bad of ["auth.test", "tcp://a:1", "http://a/b", "http://u@a", "http://a?x", ""])
    assert.throws(() => parseCluster("a", bad), /give name=http:\/\/host:port/);
});
