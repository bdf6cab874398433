// Hands the pure parts of the SDK to a host: each callback takes its input from the buffer and logs what came out.
import { HeaderLines, HttpFilter, NoConfig, Plugin, registerHttpFilter } from "meshwasm/sdk";
import { proxy_get_buffer_bytes, proxy_log } from "meshwasm/sdk/abi/hostcalls";
import { clearReturn, hostFree, retLen, retPtr, returnedLength, returnedPtr } from "meshwasm/sdk/runtime/memory";
import { equalsIgnoreCase, isFieldValue, isToken } from "meshwasm/sdk/std/field";

const GUARD: u8 = 0xa5;

let input: usize = 0;
let length: usize = 0;

function take(size: u32): void {
  clearReturn();
  proxy_get_buffer_bytes(0, 0, size, retPtr(), retLen());
  input = returnedPtr();
  length = returnedLength();
}

/** UTF-16 units of the buffer as a string, whatever they are. */
function units(at: usize, count: i32): string {
  return String.UTF16.decodeUnsafe(at, (<usize>count) << 1);
}

class P extends Plugin<NoConfig> {}

class F extends HttpFilter<P> {
  /** u8: isToken, isFieldValue, equalsIgnoreCase to "X-Name[`_" with a bit each. */
  onRequestTrailers(): i32 {
    take(0xffff);
    const same = length == 9 && equalsIgnoreCase(input, "X-Name[`_");
    const verdict = heap.alloc(1);
    store<u8>(verdict, u8(isToken(input, length)) | (u8(isFieldValue(input, length)) << 1) | (u8(same) << 2));
    proxy_log(0, verdict, 1);
    heap.free(verdict);
    hostFree(input);
    return 0;
  }

  /**
   * Lines -> u32 refused, u32 count, u32 size, then what writeTo wrote. A line of the input: u32 units of the name, u32
   * units or bytes of the value, u32 1 for bytes, name, value.
   */
  onResponseTrailers(): i32 {
    take(0xffffffff);
    const lines = new HeaderLines();
    for (let at = input, end = input + length; at < end; ) {
      const nameUnits = load<i32>(at);
      const valueSize = load<i32>(at, 4);
      const isBytes = load<u32>(at, 8) != 0;
      const name = units(at + 12, nameUnits);
      at += 12 + ((<usize>nameUnits) << 1);
      if (isBytes) {
        const bytes = new Uint8Array(valueSize);
        memory.copy(bytes.dataStart, at, valueSize);
        lines.addBytes(name, bytes);
        at += valueSize;
      } else {
        lines.add(name, units(at, valueSize));
        at += (<usize>valueSize) << 1;
      }
    }
    const size = lines.size;
    const out = heap.alloc(12 + size + 1);
    store<u32>(out, lines.refused);
    store<u32>(out, lines.count, 4);
    store<u32>(out, <u32>size, 8);
    store<u8>(out + 12 + size, GUARD);
    lines.writeTo(out + 12);
    proxy_log(load<u8>(out + 12 + size) == GUARD ? 0 : 9, out, 12 + size);
    heap.free(out);
    hostFree(input);
    return 0;
  }
}

registerHttpFilter<F, P, NoConfig>();
