import type { TracedMessage, TracedRequest } from "../../toolchain/hosts/envoy/index.js";
import type { HeaderLine } from "../../toolchain/hosts/types.js";

/** A header line of a message and what the filter did with it. */
export interface Line {
  readonly name: string;
  readonly value: string;
  readonly change: "kept" | "removed" | "added";
}

/** A message on its way through the filter. Text is latin1 as it came, for the page to show. */
export interface Passage {
  readonly lines: readonly Line[];
  readonly trailers: readonly Line[];
  /** Null: there is no message on that side. */
  readonly before: Body | null;
  readonly after: Body | null;
}

export interface Body {
  readonly size: number;
  /** The first bytes, as UTF-8 text where they are that. */
  readonly text: string;
}

/** A request as the log and the page show it. */
export interface Traffic {
  readonly id: string;
  readonly started: number;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly milliseconds: number;
  /** Who answered. "nobody": the connection ended before. */
  readonly by: "upstream" | "filter" | "proxy" | "nobody";
  readonly details: string;
  readonly flags: string;
  readonly request: Passage;
  /** Null when there was no answer. */
  readonly response: Passage | null;
}

export function trafficOf(traced: TracedRequest): Traffic {
  const { request, requestAfter, response, responseAfter, details } = traced;
  const pseudo = (name: string): string => request.headers.get(name) ?? "";
  return {
    id: traced.id,
    started: traced.started,
    method: pseudo(":method"),
    path: pseudo(":path"),
    status: traced.status,
    milliseconds: traced.milliseconds,
    by:
      traced.status === 0
        ? "nobody"
        : requestAfter === null
          ? "filter"
          : details === "via_upstream"
            ? "upstream"
            : "proxy",
    details,
    flags: traced.flags,
    request: passage(request, requestAfter),
    response: response === null && responseAfter === null ? null : passage(response, responseAfter),
  };
}

/** A side that is not there (the filter answered) is no change: all lines are those of the other. */
function passage(before: TracedMessage | null, after: TracedMessage | null): Passage {
  const lines = (of: "headers" | "trailers"): Line[] => compare(before && [...before[of]], after && [...after[of]]);
  return { lines: lines("headers"), trailers: lines("trailers"), before: bodyOf(before), after: bodyOf(after) };
}

function bodyOf(message: TracedMessage | null): Body | null {
  if (message === null) return null;
  return { size: message.size, text: new TextDecoder().decode(message.body, { stream: true }) };
}

/** The lines of both, each line that one alone has marked; in the order of the first, what is new behind its name's lines. */
function compare(before: readonly HeaderLine[] | null, after: readonly HeaderLine[] | null): Line[] {
  const kept = ([name, value]: HeaderLine): Line => ({ name, value, change: "kept" });
  if (before === null || after === null) return (before ?? after ?? []).map(kept);
  const left = after.map(([name, value]) => ({ name, value, taken: false }));
  const lines: Line[] = before.map(([name, value]) => {
    const match = left.find((line) => !line.taken && line.name === name && line.value === value);
    if (match) match.taken = true;
    return { name, value, change: match ? "kept" : "removed" };
  });
  for (const { name, value, taken } of left) {
    if (taken) continue;
    const at = lines.findLastIndex((line) => line.name === name);
    lines.splice(at < 0 ? lines.length : at + 1, 0, { name, value, change: "added" });
  }
  return lines;
}

/** Lines for a terminal: what came, what became of it, and what the filter changed. */
export function formatTraffic(traffic: Traffic): string[] {
  const { method, path, status, milliseconds, by, request, response, flags } = traffic;
  const end = status === 0 ? "no answer" : String(status);
  const who = by === "upstream" ? "" : ` by the ${by}`;
  const lines = [
    `${method} ${path} → ${end}${by === "nobody" ? "" : who}${flags ? ` ${flags}` : ""} ${milliseconds} ms`,
  ];
  lines.push(...changes("request", request), ...(response === null ? [] : changes("response", response)));
  return lines.map(printable);
}

function changes(what: string, { lines, trailers, before, after }: Passage): string[] {
  const changed = (line: Line): boolean => line.change !== "kept";
  const sign = (line: Line, kind: string): string =>
    `  ${what} ${line.change === "added" ? "+" : "-"} ${kind}${line.name}: ${line.value}`;
  const bodies =
    before !== null && after !== null && (before.size !== after.size || before.text !== after.text)
      ? [`  ${what} body of ${before.size} bytes became one of ${after.size}`]
      : [];
  return [
    ...lines.filter(changed).map((line) => sign(line, "")),
    ...bodies,
    ...trailers.filter(changed).map((line) => sign(line, "trailer ")),
  ];
}

/** What a client sends must not steer the terminal. */
function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
