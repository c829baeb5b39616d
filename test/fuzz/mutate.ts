// Changes bytes as strangers and broken machines do: flips, cuts, repeats, joins, numbers at their limits, words that mean something.
// Pure but for the random numbers that are handed in. What is done with the bytes is engine.ts's.

export interface Mutation {
  readonly random: () => number;
  /** Another input, parts of which may be joined in. */
  readonly other: Buffer;
  readonly words: readonly string[];
  readonly bytesMax: number;
}

const NUMBERS = [
  "-1",
  "0",
  "1",
  "4294967296",
  "9007199254740992",
  "18446744073709551615",
  "1e999",
  "-0.5",
  "NaN",
  "9".repeat(400),
];
const WORDS = [0n, 1n, 127n, 255n, 32_767n, 65_535n, 2n ** 31n - 1n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
const CHANGES_MAX = 5;
const REPEATS_MAX = 2_000;

export function mutate(input: Buffer, mutation: Mutation): Buffer {
  let bytes = input;
  const count = 1 + below(mutation, CHANGES_MAX);
  for (let done = 0; done < count; done++) {
    const change = changes[below(mutation, changes.length)] as Change;
    bytes = change(bytes, mutation).subarray(0, mutation.bytesMax);
  }
  return bytes;
}

type Change = (bytes: Buffer, mutation: Mutation) => Buffer;

const below = ({ random }: Mutation, end: number): number => Math.floor(random() * end);
const one = <T>(mutation: Mutation, items: readonly T[]): T => items[below(mutation, items.length)] as T;

/** `count` bytes from `at` on become others. */
const splice = (bytes: Buffer, at: number, count: number, others: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, at), others, bytes.subarray(at + count)]);

/** Mostly short: a long one would leave nothing of what was there. */
function range(bytes: Buffer, mutation: Mutation): readonly [at: number, count: number] {
  const at = below(mutation, bytes.length + 1);
  const longest = bytes.length - at;
  return [at, Math.min(longest, below(mutation, one(mutation, [2, 8, 64, longest + 1])))];
}

function replaced(bytes: Buffer, mutation: Mutation, change: (byte: number) => number): Buffer {
  if (bytes.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  const at = below(mutation, copy.length);
  copy[at] = change(copy[at] as number);
  return copy;
}

const changes: readonly Change[] = [
  (bytes, mutation) => replaced(bytes, mutation, (byte) => byte ^ (1 << below(mutation, 8))),
  (bytes, mutation) => replaced(bytes, mutation, () => one(mutation, [0, 0x0a, 0x20, 0x22, 0x27, 0x3c, 0x7f, 0x9b, 0xff])),
  (bytes, mutation) => splice(bytes, ...range(bytes, mutation), Buffer.alloc(0)),
  (bytes, mutation) => bytes.subarray(0, below(mutation, bytes.length + 1)),
  (bytes, mutation) => splice(bytes, ...range(bytes, mutation), Buffer.from(one(mutation, mutation.words))),
  (bytes, mutation) => splice(bytes, below(mutation, bytes.length + 1), 0, Buffer.from(one(mutation, mutation.words))),
  (bytes, mutation) => {
    const [at, count] = range(mutation.other, mutation);
    return splice(bytes, ...range(bytes, mutation), mutation.other.subarray(at, at + count));
  },
  (bytes, mutation) => {
    const [at, count] = range(bytes, mutation);
    const times = below(mutation, one(mutation, [2, 16, REPEATS_MAX]));
    const part = bytes.subarray(at, at + Math.min(count, 64));
    return splice(bytes, at, 0, Buffer.alloc(Math.min(mutation.bytesMax, part.length * times), part.length === 0 ? 0 : part));
  },
  (bytes, mutation) => {
    const runs = [...bytes.toString("latin1").matchAll(/\d+/g)];
    if (runs.length === 0) return bytes;
    const run = one(mutation, runs);
    return splice(bytes, run.index, run[0].length, Buffer.from(one(mutation, NUMBERS)));
  },
  (bytes, mutation) => {
    const word = Buffer.alloc(8);
    word.writeBigUInt64LE(one(mutation, WORDS));
    const length = one(mutation, [1, 2, 4, 8]);
    const at = Math.floor(below(mutation, bytes.length + 1) / length) * length;
    return splice(bytes, at, length, word.subarray(0, length));
  },
];
