export class Table {
  rows: string[] = ["a", "b"];

  @inline
  row(index: i32): string {
    return this.rows[index];
  }

  checked(index: i32): string {
    if (index < 0) throw new RangeError("below zero"); // other-file
    return this.rows[index];
  }
}
