/* Names resolved by the host (Envoy only, from its default resolver: /etc/resolv.conf and the hosts file). */

import { BufferType, Status } from "./abi/enums";
import { envoy_resolve_dns, proxy_done, proxy_get_buffer_bytes, proxy_set_effective_context } from "./abi/hostcalls";
import { enterRoot, leave } from "./runtime/dispatch";
import { Later, runLater } from "./runtime/later";
import {
  clearReturn,
  dropReturn,
  putString,
  retLen,
  retPtr,
  returnedLength,
  returnedPtr,
  roomFor,
  scratchFor,
  takeBytes,
} from "./runtime/memory";
import { decodeUtf8 } from "../sdk/std/utf8";

/** Names that may be asked for at a time, so that traffic cannot pile them up. */
const MAX_PENDING: i32 = 256;

/** What a name resolves to. */
export class DnsAnswer {
  /** IPv4 and IPv6 addresses without port or brackets; empty when the name does not resolve. */
  readonly addresses: string[] = [];
  /** Seconds that each address may be kept; 0 for those of the hosts file. */
  readonly ttls: u32[] = [];

  constructor(bytes: Uint8Array) {
    this.read(bytes);
  }

  /** Reads u32 count, u32 ttl of each, then each address with a zero behind it. What is malformed is no address. */
  private read(bytes: Uint8Array): void {
    if (bytes.length < 4) return;
    const ptr = bytes.dataStart;
    const end = ptr + <usize>bytes.length;
    const count = load<u32>(ptr);
    if (count > (<u32>(bytes.length - 4)) >> 2) return;
    let at = ptr + 4 + ((<usize>count) << 2);
    for (let i: u32 = 0; i < count; i++) {
      let stop = at;
      while (stop < end && load<u8>(stop)) stop++;
      if (stop == end) return;
      this.addresses.push(addressOf(at, stop));
      this.ttls.push(load<u32>(ptr + 4 + ((<usize>i) << 2)));
      at = stop + 1;
    }
  }
}

/** Envoy gives "192.0.2.1:0" and "[2001:db8::1]:0". */
function addressOf(at: usize, end: usize): string {
  let colon = end;
  while (colon > at && load<u8>(colon) != 0x3a) colon--;
  if (at < end && load<u8>(at) == 0x5b && colon > at + 1 && load<u8>(colon - 1) == 0x5d) {
    return decodeUtf8(at + 1, colon - at - 2);
  }
  return decodeUtf8(at, (colon > at ? colon : end) - at);
}

/** A name that was asked for and not answered yet. */
class Query {
  constructor(
    readonly token: u32,
    readonly root: u32,
  ) {}
}

class State {
  // @ts-ignore: decorator
  @lazy static pending: Query[] = [];
  /** Plugins that have ended but for their answers. */
  // @ts-ignore: decorator
  @lazy static ending: u32[] = [];
  /** The host is being asked: what it answers now comes before its number is known. */
  // @ts-ignore: decorator
  @lazy static asking: bool = false;
}

function pendingOf(root: u32): i32 {
  let count = 0;
  for (let i = 0; i < State.pending.length; i++) if (State.pending[i].root == root) count++;
  return count;
}

/** For Plugin.resolveDns: the number of the query, 0 when the host or the limit refuses, or the name is empty. */
export function askDns(root: u32, name: string): u32 {
  // Envoy 1.39 crashes now and then when it is asked for the empty name.
  if (!name.length || State.asking || State.pending.length >= MAX_PENDING) return 0;
  const ptr = scratchFor(roomFor(name));
  // Not where other calls write: an answer that comes at once makes them.
  const retToken = memory.data(4, 4);
  store<u32>(retToken, 0);
  State.asking = true;
  const status: Status = envoy_resolve_dns(ptr, putString(ptr, name), retToken);
  State.asking = false;
  const token = load<u32>(retToken);
  if (status != Status.Ok || !token) return 0;
  State.pending.push(new Query(token, root));
  return token;
}

/** For the plugin's end: whether it has to wait. Envoy 1.40 answers a plugin that is gone all the same, into freed memory. */
export function waitsForDns(root: u32): bool {
  if (!pendingOf(root)) return false;
  if (!State.ending.includes(root)) State.ending.push(root);
  return true;
}

class Answer extends Later {
  constructor(
    private root: u32,
    private token: u32,
    private bytes: Uint8Array,
  ) {
    super();
  }

  run(): void {
    proxy_set_effective_context(this.root);
    deliver(this.token, this.bytes);
  }
}

/** The host's answer. For an address, a name of the hosts file and some errors Envoy calls back before the call has returned. */
export function dnsAnswered(root: u32, token: u32, size: u32): void {
  clearReturn();
  if (size) {
    const status = proxy_get_buffer_bytes(BufferType.CallData, 0, size, retPtr(), retLen());
    if (status != Status.Ok) dropReturn();
  }
  const bytes = takeBytes(returnedPtr(), returnedLength());
  if (State.asking) {
    runLater(new Answer(root, token, bytes));
    return;
  }
  deliver(token, bytes);
  leave();
}

function deliver(token: u32, bytes: Uint8Array): void {
  let at = 0;
  while (at < State.pending.length && State.pending[at].token != token) at++;
  // Nobody has asked.
  if (at == State.pending.length) return;
  const root = State.pending[at].root;
  State.pending.splice(at, 1);
  const plugin = enterRoot(root);
  if (plugin) plugin.onResolveDns(token, new DnsAnswer(bytes));
  const ended = State.ending.indexOf(root);
  if (ended >= 0 && !pendingOf(root)) {
    State.ending.splice(ended, 1);
    proxy_done();
  }
}
