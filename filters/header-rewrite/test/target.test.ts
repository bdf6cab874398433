import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Subject } from "./support.js";

for (const downstream of ["http1", "http2"] as const) {
  describe(`path, query and host over ${downstream}`, () => {
    let subject: Subject;
    before(async () => {
      subject = await Subject.start({ downstream });
    });
    after(() => subject?.close());

    /** What becomes of a path; null when the request is refused. */
    async function path(config: unknown, sent: string, headers: Record<string, string> = {}): Promise<string | null> {
      const response = await subject.send(config, { path: sent, headers });
      if (response.upstream) return response.upstream.path;
      assert.equal(response.status, 400);
      assert.equal(response.headers.get("content-type"), "application/problem+json");
      assert.deepEqual(JSON.parse(response.text()), { type: "about:blank", title: "Bad Request", status: 400 });
      return null;
    }

    test("HD-36: operations on the path", async () => {
      const prefix = (from: string, to: string) => ({ path: [{ prefix: from, with: to }] });
      const rows: [config: unknown, sent: string, expected: string][] = [
        [{ path: [{ replace: "/new" }] }, "/old", "/new"],
        [{ path: [{ replace: "/${method}/${header:x-a|default=none}" }] }, "/old", "/GET/none"],
        [prefix("/api", "/v1"), "/api/x", "/v1/x"],
        [prefix("/api", "/v1"), "/api", "/v1"],
        [prefix("/api", "/v1"), "/apis", "/apis"],
        [prefix("/api", "/v1/"), "/api/x", "/v1/x"],
        [prefix("/api/", "/v1/"), "/api/x", "/v1/x"],
        [prefix("/api/", "/v1"), "/api/x", "/v1/x"],
        [prefix("/api", ""), "/api/x", "/x"],
        [prefix("/api", ""), "/api", "/"],
        [prefix("/api", "/"), "/api/x", "/x"],
        [prefix("/", "/base/"), "/x", "/base/x"],
        [{ path: [{ regex: "/(\\d+)", replacement: "/n$1" }] }, "/1/a/22", "/n1/a/n22"],
        [
          { path: [{ template: "/users/{id}/posts/{rest=**}", to: "/p/{rest}/by/{id}" }] },
          "/users/7/posts/a/b",
          "/p/a/b/by/7",
        ],
        [{ path: [{ template: "/users/{id}", to: "/u/{id}" }] }, "/users/7/x", "/users/7/x"],
        [{ path: [{ template: "/$1/{id}", to: "/$1/$${id}" }] }, "/$1/x", "/$1/$$x"],
        [{ path: [{ replace: "/a" }, { prefix: "/a", with: "/b" }] }, "/", "/b"],
        [{ path: [{ replace: "/a", when: { sel: "path", exact: "/b" } }] }, "/c", "/c"],
        [{ path: [{ replace: "/a", when: { sel: "path", exact: "/b" } }] }, "/b", "/a"],
      ];
      for (const [config, sent, expected] of rows)
        assert.equal(await path(config, sent), expected, JSON.stringify(config));
    });

    test("HD-8: a rewritten path keeps the bytes of the query", async () => {
      const config = {
        path: [
          { prefix: "/a", with: "/b" },
          { regex: "[?]|x", replacement: "y" },
        ],
      };
      for (const query of ["?", "?x=%zz&&=&a+b?c/d", "?%2F=%2f", ""]) {
        assert.equal(await path(config, `/a/x${query}`), `/b/y${query}`);
      }
    });

    test("HD-9: nothing is encoded twice", async () => {
      assert.equal(await path({ path: [{ replace: "/v2${path}" }] }, "/a%2Fb/c%20d"), "/v2/a%2Fb/c%20d");
      assert.equal(await path({ path: [{ replace: "/${path[2]}/${path[1]}" }] }, "/a%20b/c"), "/c/a%20b");
      assert.equal(await path({ path: [{ replace: "/${path[1]|url}" }] }, "/a%20b"), "/a%2520b");
      assert.equal(await path({ path: [{ replace: "/${query:q}" }] }, "/?q=a%20b%2Fc"), "/a%20b%2Fc?q=a%20b%2Fc");
      assert.equal(await path({ path: [{ replace: "/${header:x-a}" }] }, "/", { "x-a": "a?b#c/d" }), "/a%3Fb%23c%2Fd");
      assert.equal(
        await path({ query: [{ op: "set", name: "q", value: "${query:q}" }] }, "/?q=a%20b%26c"),
        "/?q=a%20b%26c",
      );
    });

    test("HD-10: a path that does not begin with / is never sent", async () => {
      assert.equal(await path({ path: [{ regex: "^/", replacement: "" }] }, "/a"), null);
      assert.equal(await path({ path: [{ regex: ".*", replacement: "" }] }, "/a"), null);
      assert.equal(
        await path({ path: [{ replace: "${header:x-a|none}" }] }, "/a", { "x-a": "http://evil.test/" }),
        null,
      );
      assert.equal(await path({ path: [{ replace: "/${header:x-a|none}" }] }, "/a", { "x-a": "b c" }), null);
      assert.equal(await path({ path: [{ replace: "/${header:x-a|none}" }] }, "/a", { "x-a": "b?c" }), null);
      assert.equal(await path({ path: [{ replace: "/${header:x-a|none}" }] }, "/a", { "x-a": "b\xff" }), null);
    });

    test("HD-11: a path never begins with // by a rewrite", async () => {
      assert.equal(await path({ path: [{ prefix: "/api", with: "" }] }, "/api//evil.test/x"), "/evil.test/x");
      assert.equal(await path({ path: [{ regex: "^/api", replacement: "/" }] }, "/api/evil.test"), "/evil.test");
      assert.equal(await path({ path: [{ template: "/go/{to=**}", to: "/{to}" }] }, "/go//evil.test"), "/evil.test");
      assert.equal(
        await path({ path: [{ replace: "/${query:to|none}" }] }, "/?to=/evil.test"),
        "/evil.test?to=/evil.test",
      );
    });

    test("HD-12: a group that had no part in the match is nothing", async () => {
      assert.equal(await path({ path: [{ regex: "^/(a)?(b)?", replacement: "/<$1>$2" }] }, "/b"), "/<>b");
    });

    test("HD-29: no template leads a path out of its folder", async () => {
      const config = { path: [{ replace: "/files/${query:name}" }] };
      for (const name of ["..", ".", "%2e%2e", "..%2Fadmin", "..%2fadmin", "..%5cadmin", "a%2F..%2Fb", "..;x"]) {
        assert.equal(await path(config, `/?name=${name}`), null, name);
      }
      for (const name of ["a..b", "...", "a", ".a"]) {
        assert.equal(await path(config, `/?name=${name}`), `/files/${name}?name=${name}`);
      }
    });

    test("HD-23: operations on the query", async () => {
      const rows: [rules: object[], sent: string, expected: string][] = [
        [[{ op: "set", name: "a", value: "x y" }], "/?b=1&a=1&c=2&a=3", "/?b=1&a=x%20y&c=2"],
        [[{ op: "set", name: "a", value: "1" }], "/", "/?a=1"],
        [[{ op: "set", name: "a", value: "1" }], "/?", "/?a=1"],
        [[{ op: "add", name: "a", value: "2" }], "/?a=1", "/?a=1&a=2"],
        [[{ op: "add", name: "ü&", value: "=" }], "/", "/?%C3%BC%26=%3D"],
        [[{ op: "setIfAbsent", name: "a", value: "2" }], "/?a", "/?a"],
        [[{ op: "setIfAbsent", name: "a", value: "2" }], "/?b", "/?b&a=2"],
        [[{ op: "remove", name: "a" }], "/?a=1&b=%zz&&a", "/?b=%zz&"],
        [[{ op: "remove", name: "a" }], "/?a=1", "/"],
        [[{ op: "remove", name: "a b" }], "/?a+b=1&a%20b=2&c", "/?c"],
        [[{ op: "remove", name: "a+b" }], "/?a+b=1&a%2Bb=2&c", "/?a+b=1&c"],
        [[{ op: "rename", name: "a", to: "b" }], "/?a=%20&c&a", "/?b=%20&c&b"],
        [[{ op: "set", name: "from", value: "${path}" }], "/x?y", "/x?y&from=%2Fx"],
        [[{ op: "remove", name: "a", when: { sel: "query:a", exact: "2" } }], "/?a=1", "/?a=1"],
        [[{ op: "remove", name: "none" }], "/?a=1&&", "/?a=1&&"],
        [[{ op: "remove", name: "none" }], "/?", "/?"],
      ];
      for (const [query, sent, expected] of rows) {
        assert.equal(await path({ query }, sent), expected, `${JSON.stringify(query)} ${sent}`);
      }
      assert.equal(
        await path({ path: [{ replace: "/new" }], query: [{ op: "add", name: "a", value: "1" }] }, "/?b"),
        "/new?b&a=1",
      );
    });

    test("HD-24: operations on the host", async () => {
      const host = async (rules: object[], authority: string, headers: Record<string, string> = {}) => {
        const response = await subject.send({ host: rules }, { authority, headers });
        return response.upstream?.authority ?? response.status;
      };
      assert.equal(await host([{ replace: "b.test" }], "a.test"), "b.test");
      assert.equal(await host([{ replace: "${header:x-a}.b.test:81" }], "a.test", { "x-a": "c" }), "c.b.test:81");
      assert.equal(await host([{ regex: "^(\\w+)\\.a\\.", replacement: "$1.b." }], "x.a.test:8080"), "x.b.test:8080");
      for (const bad of ["a/b", "a@b", "a b", "a,b", "a\xffb", "", "a?b"]) {
        assert.equal(await host([{ replace: "${header:x-a|none}" }], "a.test", { "x-a": bad }), 400, bad);
      }
      assert.equal(await host([{ replace: "b.test", when: { sel: "host", exact: "c.test" } }], "C.test:80"), "b.test");
    });

    test("HD-34: headers that the filter writes itself are taken from clients", async () => {
      const config = {
        path: [{ prefix: "/a", with: "/b" }],
        host: [{ replace: "b.test", when: { sel: "path", prefix: "/a" } }],
        originalPath: "X-Envoy-Original-Path",
        originalHost: "x-original-host",
      };
      const headers = { "x-envoy-original-path": "/admin", "x-original-host": "evil.test" };
      const changed = await subject.pass(config, { path: "/a?q", headers });
      assert.deepEqual(changed.request.headers.all("x-envoy-original-path"), ["/a?q"]);
      assert.deepEqual(changed.request.headers.all("x-original-host"), ["example.test"]);
      assert.equal(changed.request.path, "/b?q");
      const other = await subject.pass(config, { path: "/c", headers });
      assert.equal(other.request.headers.has("x-envoy-original-path"), false);
      assert.equal(other.request.headers.has("x-original-host"), false);
    });

    test("HD-36: header rules see the path as it came, path rules the headers", async () => {
      const config = {
        request: [
          { op: "set", name: "x-path", value: "${path}" },
          { op: "remove", name: "x-tenant" },
        ],
        path: [{ replace: "/${header:x-tenant}" }],
      };
      const { request } = await subject.pass(config, { path: "/old", headers: { "x-tenant": "blue" } });
      assert.equal(request.path, "/blue");
      assert.equal(request.headers.get("x-path"), "/old");
      assert.equal(request.headers.has("x-tenant"), false);
    });

    if (downstream === "http1") {
      test("HD-36: what has no path is left alone", async () => {
        const config = { path: [{ replace: "/a" }], query: [{ op: "add", name: "a", value: "1" }] };
        // No route has it, so that Envoy answers as it does without the filter.
        assert.equal((await subject.send(config, { method: "OPTIONS", path: "*" })).status, 404);
      });
    }
  });
}
