/* Raw host calls of WASI. The compiler takes the name of this file for the import module. */

export declare function clock_time_get(id: i32, precision: u64, time: usize): i32;
