import { deflateSync, inflateSync } from "node:zlib";
import { Status } from "./abi.js";
import { createExpression, deleteExpression, evaluateExpression } from "./cel.js";
import { EmulatorError } from "./errors.js";
import { createObject } from "./filterstate.js";
import { readMessage, writeMessage } from "./messages.js";
import { signText, verifySignature, type KeyText } from "./signatures.js";
import type { HostCall, Vm } from "./vm.js";

/** Gives bytes for the filter, a status without any, or null: fine, and nothing to give. */
type ForeignFunction = (vm: Vm, argument: string) => string | number | null;

/** More than a guest's memory holds. */
const LARGEST_OUTPUT = 1 << 30;

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const bytesOf = (field: string | number | undefined): Buffer =>
  Buffer.from(typeof field === "string" ? field : "", "latin1");

/** Exactly one of the two must be there. */
function keyOf(der: Buffer, pem: Buffer): KeyText | null {
  if (der.length > 0 === pem.length > 0) return null;
  return pem.length > 0 ? { data: pem, pem: true } : { data: der, pem: false };
}

/** Envoy 1.40's foreign functions: https://github.com/envoyproxy/envoy, source/extensions/common/wasm/foreign.cc */
export const FOREIGN_FUNCTIONS: Readonly<Record<string, ForeignFunction>> = {
  verify_signature(_vm, argument) {
    const fields = readMessage(argument);
    if (fields === null) return Status.BadArgument;
    const key = keyOf(bytesOf(fields.get(2)), bytesOf(fields.get(5)));
    if (key === null) return Status.BadArgument;
    const hash = bytesOf(fields.get(1)).toString();
    const wrong = verifySignature(hash, key, bytesOf(fields.get(3)), bytesOf(fields.get(4)));
    return writeMessage([
      [1, wrong === null],
      [2, latin1(Buffer.from(wrong ?? ""))],
    ]);
  },

  sign(_vm, argument) {
    const fields = readMessage(argument);
    if (fields === null) return Status.BadArgument;
    const key = keyOf(bytesOf(fields.get(2)), bytesOf(fields.get(4)));
    if (key === null) return Status.BadArgument;
    const signed = signText(bytesOf(fields.get(1)).toString(), key, bytesOf(fields.get(3)));
    if (typeof signed === "string") return writeMessage([[3, latin1(Buffer.from(signed))]]);
    return writeMessage([
      [1, true],
      [2, latin1(signed)],
    ]);
  },

  compress: (_vm, argument) => latin1(deflateSync(Buffer.from(argument, "latin1"))),

  uncompress(_vm, argument) {
    try {
      return latin1(inflateSync(Buffer.from(argument, "latin1"), { maxOutputLength: LARGEST_OUTPUT }));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") return Status.SerializationFailure;
      throw new EmulatorError("uncompress gives more than a filter's memory can hold, which crashes Envoy 1.40.");
    }
  },

  set_envoy_filter_state(vm, argument) {
    const fields = readMessage(argument);
    if (fields === null) return Status.BadArgument;
    const text = (field: number): string => latin1(bytesOf(fields.get(field)));
    const object = createObject(text(1), text(2));
    if (typeof object === "number") return object;
    const { info } = vm.context;
    if (info === null) return Status.NotFound;
    info.filterState.setObject(text(1), object, Number(fields.get(3) ?? 0));
    return null;
  },

  // The only route is found again at once.
  clear_route_cache: () => null,

  expr_create: (vm, argument) => createExpression(vm, argument),
  expr_evaluate: (vm, argument) => evaluateExpression(vm, argument),
  expr_delete: (vm, argument) => deleteExpression(vm, argument),

  declare_property(vm, argument) {
    const fields = readMessage(argument);
    if (fields === null) return Status.BadArgument;
    // Not the effective context: what a stream declares is of no use to it.
    const { declared } = vm.current;
    const name = latin1(bytesOf(fields.get(1)));
    if (declared.has(name)) return Status.BadArgument;
    const type = Number(fields.get(3) ?? 0);
    declared.set(name, {
      readonly: Number(fields.get(2) ?? 0) !== 0,
      type: type <= 3 ? type : 0,
      schema: latin1(bytesOf(fields.get(4))),
      span: Number(fields.get(5) ?? 0),
    });
    return null;
  },
};

export const FOREIGN_CALLS: Readonly<Record<string, HostCall>> = {
  proxy_call_foreign_function(vm: Vm, n = 0, nLen = 0, a = 0, aLen = 0, ptr = 0, len = 0) {
    const name = vm.read(n, nLen);
    const argument = vm.read(a, aLen);
    if (name === null || argument === null) return Status.InvalidMemoryAccess;
    const call = Object.hasOwn(FOREIGN_FUNCTIONS, name) ? FOREIGN_FUNCTIONS[name]! : null;
    if (call === null) return Status.NotFound;
    const result = call(vm, argument);
    let at = 0;
    let size = 0;
    if (typeof result === "string") {
      size = result.length;
      // A filter may not want what it is given.
      if (ptr !== 0) at = vm.place(result);
      if (ptr !== 0 && at === 0 && size > 0) {
        throw new EmulatorError(`The filter gave no memory for what ${name} returns, which crashes Envoy 1.40.`);
      }
    }
    if (ptr !== 0 && !vm.writeU32(ptr, at)) return Status.InvalidMemoryAccess;
    if (len !== 0 && !vm.writeU32(len, size)) return Status.InvalidMemoryAccess;
    return typeof result === "number" ? result : Status.Ok;
  },
};
