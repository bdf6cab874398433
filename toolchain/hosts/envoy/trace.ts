import { Lines } from "../headers.js";
import type { HeaderLine, HeaderList } from "../types.js";
import type { JsonObject } from "./bootstrap.js";
import type { EnvoyLogLine } from "./log.js";

/** How much of each body is kept. */
const BODY_KEPT = 2048;
/** A request whose end Envoy has logged, but whose last words are still under way on another pipe. */
const SETTLE_MS = 100;
/** Requests that never end are forgotten, oldest first. */
const MOST_OPEN = 1000;

/** One message at one place, as far as it has come. Values are latin1. */
export interface TracedMessage {
  readonly headers: HeaderList;
  /** The first bytes of it. */
  readonly body: Uint8Array;
  /** Bytes in all. */
  readonly size: number;
  readonly trailers: HeaderList;
}

/** A request that has passed the proxy, on both sides of the filter. */
export interface TracedRequest {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly started: number;
  /** As the client sent it. */
  readonly request: TracedMessage;
  /** As it went on to the upstream; null when the filter answered. */
  readonly requestAfter: TracedMessage | null;
  /** As the upstream answered; null when it did not. */
  readonly response: TracedMessage | null;
  /** As the client got it; null when it got none. */
  readonly responseAfter: TracedMessage | null;
  /** 0: the client got no answer. */
  readonly status: number;
  /** Envoy's response code details, such as "via_upstream". */
  readonly details: string;
  /** Envoy's response flags, such as "UF"; "" without. */
  readonly flags: string;
  readonly milliseconds: number;
}

const NAMESPACE = "meshwasm.trace";
const LOGGER = "lua";
const PREFIX = "script log: ";

/** Logs what it sees at its place in the filter chain, and changes nothing: bodies pass in the pieces they come in. */
function script(place: "client" | "upstream"): string {
  return `
local function quote(text)
  return '"' .. text:gsub('[%c"\\\\\\127-\\255]', function(c) return string.format("\\\\u%04x", c:byte()) end) .. '"'
end
local function lines(headers)
  local list = {}
  for name, value in pairs(headers) do list[#list + 1] = "[" .. quote(name) .. "," .. quote(value) .. "]" end
  return "[" .. table.concat(list, ",") .. "]"
end
local count = 0
local function identify(handle)
  local metadata = handle:streamInfo():dynamicMetadata()
  local known = metadata:get("${NAMESPACE}")
  if known ~= nil then return known["id"] end
  count = count + 1
  local id = tostring(handle:timestampString(EnvoyTimestampResolution.MICROSECOND)) .. "-" .. count
  metadata:set("${NAMESPACE}", "id", id)
  return id
end
local function follow(handle, what)
  local id = identify(handle)
  local start = '{"place":"${place}","id":"' .. id .. '","what":"' .. what .. '",'
  handle:logInfo(start .. '"headers":' .. lines(handle:headers()) .. "}")
  local size, kept, parts = 0, 0, {}
  for chunk in handle:bodyChunks() do
    local length = chunk:length()
    if kept < ${BODY_KEPT} and length > 0 then
      local part = chunk:getBytes(0, math.min(length, ${BODY_KEPT} - kept))
      parts[#parts + 1] = part
      kept = kept + #part
    end
    size = size + length
  end
  if size > 0 then
    handle:logInfo(start .. '"size":' .. size .. ',"body":' .. quote(table.concat(parts)) .. "}")
  end
  local trailers = handle:trailers()
  if trailers ~= nil then handle:logInfo(start .. '"trailers":' .. lines(trailers) .. "}") end
end
function envoy_on_request(handle) follow(handle, "request") end
function envoy_on_response(handle) follow(handle, "response") end
`;
}

function filter(place: "client" | "upstream"): JsonObject {
  return {
    name: `trace-${place}`,
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
      default_source_code: { inline_string: script(place) },
    },
  };
}

/** What Envoy needs so that a Tracer sees its requests. */
export const TRACE_FILTERS: { readonly before: JsonObject; readonly after: JsonObject } = {
  before: filter("client"),
  after: filter("upstream"),
};
/** On stderr, as the log is. */
export const TRACE_ACCESS_LOG: JsonObject = {
  name: "envoy.access_loggers.stderr",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StderrAccessLog",
    log_format: {
      json_format: {
        trace_end: `%DYNAMIC_METADATA(${NAMESPACE}:id)%`,
        status: "%RESPONSE_CODE%",
        details: "%RESPONSE_CODE_DETAILS%",
        flags: "%RESPONSE_FLAGS%",
        milliseconds: "%DURATION%",
      },
    },
  },
};
/** The scripts' log, and an access log that comes soon. */
export const TRACE_LOGS = { loggers: [LOGGER], flushMs: 50 };

interface Part {
  headers: readonly HeaderLine[];
  body: Uint8Array;
  size: number;
  trailers: readonly HeaderLine[];
}

interface Open {
  readonly started: number;
  readonly parts: Map<string, Part>;
  timer?: NodeJS.Timeout;
}

interface ScriptLine {
  readonly place: string;
  readonly id: string;
  readonly what: string;
  readonly headers?: readonly HeaderLine[];
  readonly size?: number;
  readonly body?: string;
  readonly trailers?: readonly HeaderLine[];
}

interface AccessLine {
  readonly trace_end: string | null;
  readonly status: number;
  readonly details: string | null;
  readonly flags: string | null;
  readonly milliseconds: number;
}

/** Puts the requests of an Envoy together from its log. */
export class Tracer {
  readonly #open = new Map<string, Open>();

  constructor(private readonly onRequest: (request: TracedRequest) => void) {}

  /** Takes a line of the log; true when it was about a request and is of no other use. */
  see(line: EnvoyLogLine): boolean {
    if (line.component === LOGGER && line.message.startsWith(`${PREFIX}{"place":`)) {
      this.#part(JSON.parse(line.message.slice(PREFIX.length)) as ScriptLine);
      return true;
    }
    if (line.component !== "stdio" || !line.message.includes('"trace_end"')) return false;
    try {
      this.#end(JSON.parse(line.message) as AccessLine);
      return true;
    } catch {
      return false;
    }
  }

  #part({ place, id, what, headers, size, body, trailers }: ScriptLine): void {
    const open = this.#open.get(id) ?? { started: Date.now(), parts: new Map<string, Part>() };
    this.#open.set(id, open);
    if (this.#open.size > MOST_OPEN) this.#open.delete(this.#open.keys().next().value!);
    const key = `${place} ${what}`;
    const part = open.parts.get(key) ?? { headers: [], body: new Uint8Array(), size: 0, trailers: [] };
    open.parts.set(key, part);
    if (headers !== undefined) part.headers = headers;
    if (trailers !== undefined) part.trailers = trailers;
    if (size !== undefined) part.size = size;
    if (body !== undefined) part.body = new Uint8Array(Buffer.from(body, "latin1"));
  }

  #end(line: AccessLine): void {
    const id = line.trace_end;
    const open = id === null ? undefined : this.#open.get(id);
    if (id === null || open === undefined || open.timer !== undefined) return;
    open.timer = setTimeout(() => {
      this.#open.delete(id);
      const message = (key: string): TracedMessage | null => {
        const part = open.parts.get(key);
        return part === undefined
          ? null
          : { ...part, headers: new Lines(part.headers), trailers: new Lines(part.trailers) };
      };
      const request = message("client request");
      if (request === null) return;
      const requestAfter = message("upstream request");
      this.onRequest({
        id,
        started: open.started,
        request,
        requestAfter,
        // Envoy shows the filter's own answer to the filters behind it too.
        response: requestAfter === null ? null : message("upstream response"),
        responseAfter: message("client response"),
        status: line.status,
        details: line.details ?? "",
        flags: line.flags === "-" ? "" : (line.flags ?? ""),
        milliseconds: line.milliseconds,
      });
    }, SETTLE_MS);
    open.timer.unref();
  }
}
