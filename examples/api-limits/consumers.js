// Three consumers call the API: what each gets, and what it is told of its limit.
import { createHmac } from "node:crypto";
import { pathToFileURL } from "node:url";

const SECRET = "an-example-secret-that-everybody-knows";

/** A token as the issuer of keys would give it out. */
export function tokenOf(sub, plan) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 600;
  const text = `${part({ alg: "HS256" })}.${part({ iss: "https://keys.api.example", sub, plan, exp })}`;
  return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
}

/** Calls `count` times; how many got which status, and what was said last. */
export async function call(proxy, sub, plan, count) {
  const headers = { authorization: `Bearer ${tokenOf(sub, plan)}` };
  const statuses = {};
  let last;
  for (let i = 0; i < count; i++) {
    last = await fetch(`${proxy}/orders`, { headers });
    await last.arrayBuffer();
    statuses[last.status] = (statuses[last.status] ?? 0) + 1;
  }
  return { statuses, limit: last.headers.get("ratelimit"), retryAfter: last.headers.get("retry-after") };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const proxy = "http://127.0.0.1:8080";
  for (const [sub, plan] of [
    ["alice", "free"],
    ["bob", "free"],
    ["carol", "pro"],
  ]) {
    const { statuses, limit, retryAfter } = await call(proxy, sub, plan, 8);
    const times = Object.entries(statuses).map(([status, count]) => `${count} times ${status}`);
    console.log(
      `${sub} (${plan}): ${times.join(", ")}; RateLimit: ${limit}${retryAfter ? `; Retry-After: ${retryAfter}` : ""}`,
    );
  }
}
