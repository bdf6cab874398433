import { randomFillSync } from "node:crypto";
import type { HostCall, Vm } from "./vm.js";

const BADF = 8;
const RDFS = 20;
const FAULT = 21;
const INVAL = 28;
const NOENT = 44;
const NOSYS = 52;
const NOTSUP = 58;
/** What a function answers that the plugin's capabilities do not allow. */
export const WASI_NOTCAPABLE = 76;
const RANDOM_LIMIT = 64 * 1024;

const constant =
  (code: number): HostCall =>
  () =>
    code;
const standardStream: HostCall = (_vm, fd = 0) => (fd === 1 || fd === 2 ? 0 : BADF);

/** Standard output is a log line at info, standard error one at error; a newline at the end is dropped. */
function write(vm: Vm, fd: number, iovs: number, count: number, ret: number): number {
  if (fd !== 1 && fd !== 2) return BADF;
  let text = "";
  for (let i = 0; i < count; i++) {
    const ptr = vm.readU32(iovs + i * 8);
    const len = vm.readU32(iovs + i * 8 + 4);
    const part = ptr === null || len === null ? null : vm.read(ptr, len);
    if (part === null) return FAULT;
    text += part;
  }
  if (text !== "") vm.log(fd === 1 ? 2 : 4, Buffer.from(text.replace(/\n$/, ""), "latin1").toString("utf8"));
  return vm.writeU32(ret, text.length) ? 0 : FAULT;
}

/** WASI as Envoy's host has it: logs, clocks, random bytes; everything else only answers. */
export const WASI_CALLS: Readonly<Record<string, HostCall>> = {
  fd_write: (vm, fd = 0, iovs = 0, n = 0, ret = 0) => write(vm, fd, iovs, n, ret),
  fd_pwrite: (vm, fd = 0, iovs = 0, n = 0, _offset = 0, ret = 0) => write(vm, fd, iovs, n, ret),
  fd_read: constant(NOSYS),
  fd_pread: constant(NOSYS),
  fd_seek: constant(0),
  fd_close: constant(0),
  fd_tell(vm, fd = 0, out = 0) {
    if (fd !== 1 && fd !== 2) return BADF;
    return vm.write(out, "\0".repeat(8)) ? 0 : FAULT;
  },
  fd_fdstat_get(vm, fd = 0, out = 0) {
    if (fd !== 1 && fd !== 2) return BADF;
    // fs_rights_base says that the stream can be written.
    vm.write(out, `${"\0".repeat(8)}@${"\0".repeat(15)}`);
    return 0;
  },
  fd_fdstat_set_flags: constant(NOSYS),
  fd_fdstat_set_rights: standardStream,
  fd_advise: constant(0),
  fd_allocate: standardStream,
  fd_datasync: standardStream,
  fd_sync: standardStream,
  fd_filestat_set_size: standardStream,
  fd_filestat_set_times: standardStream,
  fd_filestat_get: constant(BADF),
  fd_prestat_get: constant(BADF),
  fd_prestat_dir_name: constant(NOSYS),
  fd_readdir: constant(RDFS),
  fd_renumber: constant(NOTSUP),
  path_open: constant(NOENT),
  path_create_directory: constant(NOTSUP),
  path_filestat_get: constant(NOTSUP),
  path_filestat_set_times: constant(NOTSUP),
  path_link: constant(NOTSUP),
  path_readlink: constant(NOTSUP),
  path_remove_directory: constant(NOTSUP),
  path_rename: constant(NOTSUP),
  path_symlink: constant(NOTSUP),
  path_unlink_file: constant(NOTSUP),
  sock_accept: constant(NOTSUP),
  sock_recv: constant(NOTSUP),
  sock_send: constant(NOTSUP),
  sock_shutdown: constant(NOTSUP),
  environ_get(vm, pointers = 0, text = 0) {
    for (const line of vm.settings.environment) {
      if (!vm.writeU32(pointers, text) || !vm.write(text, line)) return FAULT;
      pointers += 4;
      text += line.length;
    }
    return 0;
  },
  environ_sizes_get(vm, count = 0, size = 0) {
    const lines = vm.settings.environment;
    return vm.writeU32(count, lines.length) && vm.writeU32(size, lines.join("").length) ? 0 : FAULT;
  },
  args_get: constant(0),
  args_sizes_get: (vm, count = 0, size = 0) => (vm.writeU32(count, 0) && vm.writeU32(size, 0) ? 0 : FAULT),
  clock_time_get(vm, id = 0, _precision = 0, ret = 0) {
    if (id > 1) return NOTSUP;
    const { clock } = vm.server;
    return vm.writeU64(ret, id === 0 ? clock.realtime() : clock.monotonic()) ? 0 : FAULT;
  },
  clock_res_get: (vm, id = 0, ret = 0) => (id > 1 ? NOTSUP : vm.writeU64(ret, 1n) ? 0 : FAULT),
  random_get(vm, ptr = 0, len = 0) {
    if (len > RANDOM_LIMIT) return INVAL;
    return vm.fill(ptr, randomFillSync(new Uint8Array(len))) ? 0 : FAULT;
  },
  sched_yield: constant(0),
  poll_oneoff: (vm, _in = 0, _out = 0, _n = 0, events = 0) => (vm.writeU32(events, 0) ? 0 : FAULT),
  // Envoy only logs it and goes on.
  proc_exit: () => undefined,
};
