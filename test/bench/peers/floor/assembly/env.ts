/* Raw host calls. The compiler takes the name of this file for the import module, `env`. */

export declare function proxy_get_header_map_value(
  map: i32,
  name: usize,
  nameLength: usize,
  retData: usize,
  retLength: usize,
): i32;
export declare function proxy_get_header_map_pairs(map: i32, retData: usize, retLength: usize): i32;
export declare function proxy_add_header_map_value(
  map: i32,
  name: usize,
  nameLength: usize,
  value: usize,
  valueLength: usize,
): i32;
export declare function proxy_replace_header_map_value(
  map: i32,
  name: usize,
  nameLength: usize,
  value: usize,
  valueLength: usize,
): i32;
export declare function proxy_remove_header_map_value(map: i32, name: usize, nameLength: usize): i32;
export declare function proxy_set_property(path: usize, pathLength: usize, value: usize, valueLength: usize): i32;
export declare function proxy_define_metric(type: i32, name: usize, nameLength: usize, id: usize): i32;
export declare function proxy_increment_metric(id: u32, by: i64): i32;
export declare function proxy_get_shared_data(
  key: usize,
  keyLength: usize,
  retData: usize,
  retLength: usize,
  retCas: usize,
): i32;
export declare function proxy_set_shared_data(
  key: usize,
  keyLength: usize,
  value: usize,
  valueLength: usize,
  cas: u32,
): i32;
