import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Subject, type Line } from "./support.js";

const set = (name: string, value: string, when?: unknown) => ({ op: "set", name, value, ...(when ? { when } : {}) });

for (const downstream of ["http1", "http2"] as const) {
  describe(`headers over ${downstream}`, () => {
    let subject: Subject;
    before(async () => {
      subject = await Subject.start({ downstream });
    });
    after(() => subject?.close());

    test("HD-1: names match in any case", async () => {
      const config = { request: [{ op: "remove", name: "X-GONE" }, set("X-One", "new")] };
      const { request } = await subject.pass(config, {
        headers: [
          ["x-gone", "1"],
          ["X-Gone", "2"],
          ["x-one", "1"],
          ["X-ONE", "2"],
        ],
      });
      assert.equal(request.headers.has("x-gone"), false);
      assert.deepEqual(request.headers.all("x-one"), ["new"]);
    });

    test("HD-2: other lines and their order stay", async () => {
      const sent: Line[] = [
        // A client over HTTP/2 brings lines of one name together.
        ["x-a", "1"],
        ["x-a", "2"],
        ["x-a", "1"],
        ["x-c", "1"],
        ["x-b", "1"],
      ];
      const { request } = await subject.pass(
        { request: [{ op: "remove", name: "x-c" }, set("x-d", "1")] },
        { headers: sent },
      );
      assert.deepEqual(
        [...request.headers].filter(([name]) => /^x-[abcd]$/.test(name)),
        [...sent.filter(([name]) => name !== "x-c"), ["x-d", "1"]],
      );
    });

    test("HD-3: append joins in one line, set-cookie never", async () => {
      const append = (name: string, value: string) => ({ op: "append", name, value });
      const config = {
        request: [append("x-list", "c"), append("x-new", "a"), append("cookie", "c=3")],
        response: [append("vary", "x-b"), append("set-cookie", "b=2"), append("x-empty", "1")],
      };
      const { request, response } = await subject.pass(
        config,
        {
          headers: [
            ["x-list", "a"],
            ["x-list", "b"],
            ["cookie", "a=1; b=2"],
          ],
        },
        {
          headers: [
            ["vary", "x-a"],
            ["set-cookie", "a=1"],
            ["x-empty", ""],
          ],
        },
      );
      assert.deepEqual(request.headers.all("x-list"), ["a, b, c"]);
      assert.deepEqual(request.headers.all("x-new"), ["a"]);
      assert.equal(request.headers.all("cookie").join("; "), "a=1; b=2; c=3");
      assert.deepEqual(response.headers.all("vary"), ["x-a, x-b"]);
      assert.deepEqual(response.headers.all("set-cookie"), ["a=1", "b=2"]);
      assert.deepEqual(response.headers.all("x-empty"), ["1"]);
    });

    test("HD-4: rename and copy keep all lines, in the place of those of the new name", async () => {
      const config = {
        request: [
          { op: "rename", name: "x-old", to: "x-new" },
          { op: "copy", name: "x-kept", to: "x-copy" },
          { op: "rename", name: "x-nothing", to: "x-other" },
        ],
      };
      const { request } = await subject.pass(config, {
        headers: [
          ["x-old", "1"],
          ["x-new", "client"],
          ["x-old", "2"],
          ["x-kept", "k"],
          ["x-other", "stays"],
        ],
      });
      assert.equal(request.headers.has("x-old"), false);
      assert.deepEqual(request.headers.all("x-new"), ["1", "2"]);
      assert.deepEqual(request.headers.all("x-kept"), ["k"]);
      assert.deepEqual(request.headers.all("x-copy"), ["k"]);
      assert.deepEqual(request.headers.all("x-other"), ["stays"]);
    });

    test("HD-4: several lines do not become one value of a header that has only one", async () => {
      const { request } = await subject.pass(
        { request: [{ op: "rename", name: "x-auth", to: "authorization" }] },
        {
          headers: [
            ["x-auth", "a"],
            ["x-auth", "b"],
            ["authorization", "client"],
          ],
        },
      );
      assert.equal(request.headers.has("authorization"), false);
    });

    test("HD-7: control characters of a template's values reach no message", async () => {
      const config = {
        request: [set("x-q", "<${query:a}>"), set("x-raw", "${query:a|none}")],
        response: [set("x-q", "<${query:a}>"), set("x-raw", "${query:a|none}")],
      };
      const { request, response } = await subject.pass(
        config,
        { path: "/?a=1%0d%0aset-cookie:%20evil%3d1%00%7f", headers: [["x-raw", "client"]] },
        { headers: [["x-raw", "upstream"]] },
      );
      for (const { headers } of [request, response]) {
        assert.equal(headers.get("x-q"), "<1  set-cookie: evil=1  >");
        assert.equal(headers.has("x-raw"), false);
      }
      assert.equal(response.headers.has("set-cookie"), false);
    });

    test("HD-13: an empty value is an empty header", async () => {
      const config = {
        request: [set("x-a", ""), set("x-b", "${header:x-none}"), set("x-c", "${header:x-none|default=d}")],
        response: [set("x-a", "")],
      };
      const { request, response } = await subject.pass(config);
      assert.deepEqual(request.headers.all("x-a"), [""]);
      assert.deepEqual(request.headers.all("x-b"), [""]);
      assert.deepEqual(request.headers.all("x-c"), ["d"]);
      assert.deepEqual(response.headers.all("x-a"), [""]);
    });

    test("HD-14: a value of 16 KB", async () => {
      const value = "v".repeat(16 * 1024);
      const config = {
        request: [set("x-long", value), set("x-twice", "${header:x-in}")],
        response: [set("x-long", value)],
      };
      const { request, response } = await subject.pass(config, { headers: { "x-in": value } });
      assert.equal(request.headers.get("x-long"), value);
      assert.equal(request.headers.get("x-twice"), value);
      assert.equal(response.headers.get("x-long"), value);
    });

    test("HD-16: answers without a body", async () => {
      const config = { response: [set("x-a", "1"), { op: "remove", name: "x-gone" }] };
      for (const status of [204, 304, 500]) {
        const { response } = await subject.pass(config, {}, { status, headers: { "x-gone": "1" } });
        assert.equal(response.status, status);
        assert.equal(response.headers.get("x-a"), "1");
        assert.equal(response.headers.has("x-gone"), false);
      }
      const { response } = await subject.pass(config, { method: "HEAD" }, { headers: { "content-length": "5" } });
      assert.equal(response.headers.get("x-a"), "1");
      assert.equal(response.headers.get("content-length"), "5");
    });

    test("HD-17: gRPC, with trailers and with trailers only", async () => {
      const config = { response: [set("x-h", "${status}")], responseTrailers: [set("x-t", "${trailer:grpc-status}")] };
      const call = { method: "POST", path: "/a.B/C", headers: { "content-type": "application/grpc", te: "trailers" } };
      const whole = await subject.pass(config, call, {
        headers: { "content-type": "application/grpc" },
        body: "\0\0\0\0\0",
        trailers: { "grpc-status": "0" },
      });
      assert.equal(whole.response.headers.get("x-h"), "200");
      assert.equal(whole.response.trailers.get("x-t"), "0");
      assert.equal(whole.response.trailers.get("grpc-status"), "0");
      const only = await subject.pass(config, call, {
        headers: { "content-type": "application/grpc", "grpc-status": "7" },
      });
      assert.equal(only.response.headers.get("x-h"), "200");
      assert.equal(only.response.headers.get("grpc-status"), "7");
      assert.equal(only.response.trailers.has("x-t"), false);
    });

    test("HD-20: the order of keys does not matter", async () => {
      const one =
        '{"request":[{"op":"set","name":"x-a","value":"1","when":{"sel":"path","prefix":"/"}}],"mode":"enforce"}';
      const two =
        '{"mode":"enforce","request":[{"when":{"prefix":"/","sel":"path"},"value":"1","name":"x-a","op":"set"}]}';
      for (const config of [one, two]) assert.equal((await subject.pass(config)).request.headers.get("x-a"), "1");
    });

    test("HD-21: bytes that are not ASCII survive", async () => {
      const value = "\x80\xff\xe9 z";
      const config = {
        request: [
          set("x-t", "${header:x-in}"),
          { op: "append", name: "x-in", value: "b" },
          { op: "regexReplace", name: "x-r", regex: "z", replacement: "y" },
          { op: "copy", name: "x-r", to: "x-s" },
          set("x-known", "\u00e9"),
        ],
      };
      const { request } = await subject.pass(config, {
        headers: [
          ["x-in", value],
          ["x-r", value],
        ],
      });
      assert.equal(request.headers.get("x-t"), value);
      assert.equal(request.headers.get("x-in"), `${value}, b`);
      assert.equal(request.headers.get("x-r"), "\x80\xff\xe9 y");
      assert.equal(request.headers.get("x-s"), "\x80\xff\xe9 y");
      assert.equal(request.headers.get("x-known"), "\xc3\xa9");
    });

    test("HD-30: where a value cannot be set, no client's value stays", async () => {
      const config = {
        request: [
          set("x-user", "${header:x-in}${header:x-in}${header:x-in}${header:x-in}"),
          { op: "regexReplace", name: "x-r", regex: "a", replacement: "aaaaaaaaaa" },
        ],
      };
      const { request } = await subject.pass(config, {
        headers: { "x-user": "root", "x-in": "v".repeat(16 * 1024), "x-r": "a".repeat(8 * 1024) },
      });
      assert.equal(request.headers.has("x-user"), false);
      assert.equal(request.headers.has("x-r"), false);
      const { upstream } = await subject.proxy.request({ headers: { "x-user": "root", "x-in": "a" } });
      assert.equal(upstream?.headers.get("x-user"), "aaaa");
    });

    test("HD-31: cookies in one line and in several", async () => {
      const config = { request: [set("x-c", "${cookie:b}"), set("x-d", "${cookie:a}")] };
      for (const headers of [
        [["cookie", "a=1; b=2; a=3"]],
        [
          ["cookie", "a=1"],
          ["cookie", "b=2; a=3"],
        ],
      ] as Line[][]) {
        const { request } = await subject.pass(config, { headers });
        assert.equal(request.headers.get("x-c"), "2");
        assert.equal(request.headers.get("x-d"), "1, 3");
      }
    });
  });

  for (const [key, read] of [
    ["request", (e: Exchanged) => e.request.headers],
    ["response", (e: Exchanged) => e.response.headers],
    ["requestTrailers", (e: Exchanged) => e.request.trailers],
    ["responseTrailers", (e: Exchanged) => e.response.trailers],
  ] as const) {
    test(`HD-22: each operation on ${key} over ${downstream}`, async () => {
      const subject = await Subject.start({ downstream });
      try {
        const lines: Line[] = [
          ["x-set", "old"],
          ["x-set", "older"],
          ["x-add", "1"],
          ["x-append", "1"],
          ["x-there", "1"],
          ["x-remove", "1"],
          ["x-secret-a", "1"],
          ["x-secret-b", "1"],
          ["x-public", "1"],
          ["x-old", "1"],
          ["x-old", "2"],
          ["x-first", "1"],
          ["x-first", "2"],
          ["x-last", "1"],
          ["x-last", "2"],
          ["x-unique", "1"],
          ["x-unique", "2"],
          ["x-unique", "1"],
          ["x-regex", "a-b-c"],
          ["x-regex", "none"],
        ];
        const changes = [
          set("x-set", "new"),
          { op: "add", name: "x-add", value: "2" },
          { op: "append", name: "x-append", value: "2" },
          { op: "setIfAbsent", name: "x-there", value: "2" },
          { op: "setIfAbsent", name: "x-absent", value: "2" },
          { op: "remove", name: "x-remove" },
          { op: "removeMatching", regex: "x-secret-.*|.*length|:.*|host" },
          { op: "rename", name: "x-old", to: "x-new" },
          { op: "copy", name: "x-public", to: "x-copy" },
          { op: "dedupe", name: "x-first", keep: "first" },
          { op: "dedupe", name: "x-last", keep: "last" },
          { op: "dedupe", name: "x-unique" },
          { op: "regexReplace", name: "x-regex", regex: "(b)-(?P<last>c)", replacement: "${last}.$1" },
        ];
        const body = "body";
        const there = { headers: lines };
        const behind = { body, trailers: lines };
        const exchanged = await subject.pass(
          { [key]: changes },
          key === "request" ? there : key === "requestTrailers" ? { method: "POST", ...behind } : {},
          key === "response" ? there : key === "responseTrailers" ? behind : {},
        );
        const found: Record<string, string[]> = {};
        for (const [name] of read(exchanged)) if (name.startsWith("x-")) found[name] = read(exchanged).all(name);
        for (const name of ["x-forwarded-proto", "x-request-id"]) delete found[name];
        for (const name of Object.keys(found)) if (name.startsWith("x-envoy-")) delete found[name];
        assert.deepEqual(found, {
          "x-set": ["new"],
          "x-add": ["1", "2"],
          "x-append": ["1, 2"],
          "x-there": ["1"],
          "x-absent": ["2"],
          "x-public": ["1"],
          "x-new": ["1", "2"],
          "x-copy": ["1"],
          "x-first": ["1"],
          "x-last": ["2"],
          "x-unique": ["1", "2"],
          "x-regex": ["a-c.b", "none"],
        });
      } finally {
        await subject.close();
      }
    });
  }
}

type Exchanged = Awaited<ReturnType<Subject["pass"]>>;
