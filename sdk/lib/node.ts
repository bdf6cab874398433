/* Takes the place of the standard library's Node bindings: a filter has no process of its own. */

export namespace process {
  // @ts-ignore: read at compile time
  export const argv: string[] = [];
  export function exit(code: i32): void {
    ERROR("process.exit is not available in a filter: return from the callback, or answer with sendLocalResponse");
  }
}
