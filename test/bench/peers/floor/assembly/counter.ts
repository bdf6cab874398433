/* The counter that a library filter increments for each request; defined at the first. */

import { proxy_define_metric, proxy_increment_metric } from "./env";
import { ret } from "./host";

const ALLOWED = String.UTF8.encode("floor_allowed");
let metric: u32 = 0;

export function count(): void {
  if (!metric) {
    proxy_define_metric(0, changetype<usize>(ALLOWED), ALLOWED.byteLength, ret);
    metric = load<u32>(ret);
  }
  proxy_increment_metric(metric, 1);
}
