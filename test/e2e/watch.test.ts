/* `meshwasm run --watch`: rebuilds and reloads a real Envoy, logs each request, and its page in a real browser. */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium, type Browser } from "playwright-core";
import { freshFolder, makeProject, meshwasm, startMeshwasm, succeeded, type Running } from "./support.js";

/** Where Debian and others have it; CI installs it. */
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const REQUESTS = 1000;
const RELOADS = 5;
/** A compile on a busy machine takes long. */
const LONG_MS = 240_000;

const folder = freshFolder();
const project = join(folder.path, "project");
const source = join(project, "assembly/index.ts");
const config = join(folder.path, "config.json");
let original = "";
let running: Running;
let proxy = "";
let page = "";

before(async () => {
  await makeProject(project);
  succeeded(await meshwasm(["build", project]));
  original = readFileSync(source, "utf8");
  assert.ok(original.includes('"x-hello"'));
  writeFileSync(config, JSON.stringify({ greeting: "hi", blockedPath: "/private" }));
  running = startMeshwasm(["run", project, "--watch", "--config", config], { timeoutMs: 1_200_000 });
  follow(running.child.stderr!);
  proxy = (await running.until(/^http:\/\/127\.0\.0\.1:\d+$/m))[0];
  page = (await running.until(/^page (http:\/\/127\.0\.0\.1:\d+);/m))[1]!;
});
after(async () => {
  await running?.stop();
  folder.remove();
});

/** A GET by an agent that keeps its connections. */
function get(
  url: string,
  agent?: http.Agent,
  headers: http.OutgoingHttpHeaders = {},
): Promise<{ status: number; headers: http.IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent, headers }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body }));
      response.on("error", reject);
    });
    request.on("error", reject);
  });
}

/** Lines of the command's, but for those about requests, which are many. */
const lines: string[] = [];

function follow(stream: Readable): void {
  createInterface({ input: stream }).on("line", (line) => {
    if (!/^(GET \/load| {2}response)/.test(line)) lines.push(line);
  });
}

const count = (pattern: RegExp): number => lines.filter((line) => pattern.test(line)).length;

async function until(condition: () => boolean): Promise<void> {
  for (const late = Date.now() + LONG_MS; !condition(); await sleep(20)) {
    assert.ok(Date.now() < late, lines.join("\n"));
  }
}

/** Waits for one more line that matches than there were. */
async function more(pattern: RegExp, action: () => void): Promise<void> {
  const start = count(pattern);
  action();
  await until(() => count(pattern) > start);
}

const edit = (name: string): void => writeFileSync(source, original.replaceAll('"x-hello"', JSON.stringify(name)));

test(`${REQUESTS} requests across ${RELOADS} reloads: none other than 200`, async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const statuses = new Map<number, number>();
  const names = new Set<string>();
  let sent = 0;
  let over = false;
  const send = async (): Promise<void> => {
    while (!over || sent < REQUESTS) {
      sent++;
      const { status, headers } = await get(`${proxy}/load`, agent);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      for (const name of Object.keys(headers)) if (name.startsWith("x-hello")) names.add(name);
      // Enough to be in flight at every moment, and leaves the compiler some of the machine.
      await sleep(5);
    }
  };
  const load = Promise.all([send(), send(), send(), send()]);
  const start = count(/^reloaded in /);
  for (let i = 1; i <= RELOADS; i++) await more(/^reloaded in /, () => edit(`x-hello-${i}`));
  await sleep(200);
  over = true;
  await load;
  agent.destroy();
  assert.equal(count(/^reloaded in /) - start, RELOADS);
  assert.ok(sent >= REQUESTS, `${sent} requests`);
  assert.deepEqual([...statuses.keys()], [200], JSON.stringify([...statuses]));
  const wanted = ["x-hello", ...Array.from({ length: RELOADS }, (_, i) => `x-hello-${i + 1}`)];
  assert.deepEqual([...names].sort(), wanted.sort());
});

test("what is wrong is said, and the filter runs on as it was", async () => {
  await more(/^the filter runs on as it was$/, () => writeFileSync(source, `${original}\nlet x: nonsense = 1;\n`));
  assert.match(lines.join("\n"), /assembly\/index\.ts:\d+:\d+: error \w+: .*nonsense/);
  assert.equal((await get(`${proxy}/`)).headers[`x-hello-${RELOADS}`], "hi");
  await more(/^the filter runs on as it was$/, () => writeFileSync(config, '{ "greting": 1 }'));
  assert.match(lines.join("\n"), /unknown key "greting"/);
  assert.equal((await get(`${proxy}/`)).status, 200);
  await more(/^reloaded in /, () =>
    writeFileSync(config, JSON.stringify({ greeting: "again", blockedPath: "/private" })),
  );
  await more(/^reloaded in /, () => edit("x-hello"));
  assert.equal((await get(`${proxy}/`)).headers["x-hello"], "again");
});

test("each request is logged, with what the filter changed", async () => {
  await get(`${proxy}/logged`, undefined, { "x-a": "1" });
  await until(() => count(/^GET \/logged → 200 \d+ ms$/) === 1);
  await get(`${proxy}/private`);
  await until(() => count(/^GET \/private → 403 by the filter \d+ ms$/) === 1);
});

test("the page is for this machine alone", async () => {
  assert.equal((await get(page)).status, 200);
  const foreign = await get(page, undefined, { host: "evil.test" });
  assert.equal(foreign.status, 421);
  assert.equal((await get(`${page}/constructor`)).status, 404);
  assert.equal((await get(`${page}/../package.json`)).status, 404);
  assert.match(String((await get(page)).headers["content-security-policy"]), /default-src 'none'/);
});

describe("the page in a browser", () => {
  let browser: Browser;
  before(async () => {
    const executablePath = CHROMIUM.find((path) => existsSync(path));
    assert.ok(executablePath, `none of ${CHROMIUM.join(", ")} is there; install Debian's chromium`);
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  });
  after(() => browser?.close());

  test("shows requests as they pass, both sides of the filter, the log and problems", async () => {
    const tab = await browser.newPage();
    const errors: string[] = [];
    tab.on("pageerror", (error) => errors.push(error.message));
    tab.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    await tab.goto(page);
    // What passed before is there.
    await tab.getByRole("button", { name: "GET /private", exact: true }).first().waitFor();
    await tab
      .getByText(/greeting is again/)
      .first()
      .waitFor();
    const markup = "<img src=x onerror=alert(1)>";
    await get(`${proxy}/seen?a=%3Cb%3E`, undefined, { "x-markup": markup });
    await tab.getByRole("button", { name: "GET /seen?a=%3Cb%3E" }).click();
    const detail = tab.locator("#detail");
    await detail.getByRole("heading", { name: "GET /seen?a=%3Cb%3E" }).waitFor();
    assert.deepEqual(await detail.locator("h4").allTextContents(), [
      ...["from the client", "to the upstream"],
      ...["from the upstream", "to the client"],
    ]);
    assert.deepEqual(await detail.locator("li.added").allTextContents(), ["x-hello: again"]);
    assert.equal(await detail.locator("li", { hasText: `x-markup: ${markup}` }).count(), 2);
    assert.equal(await tab.locator("img").count(), 0);
    // The filter's own answer has no upstream.
    await tab.getByRole("button", { name: "GET /private", exact: true }).first().click();
    await detail.getByRole("heading", { name: "GET /private" }).waitFor();
    assert.deepEqual(await detail.locator("h4").allTextContents(), ["from the client", "to the client"]);
    assert.equal(await detail.locator(".body").textContent(), "blocked\n");
    // A build that fails, and one that does not.
    writeFileSync(source, `${original}\nlet y: nonsense = 2;\n`);
    await tab.getByRole("alert").filter({ hasText: "nonsense" }).waitFor({ timeout: LONG_MS });
    edit("x-hello-page");
    await tab.getByRole("alert").filter({ hasText: "nonsense" }).waitFor({ state: "hidden", timeout: LONG_MS });
    await get(`${proxy}/after`);
    await tab.getByRole("button", { name: "GET /after" }).click();
    assert.deepEqual(await detail.locator("li.added").allTextContents(), ["x-hello-page: again"]);
    assert.deepEqual(errors, []);
    await running.stop();
    await tab.getByText("meshwasm run has ended").waitFor();
  });
});
