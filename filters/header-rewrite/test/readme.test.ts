import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { filter, Subject } from "./support.js";

const guide = fileURLToPath(new URL("../../../docs/operator-header-rewrite.md", import.meta.url));

/** The YAML blocks of a page that are configurations. */
function configs(file: string): unknown[] {
  return [...readFileSync(file, "utf8").matchAll(/^```yaml\n(.*?)^```$/gms)]
    .map((match) => parse(match[1]!) as object)
    .filter((config) => "request" in config || "response" in config);
}

test("HD-33: the configurations of the README and of the guide are taken", async () => {
  const found = [...configs(`${filter}/README.md`), ...configs(guide)];
  assert.ok(found.length >= 4);
  const subject = await Subject.start();
  try {
    for (const config of found) await subject.pass(config);
  } finally {
    await subject.close();
  }
});

test("HD-22: the large configuration of the README does what it says", async () => {
  const config = configs(`${filter}/README.md`).find((each) => "match" in (each as object));
  const subject = await Subject.start();
  try {
    const { request, response } = await subject.pass(
      config,
      {
        path: "/users/7/posts?debug=1&a=b",
        headers: [
          ["x-internal-a", "1"],
          ["x-user", "root"],
          ["x-old-token", "t"],
          ["x-role", "a"],
          ["x-role", "b"],
          ["x-phone", "0123 4567"],
          ["x-tenant", "blue"],
          ["x-original-path", "/evil"],
        ],
      },
      { status: 200, headers: { "cache-control": "public" } },
    );
    assert.equal(request.path, "/u/7/posts?a=b&region=eu");
    assert.equal(request.authority, "blue.internal.example");
    const seen = Object.fromEntries(
      ["x-internal-a", "x-user", "x-token", "x-role", "x-phone", "x-original-path", "x-hops", "x-client-net"].map(
        (name) => [name, request.headers.get(name)],
      ),
    );
    assert.deepEqual(seen, {
      "x-internal-a": null,
      "x-user": "",
      "x-token": "t",
      "x-role": "a",
      "x-phone": "0123 ****",
      "x-original-path": "/users/7/posts?debug=1&a=b",
      "x-hops": "example.test",
      "x-client-net": "127.0.0.1",
    });
    assert.equal(response.headers.get("cache-control"), "public");
    const health = await subject.pass(config, { path: "/health?debug=1", headers: { "x-user": "root" } });
    assert.equal(health.request.path, "/health?debug=1");
    assert.equal(health.request.headers.get("x-user"), "root");
  } finally {
    await subject.close();
  }
});
