export {
  DataAction,
  GrpcStatus,
  HeadersAction,
  LogLevel,
  PeerType,
  Status,
  TcpAction,
  TrailersAction,
} from "./abi/enums";
export { HttpBody, OverLimit } from "./body";
export { HostBuffer } from "./buffer";
export { CallFailure, HttpCall, HttpCallGroup, HttpCallResponse } from "./callout";
export { clock } from "./clock";
export { Config, NoConfig } from "./config";
export { Context } from "./context";
export { DnsAnswer } from "./dns";
export { env } from "./env";
export { Expression } from "./expression";
export { foreign, LifeSpan, PropertyType } from "./foreign";
export { GrpcCall, GrpcCallResponse, GrpcStream } from "./grpc";
export { HeaderMap } from "./headers";
export { HttpContext, HttpFilter, HttpMessage, registerHttpFilter } from "./http";
export { Leader } from "./leader";
export { HeaderLines } from "./lines";
export { log } from "./log";
export { MemoryUsage, memoryUsage } from "./memory";
export { Counter, Gauge, Histogram, Labelled, Metric, SeriesBudget } from "./metrics";
export { Plugin, RootContext } from "./plugin";
export { property } from "./properties";
export { SharedQueue } from "./queue";
export { random } from "./random";
export { SharedScope } from "./runtime/namespace";
export { SharedData, SharedUpdate } from "./shared";
export { StreamContext } from "./stream";
export { registerTcpFilter, TcpContext, TcpData, TcpFilter } from "./tcp";
export { Pairs, Value } from "./values";
export { Compression, inflate, wasTooLarge } from "../sdk/std/inflate";
export { JsonReader } from "../sdk/std/json";
export { ProtoReader, ProtoWriter, WireType } from "../sdk/std/protobuf";
