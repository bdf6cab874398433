import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { EmulatorError } from "./errors.js";
import { string, textMap, type Message, type Value } from "./values.js";

/** A message with these fields; `bytes` as it is serialised, default none. */
export function message(fields: Readonly<Record<string, Value | (() => Value)>>, bytes = ""): Message {
  return {
    kind: "message",
    bytes,
    field(name) {
      const field = Object.hasOwn(fields, name) ? fields[name]! : null;
      return typeof field === "function" ? field() : field;
    },
  };
}

const NODE = "meshwasm";

function onlyOnEnvoy(name: string): () => never {
  return () => {
    throw new EmulatorError(`The emulator does not have the property ${name}; run this test with --host envoy.`);
  };
}

/** Envoy's description of itself, as far as a filter can rely on it. */
export function node(): Message {
  const bytes = new BinaryWriter();
  for (const [number, value] of [
    [1, NODE],
    [2, NODE],
    [6, "envoy"],
  ] as const) {
    bytes.tag(number, WireType.LengthDelimited).string(value);
  }
  return message(
    {
      id: string(NODE),
      cluster: string(NODE),
      metadata: textMap([]),
      dynamic_parameters: textMap([]),
      locality: message({ region: string(""), zone: string(""), sub_zone: string("") }),
      user_agent_name: string("envoy"),
      user_agent_version: string(""),
      user_agent_build_version: onlyOnEnvoy("xds.node.user_agent_build_version"),
      extensions: onlyOnEnvoy("xds.node.extensions"),
      client_features: onlyOnEnvoy("xds.node.client_features"),
      listening_addresses: { kind: "list", items: [] },
    },
    Buffer.from(bytes.finish()).toString("latin1"),
  );
}

/** The fields of a message by number: text and bytes as latin1, numbers as they are. null: it is not a message. */
export function readMessage(data: string): Map<number, string | number> | null {
  const fields = new Map<number, string | number>();
  const reader = new BinaryReader(Buffer.from(data, "latin1"));
  try {
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag();
      if (type === WireType.LengthDelimited) fields.set(number, Buffer.from(reader.bytes()).toString("latin1"));
      else if (type === WireType.Varint) fields.set(number, Number(BigInt(reader.uint64())));
      else reader.skip(type, number);
    }
  } catch {
    return null;
  }
  return fields;
}

/** A message of these fields; what is empty, false or 0 is left out, as proto3 does. */
export function writeMessage(fields: readonly (readonly [number, string | boolean])[]): string {
  const writer = new BinaryWriter();
  for (const [number, value] of fields) {
    if (value === true) writer.tag(number, WireType.Varint).bool(true);
    else if (value !== false && value !== "") {
      writer.tag(number, WireType.LengthDelimited).bytes(Buffer.from(value, "latin1"));
    }
  }
  return Buffer.from(writer.finish()).toString("latin1");
}
