import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createProxy } from "meshwasm/testing";
import type { Proxy, ProxyOptions, UpstreamResponse } from "meshwasm/testing";

const filter = fileURLToPath(new URL("..", import.meta.url));

type Line = readonly [name: string, value: string];

const ORDINARY: UpstreamResponse = {
  headers: [
    ["content-type", "text/plain"],
    ["x-powered-by", "example"],
    ["x-two", "1"],
    ["x-two", "2"],
    ["set-cookie", "own=1"],
  ],
  body: "hello",
};

/** What the upstream answers; a test may change it. */
let answer = ORDINARY;

function start(options: ProxyOptions = {}): Promise<Proxy> {
  return createProxy({ filter, upstream: () => answer, ...options });
}

function rules(...lines: Line[]): { name: string; value: string }[] {
  return lines.map(([name, value]) => ({ name, value }));
}

describe("rules", () => {
  let proxy: Proxy;
  before(async () => {
    proxy = await start({ config: {} });
  });
  after(() => proxy.close());

  /** What the upstream gets and what the client gets under a configuration. */
  async function pass(config: unknown, headers: readonly Line[] = [], method = "GET") {
    await proxy.reconfigure(config);
    const response = await proxy.request({ method, headers, path: "/a?b=c" });
    assert.ok(response.upstream, `answered ${response.status} by the proxy`);
    return { response, request: response.upstream };
  }

  test("a request's headers are removed, set and added", async () => {
    const config = {
      request: {
        remove: ["x-debug"],
        set: rules(["x-env", "prod"], ["x-new", "1"]),
        add: rules(["x-tag", "b"], ["x-tag", "c"]),
      },
    };
    const { request, response } = await pass(config, [
      ["X-Debug", "1"],
      ["x-env", "test"],
      ["x-tag", "a"],
      ["x-other", "kept"],
    ]);
    assert.equal(request.headers.has("x-debug"), false);
    assert.deepEqual(request.headers.all("x-env"), ["prod"]);
    assert.deepEqual(request.headers.all("x-new"), ["1"]);
    assert.deepEqual(request.headers.all("x-tag"), ["a", "b", "c"]);
    assert.deepEqual(request.headers.all("x-other"), ["kept"]);
    assert.equal(request.path, "/a?b=c");
    assert.equal(request.authority, "example.test");
    assert.equal(response.headers.has("x-env"), false);
  });

  test("a response's headers are removed, set and added", async () => {
    const config = {
      response: {
        remove: ["X-Powered-By"],
        set: rules(["content-type", "text/html"], ["x-new", "1"]),
        add: rules(["x-two", "3"]),
      },
    };
    const { request, response } = await pass(config);
    assert.equal(response.status, 200);
    assert.equal(response.headers.has("x-powered-by"), false);
    assert.deepEqual(response.headers.all("content-type"), ["text/html"]);
    assert.deepEqual(response.headers.all("x-new"), ["1"]);
    assert.deepEqual(response.headers.all("x-two"), ["1", "2", "3"]);
    assert.equal(response.text(), "hello");
    assert.equal(request.headers.has("x-new"), false);
  });

  test("set and remove take all lines of a name, whatever its case", async () => {
    const config = {
      request: { remove: ["X-GONE"], set: rules(["X-One", "new"]) },
      response: { set: rules(["X-TWO", "new"]) },
    };
    const { request, response } = await pass(config, [
      ["x-gone", "1"],
      ["X-Gone", "2"],
      ["x-one", "1"],
      ["X-ONE", "2"],
    ]);
    assert.equal(request.headers.has("x-gone"), false);
    assert.deepEqual(request.headers.all("x-one"), ["new"]);
    assert.deepEqual(response.headers.all("x-two"), ["new"]);
  });

  test("the order is remove, set, add, whatever the order in the configuration", async () => {
    const both = { add: rules(["x-two", "added"]), set: rules(["x-two", "set"]), remove: ["x-two"] };
    const { request, response } = await pass({ response: both, request: both }, [["x-two", "client"]]);
    assert.deepEqual(request.headers.all("x-two"), ["set", "added"]);
    assert.deepEqual(response.headers.all("x-two"), ["set", "added"]);

    const replaced = { add: rules(["x-two", "only"]), remove: ["x-two"] };
    const second = await pass({ request: replaced, response: replaced }, [["x-two", "client"]]);
    assert.deepEqual(second.request.headers.all("x-two"), ["only"]);
    assert.deepEqual(second.response.headers.all("x-two"), ["only"]);
  });

  test("added lines keep their order, the same line twice included", async () => {
    const { request } = await pass({ request: { add: rules(["x-a", "2"], ["x-b", "1"], ["x-a", "1"], ["x-a", "2"]) } });
    assert.deepEqual(request.headers.all("x-a"), ["2", "1", "2"]);
    assert.deepEqual(request.headers.all("x-b"), ["1"]);
  });

  test("several set-cookie lines stay lines", async () => {
    const cookies = rules(["set-cookie", "a=1; Path=/; Secure"], ["Set-Cookie", "b=2; HttpOnly"]);
    const { response } = await pass({ response: { add: cookies } });
    assert.deepEqual(response.headers.all("set-cookie"), ["own=1", "a=1; Path=/; Secure", "b=2; HttpOnly"]);
    const replaced = await pass({ response: { remove: ["set-cookie"], add: cookies } });
    assert.deepEqual(replaced.response.headers.all("set-cookie"), ["a=1; Path=/; Secure", "b=2; HttpOnly"]);
  });

  test("Envoy joins the lines of a list that it keeps as one", async () => {
    const { request, response } = await pass(
      { request: { add: rules(["via", "1.1 b"]) }, response: { set: rules(["vary", "a"]), add: rules(["vary", "b"]) } },
      [["via", "1.1 a"]],
    );
    assert.deepEqual(request.headers.all("via"), ["1.1 a,1.1 b"]);
    assert.deepEqual(response.headers.all("vary"), ["a,b"]);
  });

  test("a name that is not there is removed without a word", async () => {
    const from = proxy.logs().length;
    const both = { remove: ["x-not-there", "x-envoy-not-there"] };
    const { response } = await pass({ request: both, response: both });
    assert.equal(response.status, 200);
    assert.deepEqual(proxy.logs().slice(from), []);
  });

  test("Envoy's own headers can be removed", async () => {
    const { request, response } = await pass(
      { request: { remove: ["x-envoy-mark"] }, response: { remove: ["X-Envoy-Upstream-Service-Time"] } },
      [["x-envoy-mark", "1"]],
    );
    assert.equal(request.headers.has("x-envoy-mark"), false);
    assert.equal(response.headers.has("x-envoy-upstream-service-time"), false);
  });

  test("a rule that Envoy itself undoes is warned of", async () => {
    const from = proxy.logs().length;
    await pass({
      request: { remove: ["X-Envoy-Expected-Rq-Timeout-Ms", "date"] },
      response: { remove: ["date"], set: rules(["x-a", "1"], ["Server", "mine"]) },
    });
    const said = proxy.logs().slice(from);
    assert.ok(said.every(({ level }) => level === "warn"));
    assert.deepEqual([...new Set(said.map(({ message }) => message))].sort(), [
      "$.request.remove[0] may have no effect: Envoy writes x-envoy-expected-rq-timeout-ms after all filters",
      "$.response.remove[0] may have no effect: Envoy adds date to a response that has none",
      "$.response.set[1].name may have no effect: " +
        "Envoy writes server after all filters, unless its server_header_transformation says otherwise",
    ]);
  });

  test("x-forwarded-proto can be set to a scheme", async () => {
    const { request, response } = await pass({
      request: { set: rules(["x-forwarded-proto", "https"]) },
      response: { set: rules(["x-forwarded-proto", "any"]) },
    });
    assert.equal(request.headers.get("x-forwarded-proto"), "https");
    assert.equal(response.headers.get("x-forwarded-proto"), "any");
    const removed = await pass({ response: { remove: ["x-forwarded-proto"] } });
    assert.equal(removed.response.status, 200);
  });

  test("values are sent byte for byte: UTF-8, inner white space, none at all", async () => {
    const lines = rules(
      ["x-utf8", "gr\u00fc\u00df \u{1f600}"],
      ["x-tab", "a\tb  c"],
      ["x-empty", ""],
      ["x-quote", '"\\'],
    );
    const both = { set: lines };
    const { request, response } = await pass({ request: both, response: both });
    for (const { headers } of [request, response]) {
      assert.equal(Buffer.from(headers.get("x-utf8") ?? "", "latin1").toString("utf8"), "gr\u00fc\u00df \u{1f600}");
      assert.equal(headers.get("x-tab"), "a\tb  c");
      assert.deepEqual(headers.all("x-empty"), [""]);
      assert.equal(headers.get("x-quote"), '"\\');
    }
  });

  test("all characters of a token can be in a name", async () => {
    const name = "x!#$%&'*+-.^_`|~09azAZ";
    const { request } = await pass({ request: { set: rules([name, "1"]) } });
    assert.deepEqual(request.headers.all(name.toLowerCase()), ["1"]);
  });

  test("a long value", async () => {
    const value = "v".repeat(16 * 1024);
    const { request, response } = await pass({
      request: { set: rules(["x-long", value]) },
      response: { set: rules(["x-long", value]) },
    });
    assert.equal(request.headers.get("x-long"), value);
    assert.equal(response.headers.get("x-long"), value);
  });

  test("200 rules on each side", async () => {
    const many = (count: number, prefix: string): Line[] =>
      Array.from({ length: count }, (_, i) => [`x-${prefix}-${i}`, `${prefix} ${i}`]);
    const side = {
      remove: many(70, "remove").map(([name]) => name),
      set: rules(...many(65, "set")),
      add: rules(...many(65, "add")),
    };
    const sent: Line[] = [...many(30, "remove"), ["x-set-64", "client"], ["x-add-64", "client"]];
    answer = { headers: sent };
    try {
      const { request, response } = await pass({ request: side, response: side }, sent);
      for (const { headers } of [request, response]) {
        assert.deepEqual(
          [...headers].filter(([name]) => name.startsWith("x-remove-")),
          [],
        );
        for (const [name, value] of many(65, "set")) assert.deepEqual(headers.all(name), [value]);
        for (const [name, value] of many(64, "add")) assert.deepEqual(headers.all(name), [value]);
        assert.deepEqual(headers.all("x-add-64"), ["client", "add 64"]);
      }
    } finally {
      answer = ORDINARY;
    }
  });

  test("without rules messages pass unchanged", async () => {
    const sent: Line[] = [
      ["x-one", "1"],
      ["x-two", "2"],
      ["x-one", "3"],
    ];
    const nothing = { remove: [], set: [], add: [] };
    for (const config of [{}, { request: {} }, { response: {} }, { request: nothing, response: nothing }, "", " {} "]) {
      const { request, response } = await pass(config, sent);
      assert.deepEqual(
        [...request.headers].filter(([name]) => ["x-one", "x-two"].includes(name)),
        sent,
      );
      assert.deepEqual(response.headers.all("x-two"), ["1", "2"]);
      assert.equal(response.text(), "hello");
    }
  });

  test("rules of one side only", async () => {
    const request = await pass({ request: { set: rules(["x-side", "request"]) } });
    assert.equal(request.request.headers.get("x-side"), "request");
    assert.equal(request.response.headers.has("x-side"), false);
    const response = await pass({ response: { set: rules(["x-side", "response"]) } });
    assert.equal(response.request.headers.has("x-side"), false);
    assert.equal(response.response.headers.get("x-side"), "response");
  });

  test("responses without a body, and bodies of both directions", async () => {
    const config = { request: { set: rules(["x-a", "1"]) }, response: { set: rules(["x-b", "2"]) } };
    const head = await pass(config, [], "HEAD");
    assert.equal(head.response.headers.get("x-b"), "2");
    for (const status of [204, 304, 500]) {
      answer = { status };
      const response = await proxy.request().finally(() => (answer = ORDINARY));
      assert.equal(response.status, status);
      assert.equal(response.headers.get("x-b"), "2");
    }
    const posted = await proxy.request({ method: "POST", body: "x".repeat(100_000) });
    assert.equal(posted.upstream?.body.length, 100_000);
    assert.equal(posted.upstream?.headers.get("content-length"), "100000");
    assert.equal(posted.upstream?.headers.get("x-a"), "1");
    assert.equal(posted.text(), "hello");
    assert.equal(posted.headers.get("content-length"), "5");
  });

  test("a new configuration replaces all rules of the old one", async () => {
    await pass({ request: { set: rules(["x-old", "1"]), remove: ["x-sent"] } });
    const { request } = await pass({ request: { set: rules(["x-new", "1"]) } }, [["x-sent", "1"]]);
    assert.equal(request.headers.has("x-old"), false);
    assert.equal(request.headers.get("x-new"), "1");
    assert.equal(request.headers.get("x-sent"), "1");
  });
});

describe("refusals", () => {
  let proxy: Proxy;
  before(async () => {
    proxy = await start({ config: { request: { set: rules(["x-kept", "1"]) } } });
  });
  after(() => proxy.close());

  function refuses(title: string, config: unknown, message: string): void {
    test(title, async () => {
      await assert.rejects(proxy.reconfigure(config), (error: Error) => {
        assert.equal(error.message, `configuration refused: ${message}`);
        return true;
      });
      const { upstream } = await proxy.request();
      assert.equal(upstream?.headers.get("x-kept"), "1", "the configuration before stays in force");
    });
  }

  const NOT_A_NAME = "is not a header name: only letters, digits and !#$%&'*+-.^_`|~ are allowed";
  const PSEUDO = "pseudo-headers cannot be changed here: they decide where a message goes";
  const HOST = "host cannot be changed here: it decides where a message goes";
  const CONTROL = "has a control character";
  const EDGE = "must not begin or end with a space or tab";

  refuses("unknown key", { requests: {} }, '$: unknown key "requests"');
  refuses("unknown key of a side", { request: { append: [] } }, '$.request: unknown key "append"');
  refuses(
    "unknown key of a rule",
    { response: { set: [{ name: "x-a", value: "1", when: "always" }] } },
    '$.response.set[0]: unknown key "when"',
  );
  refuses("not an object", [], "$: must be an object");
  refuses("null for a side", { request: null }, "$.request: must be an object");
  refuses(
    "a rule without a value",
    { request: { add: [{ name: "x-a" }] } },
    '$.request.add[0]: required key "value" is missing',
  );
  refuses(
    "a value that is a number",
    { request: { set: [{ name: "x-a", value: 1 }] } },
    "$.request.set[0].value: must be a string",
  );
  refuses("remove with objects", { request: { remove: [{ name: "x-a" }] } }, "$.request.remove[0]: must be a string");
  refuses("a key twice", '{"request":{},"request":{}}', '$: duplicate key "request"');
  refuses("no JSON", "request:\n  add: []\n", "$: must be an object");

  refuses("an empty name", { request: { add: rules(["", "1"]) } }, "$.request.add[0].name: must not be empty");
  refuses("an empty name in remove", { request: { remove: ["x-a", ""] } }, "$.request.remove[1]: must not be empty");
  for (const name of [
    "x a",
    "x-a ",
    "x:a",
    "x\r\ny",
    "x\u0000",
    "x-\u00fc",
    "x-\u{1f600}",
    "(x)",
    "x,y",
    'x"',
    "x\u007f",
  ]) {
    const shown = JSON.stringify(name);
    refuses(`${shown} in add`, { request: { add: rules([name, "1"]) } }, `$.request.add[0].name: ${NOT_A_NAME}`);
    refuses(`${shown} in set`, { response: { set: rules([name, "1"]) } }, `$.response.set[0].name: ${NOT_A_NAME}`);
    refuses(`${shown} in remove`, { response: { remove: [name] } }, `$.response.remove[0]: ${NOT_A_NAME}`);
  }

  for (const name of [":path", ":authority", ":method", ":scheme", ":status", ":protocol", ":", ":Path"]) {
    refuses(`${name} in remove`, { request: { remove: [name] } }, `$.request.remove[0]: ${PSEUDO}`);
    refuses(`${name} in add`, { response: { add: rules([name, "/"]) } }, `$.response.add[0].name: ${PSEUDO}`);
    refuses(`${name} in set`, { request: { set: rules([name, "/"]) } }, `$.request.set[0].name: ${PSEUDO}`);
  }
  refuses(
    ":path with an impossible value",
    { request: { set: rules([":path", "a b"]) } },
    `$.request.set[0].name: ${PSEUDO}`,
  );
  for (const name of ["host", "Host", "HOST"]) {
    refuses(`${name} in remove`, { request: { remove: [name] } }, `$.request.remove[0]: ${HOST}`);
    refuses(`${name} in add`, { request: { add: rules([name, "a.test"]) } }, `$.request.add[0].name: ${HOST}`);
    refuses(`${name} in set`, { response: { set: rules([name, "a.test"]) } }, `$.response.set[0].name: ${HOST}`);
  }

  for (const name of [
    "connection",
    "content-length",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
  ]) {
    const reason = `${name} cannot be changed: the connection or the end of the message depends on it`;
    const upper = name.toUpperCase();
    refuses(`${name} in remove`, { response: { remove: [name] } }, `$.response.remove[0]: ${reason}`);
    refuses(`${upper} in set`, { request: { set: rules([upper, "0"]) } }, `$.request.set[0].name: ${reason}`);
    refuses(`${name} in add`, { request: { add: rules([name, "0"]) } }, `$.request.add[0].name: ${reason}`);
  }

  const ENVOY = "x-envoy- headers can only be removed: Envoy takes orders from them";
  refuses(
    "x-envoy- in set",
    { request: { set: rules(["X-Envoy-Original-Dst-Host", "a"]) } },
    `$.request.set[0].name: ${ENVOY}`,
  );
  refuses("x-envoy- in add", { response: { add: rules(["x-envoy-", "a"]) } }, `$.response.add[0].name: ${ENVOY}`);

  // Envoy 1.40 answers every request without it with 404.
  refuses(
    "x-forwarded-proto in remove",
    { request: { remove: ["X-Forwarded-Proto"] } },
    "$.request.remove[0]: x-forwarded-proto cannot be removed: Envoy finds no route without it",
  );
  for (const value of ["", "ftp", "HTTPS", "http,https"]) {
    refuses(
      `x-forwarded-proto set to "${value}"`,
      { request: { set: rules(["x-forwarded-proto", value]) } },
      "$.request.set[0].value: must be http or https",
    );
  }

  for (const name of [
    "access-control-allow-credentials",
    "access-control-allow-origin",
    "access-control-max-age",
    "authorization",
    "content-location",
    "content-type",
    "date",
    "etag",
    "last-modified",
    "location",
    "origin",
    "proxy-authorization",
    "referer",
    "server",
    "strict-transport-security",
    "user-agent",
    "x-forwarded-proto",
  ]) {
    refuses(
      `${name} in add`,
      { response: { add: rules([name, "1"]) } },
      `$.response.add[0].name: ${name} has one value only: use set`,
    );
  }

  for (const value of ["a\r\nset-cookie: b=1", "\n", "a\u0000", "\u0001", "a\u001fb", "\u007f", "secret\n"]) {
    const shown = JSON.stringify(value);
    refuses(
      `the value ${shown} in add`,
      { response: { add: rules(["x-a", value]) } },
      `$.response.add[0].value: ${CONTROL}`,
    );
    refuses(
      `the value ${shown} in set`,
      { request: { set: rules(["x-a", value]) } },
      `$.request.set[0].value: ${CONTROL}`,
    );
  }
  for (const value of [" a", "a ", "\ta", "a\t", " "]) {
    refuses(
      `the value ${JSON.stringify(value)}`,
      { request: { set: rules(["x-a", value]) } },
      `$.request.set[0].value: ${EDGE}`,
    );
  }

  refuses(
    "one name set twice",
    { request: { set: rules(["x-a", "1"], ["x-b", "1"], ["X-A", "2"]) } },
    "$.request.set[2].name: is the same as that of $.request.set[0], which would have no effect",
  );
  refuses(
    "the first of several faults",
    { response: { set: rules(["te", "\n"]) }, request: { add: rules(["x-a", "1"], ["te", "\n"]) } },
    "$.request.add[1].name: te cannot be changed: the connection or the end of the message depends on it",
  );
  refuses(
    "more than 60 KiB",
    { response: { set: rules(["x-a", "v".repeat(40_000)]), add: rules(["x-b", "v".repeat(21_434)], ["x-c", ""]) } },
    "$.response.add[1]: with it set and add have more than 61440 bytes of names and values",
  );
  refuses(
    "more than 500 rules",
    {
      request: {
        remove: Array.from({ length: 499 }, (_, i) => `x-${i}`),
        set: rules(["x-a", "1"]),
        add: rules(["x-b", "1"]),
      },
    },
    "$.request.add[0]: with it $.request has more than 500 rules",
  );

  test("what is just within the limits is taken", async () => {
    await proxy.reconfigure({
      request: {
        remove: Array.from({ length: 498 }, (_, i) => `x-${i}`),
        set: rules(["x-kept", "1"]),
        add: rules(["x-b", "1"]),
      },
      response: { set: rules(["x-a", "v".repeat(40_000)]), add: rules(["x-b", "v".repeat(21_434)]) },
    });
    const { upstream, headers } = await proxy.request();
    assert.equal(upstream?.headers.get("x-b"), "1");
    assert.equal(headers.get("x-b")?.length, 21_434);
  });
});

test("a refused configuration stops the start", async () => {
  await assert.rejects(start({ config: { request: { remove: ["host"] } } }), {
    message: "configuration refused: $.request.remove[0]: host cannot be changed here: it decides where a message goes",
  });
});

test("no configuration at all is no rules", async () => {
  await using proxy = await start();
  const response = await proxy.request({ headers: [["x-one", "1"]] });
  assert.equal(response.status, 200);
  assert.equal(response.upstream?.headers.get("x-one"), "1");
  assert.deepEqual(proxy.logs(), []);
});
