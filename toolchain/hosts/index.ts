/** `meshwasm/testing`: one proxy interface for tests, on the emulator or on a real Envoy. */
export { createProxy } from "./create.js";
export type {
  HeaderLine,
  HeaderList,
  HeadersInput,
  HostName,
  LogLevel,
  LogLine,
  Proxy,
  ProxyOptions,
  ProxyResponse,
  RequestInput,
  UpstreamHandler,
  UpstreamRequest,
  UpstreamResponse,
} from "./types.js";
