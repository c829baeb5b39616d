// A heap profile in the format of pprof: profile.proto, gzipped, with mappings, build ids and functions.
// Which samples there are is heap-profile.ts's. Source: proto/profile.proto of github.com/google/pprof; protobuf wire format.
import { gzipSync } from "node:zlib";
import type { HeapProfile } from "./heap-profile.ts";
import type { Mapping } from "./mappings.ts";
import type { Symbols } from "./symbols.ts";

export interface PprofContext {
  readonly code: readonly Mapping[];
  readonly symbols: Symbols;
  readonly madeAtMs: number;
  /** Null for what is live now; else what was allocated in so long a time. */
  readonly durationMs: number | null;
  /** Said to whoever opens it: `pprof -comments`. */
  readonly comments: readonly string[];
}

export function pprofOf(profile: HeapProfile, context: PprofContext): Buffer {
  const strings = interned<string>();
  strings.idOf("");
  const mappings = interned<Mapping>();
  const functions = interned<string>();
  const functionNames: { name: number; symbol: number; file: number }[] = [];
  const locations = interned<number>();
  const parts: Buffer[] = [];
  const put = (field: number, message: Buffer) => parts.push(bytesField(field, message));
  const valueType = (type: string, unit: string) =>
    Buffer.concat([varintField(1, strings.idOf(type)), varintField(2, strings.idOf(unit))]);

  put(1, valueType("inuse_objects", "count"));
  put(1, valueType("inuse_space", "bytes"));
  for (const { frames, bytes, blocks } of profile.stacks) {
    const ids = frames.map((frame) => locations.idOf(frame) + 1);
    put(2, Buffer.concat([packedField(1, ids), packedField(2, [Math.round(blocks), Math.round(bytes)])]));
  }
  for (const mapping of context.code) mappings.idOf(mapping);
  for (const mapping of mappings.values()) put(3, mappingMessage(mapping));
  for (const [index, frame] of locations.values().entries()) put(4, locationMessage(frame, index + 1));
  for (const [index, { name, symbol, file }] of functionNames.entries())
    put(5, Buffer.concat([varintField(1, index + 1), varintField(2, name), varintField(3, symbol), varintField(4, file)]));
  const comments = context.comments.map((comment) => strings.idOf(comment));
  const [period, shown] = [valueType("space", "bytes"), strings.idOf("inuse_space")];
  for (const text of strings.values()) put(6, Buffer.from(text, "utf8"));
  parts.push(varintField(9, BigInt(Math.round(context.madeAtMs)) * 1_000_000n));
  if (context.durationMs !== null) parts.push(varintField(10, BigInt(Math.round(context.durationMs)) * 1_000_000n));
  put(11, period);
  parts.push(varintField(12, profile.meanBytes));
  for (const comment of comments) parts.push(varintField(13, comment));
  parts.push(varintField(14, shown));
  return gzipSync(Buffer.concat(parts));

  function mappingMessage(mapping: Mapping): Buffer {
    return Buffer.concat([
      varintField(1, mappings.idOf(mapping) + 1),
      varintField(2, mapping.start),
      varintField(3, mapping.end),
      varintField(4, mapping.offset),
      varintField(5, strings.idOf(mapping.path)),
      varintField(6, strings.idOf(context.symbols.buildIdOf(mapping) ?? "")),
      varintField(7, 1),
    ]);
  }

  /** The address of the call and not of what comes after it, as every writer of this format has it. */
  function locationMessage(frame: number, id: number): Buffer {
    const place = context.symbols.placeOf(frame);
    const message = [varintField(1, id), varintField(3, frame - 1)];
    if (place.mapping !== null) message.push(varintField(2, mappings.idOf(place.mapping) + 1));
    const function_ = functions.idOf(`${place.mapping?.path ?? ""}\0${place.symbol ?? place.name}`);
    functionNames[function_] ??= {
      name: strings.idOf(place.name),
      symbol: strings.idOf(place.symbol ?? place.name),
      file: strings.idOf(place.mapping?.path ?? ""),
    };
    message.push(bytesField(4, varintField(1, function_ + 1)));
    return Buffer.concat(message);
  }
}

interface Interned<T> {
  /** From 0 on, in the order in which they were first seen. */
  idOf(value: T): number;
  values(): readonly T[];
}

function interned<T>(): Interned<T> {
  const ids = new Map<T, number>();
  return {
    idOf(value) {
      const id = ids.get(value) ?? ids.size;
      ids.set(value, id);
      return id;
    },
    values: () => [...ids.keys()],
  };
}

const [VARINT, LENGTH] = [0, 2];

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const varintField = (field: number, value: number | bigint): Buffer =>
  Buffer.concat([varint((field << 3) | VARINT), varint(value)]);

const bytesField = (field: number, bytes: Buffer): Buffer =>
  Buffer.concat([varint((field << 3) | LENGTH), varint(bytes.length), bytes]);

const packedField = (field: number, values: readonly number[]): Buffer =>
  bytesField(field, Buffer.concat(values.map((value) => varint(value))));
