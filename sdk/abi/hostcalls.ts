/* Every import that the host offers to an ABI 0.2.1 module, with its exact signature. A name that is not called is not
 * imported. The only file that may say `@external`. Each returns a Status (see enums.ts). Pointers named `ret*` are
 * addresses that the host writes to; data that the host returns is allocated through `malloc` and belongs to the caller.
 * Source: proxy-wasm ABI 0.2.1 and Envoy 1.40 (its exports.cc), where the two differ. */

// @ts-ignore: decorator
@external("env", "proxy_log")
export declare function proxy_log(level: i32, message: usize, messageLength: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_get_log_level")
export declare function proxy_get_log_level(retLevel: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_set_tick_period_milliseconds")
export declare function proxy_set_tick_period_milliseconds(period: u32): i32;
// @ts-ignore: decorator
@external("env", "proxy_get_property")
export declare function proxy_get_property(path: usize, pathLength: usize, retData: usize, retLength: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_set_property")
export declare function proxy_set_property(path: usize, pathLength: usize, value: usize, valueLength: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_get_shared_data")
export declare function proxy_get_shared_data(
  key: usize,
  keyLength: usize,
  retData: usize,
  retLength: usize,
  retCas: usize,
): i32;
// @ts-ignore: decorator
@external("env", "proxy_set_shared_data")
export declare function proxy_set_shared_data(
  key: usize,
  keyLength: usize,
  value: usize,
  valueLength: usize,
  cas: u32,
): i32;
// @ts-ignore: decorator
@external("env", "proxy_register_shared_queue")
export declare function proxy_register_shared_queue(name: usize, nameLength: usize, retQueue: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_resolve_shared_queue")
export declare function proxy_resolve_shared_queue(
  vmId: usize,
  vmIdLength: usize,
  name: usize,
  nameLength: usize,
  retQueue: usize,
): i32;
// @ts-ignore: decorator
@external("env", "proxy_enqueue_shared_queue")
export declare function proxy_enqueue_shared_queue(queue: u32, value: usize, valueLength: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_dequeue_shared_queue")
export declare function proxy_dequeue_shared_queue(queue: u32, retData: usize, retLength: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_define_metric")
export declare function proxy_define_metric(metricType: i32, name: usize, nameLength: usize, retMetric: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_increment_metric")
export declare function proxy_increment_metric(metric: u32, delta: i64): i32;
// @ts-ignore: decorator
@external("env", "proxy_record_metric")
export declare function proxy_record_metric(metric: u32, value: u64): i32;
// @ts-ignore: decorator
@external("env", "proxy_get_metric")
export declare function proxy_get_metric(metric: u32, retValue: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_call_foreign_function")
export declare function proxy_call_foreign_function(
  name: usize,
  nameLength: usize,
  argument: usize,
  argumentLength: usize,
  retData: usize,
  retLength: usize,
): i32;
// @ts-ignore: decorator
@external("env", "envoy_resolve_dns")
export declare function envoy_resolve_dns(name: usize, nameLength: usize, retToken: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_continue_stream")
export declare function proxy_continue_stream(streamType: i32): i32;
// @ts-ignore: decorator
@external("env", "proxy_close_stream")
export declare function proxy_close_stream(streamType: i32): i32;
// @ts-ignore: decorator
@external("env", "proxy_send_local_response")
export declare function proxy_send_local_response(
  statusCode: u32,
  details: usize,
  detailsLength: usize,
  body: usize,
  bodyLength: usize,
  headers: usize,
  headersLength: usize,
  grpcStatus: i32,
): i32;
// @ts-ignore: decorator
@external("env", "proxy_set_effective_context")
export declare function proxy_set_effective_context(contextId: u32): i32;
// @ts-ignore: decorator
@external("env", "proxy_done")
export declare function proxy_done(): i32;
// @ts-ignore: decorator
@external("env", "proxy_get_buffer_bytes")
export declare function proxy_get_buffer_bytes(
  buffer: i32,
  start: u32,
  length: u32,
  retData: usize,
  retLength: usize,
): i32;
// @ts-ignore: decorator
@external("env", "proxy_get_buffer_status")
export declare function proxy_get_buffer_status(buffer: i32, retLength: usize, retFlags: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_set_buffer_bytes")
export declare function proxy_set_buffer_bytes(
  buffer: i32,
  start: u32,
  length: u32,
  data: usize,
  dataLength: usize,
): i32;
// @ts-ignore: decorator
@external("env", "proxy_get_header_map_pairs")
export declare function proxy_get_header_map_pairs(map: i32, retData: usize, retLength: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_add_header_map_value")
export declare function proxy_add_header_map_value(
  map: i32,
  name: usize,
  nameLength: usize,
  value: usize,
  valueLength: usize,
): i32;
// @ts-ignore: decorator
@external("env", "proxy_replace_header_map_value")
export declare function proxy_replace_header_map_value(
  map: i32,
  name: usize,
  nameLength: usize,
  value: usize,
  valueLength: usize,
): i32;
// @ts-ignore: decorator
@external("env", "proxy_remove_header_map_value")
export declare function proxy_remove_header_map_value(map: i32, name: usize, nameLength: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_get_status")
export declare function proxy_get_status(retCode: usize, retMessage: usize, retMessageLength: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_http_call")
export declare function proxy_http_call(
  cluster: usize,
  clusterLength: usize,
  headers: usize,
  headersLength: usize,
  body: usize,
  bodyLength: usize,
  trailers: usize,
  trailersLength: usize,
  timeout: u32,
  retCall: usize,
): i32;
// @ts-ignore: decorator
@external("env", "proxy_grpc_call")
export declare function proxy_grpc_call(
  target: usize,
  targetLength: usize,
  service: usize,
  serviceLength: usize,
  method: usize,
  methodLength: usize,
  metadata: usize,
  metadataLength: usize,
  message: usize,
  messageLength: usize,
  timeout: u32,
  retCall: usize,
): i32;
// @ts-ignore: decorator
@external("env", "proxy_grpc_stream")
export declare function proxy_grpc_stream(
  target: usize,
  targetLength: usize,
  service: usize,
  serviceLength: usize,
  method: usize,
  methodLength: usize,
  metadata: usize,
  metadataLength: usize,
  retStream: usize,
): i32;
// @ts-ignore: decorator
@external("env", "proxy_grpc_send")
export declare function proxy_grpc_send(stream: u32, message: usize, messageLength: usize, endOfStream: u32): i32;
// @ts-ignore: decorator
@external("env", "proxy_grpc_cancel")
export declare function proxy_grpc_cancel(call: u32): i32;
// @ts-ignore: decorator
@external("env", "proxy_grpc_close")
export declare function proxy_grpc_close(call: u32): i32;

// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "clock_time_get")
export declare function clock_time_get(clock: i32, precision: i64, retTime: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "random_get")
export declare function random_get(buffer: usize, length: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "environ_sizes_get")
export declare function environ_sizes_get(retCount: usize, retSize: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "environ_get")
export declare function environ_get(pointers: usize, block: usize): i32;
