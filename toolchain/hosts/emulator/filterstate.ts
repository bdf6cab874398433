import { Status } from "./abi.js";
import { string, type Value, type ValueMap } from "./values.js";

/** How a property that the filter declared is kept. */
export interface StateType {
  readonly readonly: boolean;
  /** Bytes 0, String 1, FlatBuffers 2, Protobuf 3. */
  readonly type: number;
}

const DEFAULT: StateType = { readonly: false, type: 0 };
const STRING = 1;

/** Something in Envoy's filter state. */
interface StateObject {
  /** As a value; `last`: nothing of it is asked for but itself. */
  value(last: boolean): Value | null;
}

class WasmState implements StateObject {
  #value = "";
  #set = false;

  constructor(private readonly type: StateType) {}

  set(value: string): boolean {
    if (this.type.readonly && this.#set) return false;
    this.#value = value;
    this.#set = true;
    return true;
  }

  value(): Value {
    return { kind: this.type.type === STRING ? "string" : "bytes", value: this.#value };
  }
}

/** What filters leave for each other on one stream. */
export class FilterState {
  readonly #objects = new Map<string, StateObject>();

  /** What proxy_set_property does. */
  setProperty(path: string, value: string, type: StateType = DEFAULT): number {
    const key = `wasm.${path}`;
    let state = this.#objects.get(key);
    if (!(state instanceof WasmState)) this.#objects.set(key, (state = new WasmState(type)));
    return (state as WasmState).set(value) ? Status.Ok : Status.BadArgument;
  }

  /** A property that a filter has set, by its whole path. */
  property(path: string): Value | null {
    return this.#objects.get(`wasm.${path}`)?.value(true) ?? null;
  }

  setObject(key: string, text: string): void {
    this.#objects.set(key, { value: () => string(text) });
  }

  get(key: string): string | null {
    const value = this.#objects.get(key)?.value(true);
    return value?.kind === "string" ? value.value : null;
  }

  /** As the property `filter_state`. */
  asValue(): ValueMap {
    return {
      kind: "map",
      get: (key) => this.#objects.get(key)?.value(false) ?? null,
      entries: () => null,
    };
  }
}
