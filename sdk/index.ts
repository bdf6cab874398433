export { DataAction, GrpcStatus, HeadersAction, LogLevel, Status, TrailersAction } from "./abi/enums";
export { HttpBody, OverLimit } from "./body";
export { Config, NoConfig } from "./config";
export { HeaderMap } from "./headers";
export { HttpContext, HttpFilter, HttpMessage, registerHttpFilter } from "./http";
export { HeaderLines } from "./lines";
export { log } from "./log";
export { Plugin, RootContext } from "./plugin";
export { JsonReader } from "../sdk/std/json";
