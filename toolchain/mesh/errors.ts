/** What a person can act on: one line saying what a target cannot carry and what to do instead. */
export class MeshError extends Error {
  readonly expected = true;
  override readonly name = "MeshError";
}
