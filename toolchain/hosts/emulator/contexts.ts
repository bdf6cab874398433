import { BufferType, MapType, Status } from "./abi.js";
import { BufferView, type HostBuffer } from "./buffers.js";
import type { HttpCall } from "./callouts.js";
import type { Expressions } from "./cel.js";
import type { HttpAnswer } from "./connection.js";
import type { StateType } from "./filterstate.js";
import type { GrpcClient } from "./grpc.js";
import type { HeaderMap } from "./headermap.js";
import type { LocalReply } from "./localreply.js";
import type { Plugin } from "./plugin.js";
import type { StreamInfo } from "./streaminfo.js";
import type { Vm } from "./vm.js";

/** What a callback is called for: the VM itself, a plugin (root), an HTTP stream or a connection. */
export abstract class Context {
  readonly id: number;
  /** The filter knows of it. */
  created = false;
  /** In proxy_on_log all maps can be read and none changed. */
  logPhase = false;
  /** Properties that were declared in it. */
  readonly declared = new Map<string, StateType>();
  /** Envoy has one view for each context: buffer 8 is whatever was looked at last. */
  #view = BufferView.EMPTY;

  constructor(
    readonly vm: Vm,
    id: number,
  ) {
    this.id = id;
    vm.contexts.set(id, this);
  }

  abstract readonly root: RootContext | null;
  /** null: what runs for no plugin. */
  abstract readonly plugin: Plugin | null;

  /** What Envoy knows of the stream or connection. */
  get info(): StreamInfo | null {
    return null;
  }

  /** A map that may be read now. */
  readableMap(type: number): HeaderMap | null {
    const root = this.root;
    if (root === null) return null;
    if (type === MapType.GrpcCallInitialMetadata) return root.grpc.initialMetadata;
    if (type === MapType.GrpcCallTrailingMetadata) return root.grpc.trailingMetadata;
    if (type === MapType.HttpCallResponseHeaders) return root.httpAnswer?.headers ?? null;
    return type === MapType.HttpCallResponseTrailers ? (root.httpAnswer?.trailers ?? null) : null;
  }

  /** A map that may be changed now. */
  writableMap(_type: number): HeaderMap | null {
    return null;
  }

  /** null: there is no such buffer here. */
  buffer(type: number): BufferView | null {
    switch (type) {
      case BufferType.CallData:
        return this.#view;
      case BufferType.VmConfiguration:
        return this.view(this.vm.settings.config);
      case BufferType.HttpCallResponseBody: {
        const answer = this.root?.httpAnswer ?? null;
        return answer === null ? null : this.view(answer.body);
      }
      case BufferType.GrpcCallMessage:
        return this.view(this.root?.grpc.message ?? "");
      case BufferType.PluginConfiguration:
        return null;
      default:
        return this.view("");
    }
  }

  view(source: HostBuffer | string | null): BufferView {
    return (this.#view = source === null ? BufferView.EMPTY : new BufferView(source));
  }

  continueStream(type: number): number {
    return type === 3 ? Status.Unimplemented : Status.Ok;
  }

  closeStream(_type: number): void {}

  sendLocalReply(_reply: LocalReply): void {}

  clearRouteCache(): void {}
}

/** Context 0: the module's start and malloc run in it. */
export class VmContext extends Context {
  readonly root = null;

  constructor(
    vm: Vm,
    /** The plugin that the VM was made for; only logs tell. */
    readonly owner: Plugin,
  ) {
    super(vm, 0);
  }

  override get plugin(): null {
    return null;
  }
}

/** One plugin in one configuration on one VM. */
export class RootContext extends Context {
  readonly root = this;
  readonly httpCalls = new Map<number, HttpCall>();
  httpAnswer: HttpAnswer | null = null;
  readonly grpc: GrpcClient;
  /** What proxy_get_status tells. */
  statusCode = 0;
  statusMessage = "";
  expressions: Expressions | null = null;
  /** The configuration can be read only while it is handed over. */
  #configuring = false;

  constructor(
    vm: Vm,
    override readonly plugin: Plugin,
  ) {
    super(vm, vm.allocateContextId());
    this.grpc = vm.server.grpcClient(this);
  }

  override buffer(type: number): BufferView | null {
    if (type !== BufferType.PluginConfiguration) return super.buffer(type);
    return this.#configuring ? this.view(this.plugin.config) : null;
  }

  /** Whether the filter took the start. */
  start(): boolean {
    const { vm } = this;
    this.#configuring = true;
    if (vm.has("proxy_on_context_create")) {
      vm.call("proxy_on_context_create", this, this.id, 0);
      this.created = true;
    }
    this.#configuring = false;
    if (!vm.has("proxy_on_vm_start")) return true;
    return (vm.call("proxy_on_vm_start", this, this.id, vm.settings.config.length) ?? 0) !== 0;
  }

  /** Whether the filter took its configuration. */
  configure(): boolean {
    const { vm } = this;
    if (vm.failed) return true;
    if (!this.created) vm.call("proxy_on_context_create", this, this.id, 0);
    this.created = true;
    if (!vm.has("proxy_on_configure")) return true;
    this.#configuring = true;
    const taken = vm.call("proxy_on_configure", this, this.id, this.plugin.config.length);
    this.#configuring = false;
    return (taken ?? 0) !== 0;
  }

  /** No stream needs it any more. */
  shutDown(): void {
    if (this.vm.call("proxy_on_done", this, this.id) !== 0) this.finish();
    else this.vm.pendingDone.set(this.plugin.key, this);
  }

  finish(): void {
    if (this.created) this.vm.call("proxy_on_delete", this, this.id);
    this.dispose();
  }

  /** Forgets it, without a word to the filter. */
  dispose(): void {
    this.vm.contexts.delete(this.id);
    for (const call of this.httpCalls.values()) call.cancel();
    this.httpCalls.clear();
    this.grpc.close();
  }
}
