import { ByteWriter } from "../../../sdk/std/bytewriter";
import { refusalAt } from "../../../sdk/std/refusal";
import { Accept, MediaType } from "../../../sdk/std/mediatype";
import { Slice } from "../../../sdk/std/slice";
import { give, giveArray } from "./io";

/** Serialised. */
export function mediaType(ptr: usize, length: usize): usize {
  const media = MediaType.parse(ptr, <i32>length);
  return media ? giveArray(media.toBytes()) : 0;
}

function line(out: ByteWriter, slice: Slice): void {
  out.bytes(slice.ptr, slice.length);
  out.byte(10);
}

/** Type, subtype, then names and values, a line each. */
export function parts(ptr: usize, length: usize): usize {
  const media = MediaType.parse(ptr, <i32>length);
  if (!media) return 0;
  const out = new ByteWriter(65536);
  line(out, media.type);
  line(out, media.subtype);
  for (let i = 0; i < media.names.length; i++) {
    line(out, media.names[i]);
    line(out, media.values[i]);
  }
  return give(out.ptr, out.length);
}

/** Whether it is what `is` says and `param` finds. */
export function consistent(ptr: usize, length: usize): i32 {
  const media = MediaType.parse(ptr, <i32>length);
  if (!media) return i32(refusalAt >= 0 && refusalAt <= <i32>length);
  if (!media.is(media.essence) || media.is(media.essence + "x") || media.is(media.essence.substring(1))) return 0;
  for (let i = 0; i < media.names.length; i++) {
    const value = media.param(media.names[i].toString());
    if (!value || !value.same(media.values[i])) return 0;
  }
  const again = media.toBytes();
  const second = MediaType.parse(again.dataStart, again.length);
  if (!second) return 0;
  const bytes = second.toBytes();
  return i32(bytes.length == again.length && memory.compare(bytes.dataStart, again.dataStart, bytes.length) == 0);
}

/** Weight of a media type in an Accept field: -1 when the media type is none, -2 when the field is refused. */
export function quality(accept: usize, acceptLength: usize, media: usize, mediaLength: usize): i32 {
  const parsed = Accept.parse(accept, <i32>acceptLength);
  if (!parsed) return -2;
  const type = MediaType.parse(media, <i32>mediaLength);
  return type ? parsed.quality(type) : -1;
}

/** Ranges and members left out, as 1000 * ranges + ignored; -1 when the field is refused. */
export function members(ptr: usize, length: usize): i32 {
  const accept = Accept.parse(ptr, <i32>length);
  return accept ? accept.ranges.length * 1000 + accept.ignored : -1;
}

/** Index of the best of the offers, which are parted by line feeds; -1 for none. */
export function best(ptr: usize, length: usize, offers: usize, offersLength: usize): i32 {
  const accept = Accept.parse(ptr, <i32>length);
  if (!accept) return -2;
  const list = new Array<MediaType>();
  let start = offers;
  const end = offers + offersLength;
  for (let at = offers; at <= end; at++) {
    if (at < end && load<u8>(at) != 10) continue;
    const media = MediaType.parse(start, <i32>(at - start));
    if (!media) return -3;
    list.push(media);
    start = at + 1;
  }
  return accept.best(list);
}
