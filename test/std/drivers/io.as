// What the drivers share: memory for their arguments, and the way back for what they return.

let room: usize = 0;
let answer: usize = 0;
let capacity: usize = 0;

/** Room for the arguments of a call. */
export function reserve(size: usize): usize {
  if (room) heap.free(room);
  room = heap.alloc(size);
  return room;
}

/** Memory that stays, for bytes that many calls get. */
export function hold(size: usize): usize {
  return heap.alloc(size);
}

/** Copies bytes to where the harness reads them; valid until the next call. */
export function give(ptr: usize, length: usize): usize {
  if (capacity < length + 4) {
    if (answer) heap.free(answer);
    capacity = length * 2 + 1024;
    answer = heap.alloc(capacity);
  }
  store<u32>(answer, <u32>length);
  memory.copy(answer + 4, ptr, length);
  return answer;
}

export function giveArray(bytes: Uint8Array): usize {
  return give(bytes.dataStart, bytes.length);
}

/** UTF-16 units as they are. */
export function giveUnits(text: string): usize {
  return give(changetype<usize>(text), (<usize>text.length) << 1);
}

/** Well-formed text as UTF-8. */
export function giveText(text: string): usize {
  const bytes = String.UTF8.encode(text);
  return give(changetype<usize>(bytes), bytes.byteLength);
}
