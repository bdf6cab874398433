/* Functions that a host has beyond the ABI: the ten of Envoy 1.40, and any other by name. Not every build has all of them:
 * ask `foreign.has` in onConfigure. */

import { Status } from "./abi/enums";
import { proxy_call_foreign_function } from "./abi/hostcalls";
import {
  clearReturn,
  dropReturn,
  liftMallocCap,
  putString,
  retLen,
  retPtr,
  returnedLength,
  returnedPtr,
  roomFor,
  scratchFor,
  takeBytes,
} from "./runtime/memory";
import { ProtoReader, ProtoWriter } from "../sdk/std/protobuf";

/** How long a filter state lives. */
export enum LifeSpan {
  /** The filter chain that has set it: the request. */
  FilterChain = 0,
  DownstreamRequest = 1,
  DownstreamConnection = 2,
}

/** What the values of a declared property are. */
export enum PropertyType {
  Bytes = 0,
  String = 1,
  FlatBuffers = 2,
  Protobuf = 3,
}

/** Results up to this are given room without being measured first. */
const UNMEASURED: u32 = 60 * 1024 * 1024;
/** Compressed bytes that Envoy may be given: its zlib makes up to 1,032 times as much of them, whatever the caller's limit. */
const COMPRESSED_MAX: i32 = 16 * 1024;
/** Bytes that are no protocol buffer, no zlib stream, no expression and no token, so that no function acts on them. */
const NONSENSE: u32 = 0x050a;

let last: Status = Status.Ok;

class Failure {
  // @ts-ignore: decorator
  @lazy static reason: string = "";
}

/** Calls a function; its result is returned when `wanted`, else its size alone. */
function callHost(name: string, argument: usize, length: usize, wanted: bool): Status {
  const ptr = scratchFor(roomFor(name));
  const nameLength = putString(ptr, name);
  clearReturn();
  // Envoy writes a result to whatever malloc gives: with a cap it would write to address 0 and crash.
  liftMallocCap(true);
  last = proxy_call_foreign_function(ptr, nameLength, argument, length, wanted ? retPtr() : 0, retLen());
  liftMallocCap(false);
  if (wanted && last != Status.Ok) dropReturn();
  return last;
}

function result(name: string, argument: usize, length: usize): Uint8Array | null {
  return callHost(name, argument, length, true) == Status.Ok ? takeBytes(returnedPtr(), returnedLength()) : null;
}

/** A function that returns nothing. */
function command(name: string, writer: ProtoWriter): Status {
  return writer.ok ? callHost(name, writer.dataStart, writer.length, false) : (last = Status.BadArgument);
}

export namespace foreign {
  /** How the last call went: NotFound (no such function, of a few also another reason), BadArgument (of the function). */
  export function status(): Status {
    return last;
  }

  /** Why verifySignature or sign has failed, in the host's words. */
  export function error(): string {
    return Failure.reason;
  }

  /**
   * Whether the host has one of Envoy's ten functions, and lets it be called. Asks with an argument that none acts on;
   * `clear_route_cache` takes none and acts, which changes nothing in onConfigure. So ask there.
   */
  export function has(name: string): bool {
    // The three come together, and asked this way expr_create would log.
    const asked = name == "expr_create" ? "expr_delete" : name;
    const argument = memory.data(4, 4);
    store<u32>(argument, NONSENSE);
    const status = callHost(asked, argument, 2, false);
    return status != Status.NotFound && status != Status.InternalFailure && status != Status.Unimplemented;
  }

  /**
   * Calls any function with bytes; null with the reason in `status`. With a `limit`, a larger result is refused (Empty)
   * before it takes any memory of the module: the host is then called twice, the first time for the size alone.
   */
  export function call(name: string, argument: Uint8Array, limit: u32 = 0): Uint8Array | null {
    if (limit) {
      if (callHost(name, argument.dataStart, argument.length, false) != Status.Ok) return null;
      if (load<u32>(retLen()) > limit) {
        last = Status.Empty;
        return null;
      }
    }
    return result(name, argument.dataStart, argument.length);
  }

  /**
   * Whether `signature` is that of `text` by the key, DER of a SubjectPublicKeyInfo. `hash`: sha1, sha224, sha256, sha384 or
   * sha512. RSA PKCS #1 v1.5, and ECDSA over P-256, P-384 and P-521 with a DER signature. False for anything but a signature
   * that is right; `status` is Ok then when the host could tell.
   */
  export function verifySignature(hash: string, key: Uint8Array, signature: Uint8Array, text: Uint8Array): bool {
    return verify(new ProtoWriter().string(1, hash).bytesValue(2, key), signature, text);
  }

  /** As verifySignature, with a key in PEM. */
  export function verifySignaturePem(hash: string, key: string, signature: Uint8Array, text: Uint8Array): bool {
    return verify(new ProtoWriter().string(1, hash).string(5, key), signature, text);
  }

  function verify(fields: ProtoWriter, signature: Uint8Array, text: Uint8Array): bool {
    fields.bytesValue(3, signature).bytesValue(4, text);
    const answer = typed("verify_signature", fields);
    if (answer === null) return false;
    let right: bool = false;
    const reader = new ProtoReader(answer);
    while (reader.next()) {
      if (reader.field == 1) right = reader.bool();
      else if (reader.field == 2) Failure.reason = reader.string();
    }
    return sound(reader) && right;
  }

  /** Signs `text` with a private key, DER of PKCS #8: RSA PKCS #1 v1.5, or ECDSA with a DER signature; null when it cannot. */
  export function sign(hash: string, key: Uint8Array, text: Uint8Array): Uint8Array | null {
    return signed(new ProtoWriter().string(1, hash).bytesValue(2, key).bytesValue(3, text));
  }

  /** As sign, with a key in PEM. */
  export function signPem(hash: string, key: string, text: Uint8Array): Uint8Array | null {
    return signed(new ProtoWriter().string(1, hash).bytesValue(3, text).string(4, key));
  }

  function signed(fields: ProtoWriter): Uint8Array | null {
    const answer = typed("sign", fields);
    if (answer === null) return null;
    let done: bool = false;
    let signature: Uint8Array | null = null;
    const reader = new ProtoReader(answer);
    while (reader.next()) {
      if (reader.field == 1) done = reader.bool();
      else if (reader.field == 2) signature = reader.bytesValue();
      else if (reader.field == 3) Failure.reason = reader.string();
    }
    if (!sound(reader) || !done) return null;
    return signature;
  }

  function typed(name: string, fields: ProtoWriter): Uint8Array | null {
    Failure.reason = "";
    if (!fields.ok) {
      last = Status.BadArgument;
      return null;
    }
    return result(name, fields.dataStart, fields.length);
  }

  function sound(reader: ProtoReader): bool {
    if (!reader.ok) last = Status.SerializationFailure;
    return reader.ok;
  }

  /** Compresses to zlib's format (RFC 1950, not gzip); null when it cannot. */
  export function compress(bytes: Uint8Array): Uint8Array | null {
    if (<u32>bytes.length > UNMEASURED) {
      last = Status.BadArgument;
      return null;
    }
    return result("compress", bytes.dataStart, bytes.length);
  }

  /**
   * Uncompresses zlib's format, up to `limit` bytes; null with status Empty for more, SerializationFailure for what is none.
   * The limit bounds what comes into the module, not what Envoy does: it uncompresses all before it says how much that is.
   * Therefore at most 16 KiB are taken (BadArgument), of which it makes 16 MiB at worst, in about 0.1 s.
   */
  export function uncompress(bytes: Uint8Array, limit: u32): Uint8Array | null {
    if (bytes.length > COMPRESSED_MAX) {
      last = Status.BadArgument;
      return null;
    }
    return call("uncompress", bytes, max<u32>(limit, 1));
  }

  /**
   * Sets an object of Envoy's own filter state, of which `path` is the factory's name (e.g. envoy.tcp_proxy.cluster) and
   * `value` what it makes the object of. NotFound: no such factory, or no stream.
   */
  export function setEnvoyFilterState(path: string, value: Uint8Array, span: LifeSpan = LifeSpan.FilterChain): Status {
    return command("set_envoy_filter_state", new ProtoWriter().string(1, path).bytesValue(2, value).i32(3, span));
  }

  /** Has the route chosen again, after a change of headers that it depends on. */
  export function clearRouteCache(): Status {
    return callHost("clear_route_cache", 0, 0, false);
  }

  /**
   * Says how a property that `property.set` will write is to be kept: to be called in onConfigure, before it is written.
   * BadArgument when it was declared before, which a plugin that came with an update finds, too.
   */
  export function declareProperty(
    name: string,
    type: PropertyType = PropertyType.Bytes,
    readOnly: bool = false,
    span: LifeSpan = LifeSpan.FilterChain,
    schema: Uint8Array | null = null,
  ): Status {
    const fields = new ProtoWriter().string(1, name).bool(2, readOnly).i32(3, type).i32(5, span);
    if (schema) fields.bytesValue(4, schema);
    return command("declare_property", fields);
  }
}
