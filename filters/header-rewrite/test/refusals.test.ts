import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Subject } from "./support.js";

const set = (name: string, value: string, when?: unknown) => ({ op: "set", name, value, ...(when ? { when } : {}) });

describe("refusals", () => {
  let subject: Subject;
  before(async () => {
    subject = await Subject.start({ config: { request: [set("x-kept", "1")] } });
  });
  after(() => subject?.close());

  function refuses(title: string, config: unknown, message: string | RegExp): void {
    test(title, async () => {
      await assert.rejects(subject.proxy.reconfigure(config), (error: Error) => {
        if (typeof message === "string") assert.equal(error.message, `configuration refused: ${message}`);
        else assert.match(error.message, message);
        return true;
      });
      const { upstream } = await subject.proxy.request();
      assert.equal(upstream?.headers.get("x-kept"), "1", "the configuration before stays in force");
    });
  }

  for (const name of [
    "connection",
    "keep-alive",
    "proxy-connection",
    "upgrade",
    "te",
    "trailer",
    "http2-settings",
    "expect",
  ]) {
    const reason = `${name} cannot be changed: the connection or the end of the message depends on it`;
    const upper = name.toUpperCase();
    refuses(`HD-5: ${name} in set`, { request: [set(upper, "a")] }, `$.request[0].name: ${reason}`);
    refuses(`HD-5: ${name} in remove`, { response: [{ op: "remove", name }] }, `$.response[0].name: ${reason}`);
    refuses(
      `HD-5: ${name} in rename`,
      { response: [{ op: "rename", name: "x-a", to: name }] },
      `$.response[0].to: ${reason}`,
    );
    refuses(
      `HD-5: ${name} from rename`,
      { response: [{ op: "rename", name, to: "x-a" }] },
      `$.response[0].name: ${reason}`,
    );
    refuses(
      `HD-5: ${name} in a trailer`,
      { responseTrailers: [set(name, "a")] },
      `$.responseTrailers[0].name: ${reason}`,
    );
  }
  for (const name of ["content-length", "transfer-encoding"]) {
    for (const [what, rule] of [
      ["set", set(name, "1")],
      ["add", { op: "add", name, value: "1" }],
      ["append", { op: "append", name, value: "1" }],
      ["setIfAbsent", { op: "setIfAbsent", name, value: "1" }],
      ["remove", { op: "remove", name }],
      ["dedupe", { op: "dedupe", name }],
      ["regexReplace", { op: "regexReplace", name, regex: "a", replacement: "b" }],
    ] as const) {
      for (const key of ["request", "response", "requestTrailers", "responseTrailers"]) {
        refuses(
          `HD-6: ${name} in ${what} of ${key}`,
          { [key]: [rule] },
          new RegExp(`^configuration refused: \\$\\.${key}\\[0\\]\\.name: ${name} cannot`),
        );
      }
    }
  }
  for (const name of [":path", ":authority", ":method", ":scheme", ":status", ":"]) {
    refuses(`HD-6: ${name}`, { request: [set(name, "/")] }, /^configuration refused: \$\.request\[0\]\.name: /);
    refuses(
      `HD-6: ${name} in remove`,
      { response: [{ op: "remove", name }] },
      /^configuration refused: \$\.response\[0\]\.name: /,
    );
  }
  for (const name of ["host", "Host"]) {
    const reason = "host cannot be changed here: it decides where a message goes";
    refuses(`HD-6: ${name}`, { request: [set(name, "a")] }, `$.request[0].name: ${reason}`);
    refuses(
      `HD-6: copy to ${name}`,
      { request: [{ op: "copy", name: "x-a", to: name }] },
      `$.request[0].to: ${reason}`,
    );
  }

  const when = (condition: object) => ({ request: [set("x-a", "1", condition)] });
  const SELECTOR = /^configuration refused: \$\.request\[0\]\.when\.sel: is not a selector: header:NAME/;
  const wrong: [config: unknown, message: string | RegExp][] = [
    [{ requests: [] }, '$: unknown key "requests"'],
    [{ request: {} }, "$.request: must be an array"],
    [{ request: [{ op: "put", name: "x-a" }] }, /^configuration refused: \$\.request\[0\]\.op: must be one of "set"/],
    [{ request: [{ name: "x-a" }] }, '$.request[0]: required key "op" is missing'],
    [{ request: [{ op: "set", name: "x-a" }] }, '$.request[0]: required key "value" is missing'],
    [{ request: [{ op: "remove", name: "x-a", value: "1" }] }, '$.request[0]: unknown key "value"'],
    [{ request: [set("x a", "1")] }, /^configuration refused: \$\.request\[0\]\.name: /],
    [{ request: [set("x-a", "a\nb")] }, "$.request[0].value: has a control character"],
    [{ request: [set("x-a", " a")] }, "$.request[0].value: must not begin or end with a space or tab"],
    [
      { request: [set("x-a", "${none}")] },
      /^configuration refused: \$\.request\[0\]\.value: \$\{…\} is not a selector/,
    ],
    [{ request: [set("x-a", "${path")] }, "$.request[0].value: has a ${ without }"],
    [{ request: [set("x-a", "${path|rot13}")] }, "$.request[0].value: has an encoder that is not known"],
    [{ request: [set("x-a", "${status}")] }, "$.request[0].value: ${…} there is no response yet"],
    [
      { response: [set("x-a", "${trailer:a}")] },
      /^configuration refused: \$\.response\[0\]\.value: \$\{…\} trailers come behind/,
    ],
    [{ request: [set("x-envoy-retry-on", "5xx")] }, /x-envoy- headers can only be removed/],
    [{ request: [set("x-forwarded-proto", "ftp")] }, "$.request[0].value: must be http or https"],
    [{ request: [set("x-forwarded-proto", "${header:x-a}")] }, /x-forwarded-proto must be http or https/],
    [{ request: [{ op: "rename", name: "x-forwarded-proto", to: "x-a" }] }, /x-forwarded-proto cannot be removed/],
    [
      { request: [{ op: "add", name: "authorization", value: "a" }] },
      "$.request[0].name: authorization has one value only: use set",
    ],
    [
      { request: [{ op: "append", name: "authorization", value: "a" }] },
      "$.request[0].name: authorization has one value only: use set",
    ],
    [{ request: [{ op: "copy", name: "x-a", to: "X-A" }] }, "$.request[0].to: is the name that they have"],
    [
      { request: [{ op: "removeMatching", regex: "(" }] },
      /^configuration refused: \$\.request\[0\]\.regex: is no regular expression/,
    ],
    [
      { request: [{ op: "regexReplace", name: "x-a", regex: "a", replacement: "$1" }] },
      "$.request[0].replacement: speaks of the group 1, which the regex does not have",
    ],
    [
      { request: [{ op: "regexReplace", name: "x-a", regex: "a", replacement: "\r" }] },
      "$.request[0].replacement: has a control character",
    ],
    [when({ sel: "nothing", exact: "a" }), SELECTOR],
    [when({ sel: "path[0]", exact: "a" }), "$.request[0].when.sel: has a number that is not from 1 to 1000"],
    [when({ sel: "ip/129", exact: "a" }), "$.request[0].when.sel: has a number of bits that is not from 1 to 128"],
    [when({ sel: "header:", exact: "a" }), "$.request[0].when.sel: needs a name behind the colon"],
    [when({ sel: "header:a b", exact: "a" }), "$.request[0].when.sel: is not the name of a header"],
    [when({ sel: "metadata:a", exact: "a" }), "$.request[0].when.sel: must be metadata:NAMESPACE/KEY"],
    [when({ sel: "property:a.b.c.d.e.f.g", exact: "a" }), "$.request[0].when.sel: has more than six segments"],
    [
      when({ sel: "cel:1 +", exact: "a" }),
      "$.request[0].when.sel: the host takes no such CEL expression, or has no CEL",
    ],
    [when({ sel: "path" }), /^configuration refused: \$\.request\[0\]\.when: has no test: give one of/],
    [when({ sel: "path", present: false }), /has no test/],
    [when({ sel: "path", exact: "a", prefix: "b" }), /has more than one test/],
    [
      when({ sel: "path", regex: "a", ignoreCase: true }),
      /^configuration refused: \$\.request\[0\]\.when\.ignoreCase: is for exact/,
    ],
    [when({ sel: "path", cidr: ["10.0.0.0/33"] }), /^configuration refused: \$\.request\[0\]\.when\.cidr\[0\]: /],
    [when({ sel: "path", gt: "x" }), /^configuration refused: \$\.request\[0\]\.when\.gt: /],
    [when({ sel: "path", template: "a" }), "$.request[0].when.template: must begin with /"],
    [when({ all: [] }), /^configuration refused: \$\.request\[0\]\.when\.all: /],
    [
      when({ any: [{ not: { sel: "nothing", exact: "a" } }] }),
      /^configuration refused: \$\.request\[0\]\.when\.any\[0\]\.not\.sel: is not a selector/,
    ],
    [{ match: { sel: "status", exact: "200" } }, "$.match.sel: there is no response yet"],
    [{ path: [{ replace: "a" }] }, /^configuration refused: \$\.path\[0\]\.replace: is no path/],
    [{ path: [{ replace: "/a?b" }] }, /^configuration refused: \$\.path\[0\]\.replace: is no path/],
    [{ path: [{ replace: "/ü" }] }, /^configuration refused: \$\.path\[0\]\.replace: is no path/],
    [{ path: [{ prefix: "a", with: "/b" }] }, /^configuration refused: \$\.path\[0\]\.prefix: is no path/],
    [{ path: [{ prefix: "/a", with: "b" }] }, /^configuration refused: \$\.path\[0\]\.with: is no path/],
    [
      { path: [{ regex: "a", replacement: "$2" }] },
      "$.path[0].replacement: speaks of the group 2, which the regex does not have",
    ],
    [
      { path: [{ regex: "a", replacement: "?" }] },
      /^configuration refused: \$\.path\[0\]\.replacement: must have no \?/,
    ],
    [{ path: [{ template: "/{a}/{a}", to: "/" }] }, "$.path[0].template: has two variables of one name"],
    [{ path: [{ template: "/{a", to: "/" }] }, "$.path[0].template: has a { without }"],
    [{ path: [{ template: "/{a}", to: "/{b}" }] }, "$.path[0].to: has a variable that the template does not have"],
    [{ path: [{ template: "/{a}", to: "{a}" }] }, /^configuration refused: \$\.path\[0\]\.to: is no path/],
    [{ path: [{ with: "/a" }] }, /^configuration refused: \$\.path\[0\]: /],
    [{ host: [{ replace: "a/b" }] }, /^configuration refused: \$\.host\[0\]\.replace: is no host/],
    [{ query: [{ op: "set", name: "", value: "1" }] }, /^configuration refused: \$\.query\[0\]\.name: /],
    [{ originalPath: "x-envoy-retry-on" }, /^configuration refused: \$\.originalPath: x-envoy-/],
    [{ originalHost: "host" }, /^configuration refused: \$\.originalHost: host cannot/],
    [{ mode: "on" }, '$.mode: must be one of "enforce", "shadow", "off"'],
    [{ request: Array.from({ length: 501 }, (_, i) => set(`x-${i}`, "1")) }, /^configuration refused: \$\.request: /],
    [
      { response: [set("x-a", "v".repeat(40_000)), set("x-b", "v".repeat(22_000))] },
      /^configuration refused: \$\.response\[1\]: with it/,
    ],
    ["{", /^configuration refused: /],
    ['{"mode":"off","mode":"off"}', '$: duplicate key "mode"'],
  ];
  wrong.forEach(([config, message], i) => {
    const shown = (typeof config === "string" ? config : JSON.stringify(config)).slice(0, 100);
    refuses(`HD-33: ${i} ${shown}`, config, message);
  });
});

test("HD-33: what is wrong is refused while the filter is off, too", async () => {
  await assert.rejects(Subject.start({ config: { mode: "off", request: [set("host", "a")] } }), {
    message: "configuration refused: $.request[0].name: host cannot be changed here: it decides where a message goes",
  });
});
