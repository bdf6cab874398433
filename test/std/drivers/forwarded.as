import { ByteWriter } from "../../../sdk/std/bytewriter";
import { Forwarded, ForwardedNode, NodeKind, xffAddress } from "../../../sdk/std/forwarded";
import { refusalAt } from "../../../sdk/std/refusal";
import { Slice } from "../../../sdk/std/slice";
import { give, giveText } from "./io";

function hex(out: ByteWriter, slice: Slice): void {
  for (let i = 0; i < slice.length; i++) {
    const c = <u32>load<u8>(slice.ptr + i);
    out.byte("0123456789abcdef".charCodeAt(c >> 4));
    out.byte("0123456789abcdef".charCodeAt(c & 15));
  }
}

/** `name=value` in hexadecimal, parted by semicolons, and elements by commas. */
export function elements(ptr: usize, length: usize): usize {
  const forwarded = Forwarded.parse(ptr, <i32>length);
  if (!forwarded) return 0;
  const out = new ByteWriter(1048576);
  for (let i = 0; i < forwarded.elements.length; i++) {
    const element = forwarded.elements[i];
    if (i) out.byte(0x2c);
    for (let j = 0; j < element.names.length; j++) {
      if (j) out.byte(0x3b);
      hex(out, element.names[j]);
      out.byte(0x3d);
      hex(out, element.values[j]);
    }
  }
  return give(out.ptr, out.length);
}

/** Kind, name, port and hidden port, parted by spaces. */
export function node(ptr: usize, length: usize): usize {
  const node = new ForwardedNode(Slice.copy(ptr, <i32>length));
  if (node.kind == NodeKind.Malformed) return 0;
  const hidden = node.hiddenPort;
  const port = hidden ? hidden.toString() : node.port.toString();
  return giveText("?46uo".charAt(node.kind) + " " + node.name.toString() + " " + port);
}

export function fromRight(ptr: usize, length: usize, skip: i32): usize {
  const forwarded = Forwarded.parse(ptr, <i32>length);
  const element = forwarded ? forwarded.fromRight(skip) : null;
  if (!element) return 0;
  const client = element.client;
  return giveText((client ? client.name.toString() : "-") + " " + element.host + " " + element.proto);
}

export function xff(ptr: usize, length: usize, skip: i32): usize {
  const address = xffAddress(ptr, <i32>length, skip);
  return address ? giveText(address) : 0;
}

/** Elements, or 0xffff for a refused field; 0xfffe when the place of the error lies outside. Nodes are looked at too. */
export function verdict(ptr: usize, length: usize): i32 {
  for (let skip = 0; skip < 3; skip++) xffAddress(ptr, <i32>length, skip);
  const forwarded = Forwarded.parse(ptr, <i32>length);
  if (!forwarded) return refusalAt < 0 || refusalAt > <i32>length ? 0xfffe : 0xffff;
  for (let i = 0; i < forwarded.elements.length; i++) {
    const client = forwarded.elements[i].client;
    if (client && client.name.length > client.text.length) return 0xfffe;
  }
  return forwarded.elements.length;
}
