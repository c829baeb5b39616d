// The bytes of ring files as native/abi/tidemark_abi.h lays them out, written from that header and not with the reader's code.
// Files of the real libraries are read in test/collector/heap/shim.test.ts.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

const ABSENT = 0xffff_ffff_ffff_ffffn;

export interface RingHeaderValues {
  readonly magic?: string;
  readonly version?: number;
  readonly kind?: number;
  readonly fileBytes?: number;
  readonly pid?: number;
  readonly startedNs?: bigint;
  readonly allocator?: number;
  readonly intervalMs?: bigint;
  readonly reliefAllowed?: number;
  readonly allocatorVersion?: Buffer;
  readonly tunables?: Buffer;
}

export interface RecordValues {
  readonly lock?: number;
  readonly number: bigint;
  readonly sampledMs: bigint;
  readonly probeCpuUs?: bigint;
  /** The 14 figures in the header's order; those left out are absent. */
  readonly figures?: readonly (bigint | undefined)[];
  readonly free?: readonly bigint[];
  readonly pinned?: readonly bigint[];
  /** The slot that the number asks for unless told otherwise. */
  readonly slot?: number;
}

export interface AnswerValues {
  readonly lock: number;
  readonly outcome: number;
  /** request_number and the eight figures behind it. */
  readonly words: readonly bigint[];
}

export interface RingValues extends RingHeaderValues {
  readonly records?: readonly RecordValues[];
  readonly request?: { readonly number: bigint; readonly notAfterMs: bigint };
  readonly answer?: AnswerValues;
}

/** 2027-01-15 08:00 UTC. */
export const STARTED_NS = 1_800_000_000_000_000_000n;

export function ringBytes(values: RingValues = {}): Buffer {
  const bytes = Buffer.alloc(20_480);
  writeHeader(bytes, { kind: 1, fileBytes: 20_480, ...values }, [4_096, 1_024, 16]);
  for (const record of values.records ?? []) writeRecord(bytes, record);
  if (values.request) {
    bytes.writeBigUInt64LE(values.request.number, 2_048);
    bytes.writeUInt32LE(1, 2_056);
    bytes.writeBigUInt64LE(values.request.notAfterMs, 2_072);
  }
  if (values.answer) {
    bytes.writeUInt32LE(values.answer.lock, 2_304);
    bytes.writeUInt32LE(values.answer.outcome, 2_308);
    values.answer.words.forEach((word, at) => {
      bytes.writeBigUInt64LE(word, 2_312 + at * 8);
    });
  }
  return bytes;
}

/** failure_count, failed_at_ms, failed_bytes, failed_errno, and the bins. */
export function failuresBytes(words: readonly bigint[], header: RingHeaderValues = {}): Buffer {
  const bytes = Buffer.alloc(4_096);
  writeHeader(bytes, { kind: 2, fileBytes: 4_096, ...header }, [2_048, 0, 0]);
  words.forEach((word, at) => {
    bytes.writeBigUInt64LE(word, 2_048 + at * 8);
  });
  return bytes;
}

function writeHeader(bytes: Buffer, values: RingHeaderValues, sizes: readonly number[]): void {
  bytes.write(values.magic ?? "TIDEMARK", 0, "latin1");
  const words = [
    values.version ?? 1,
    values.kind ?? 1,
    values.fileBytes ?? 0,
    ...sizes,
    values.pid ?? 7,
    values.allocator ?? 2,
  ];
  words.forEach((word, at) => {
    bytes.writeUInt32LE(word, 8 + at * 4);
  });
  bytes.writeBigUInt64LE(values.startedNs ?? STARTED_NS, 40);
  bytes.writeBigUInt64LE(values.intervalMs ?? 10_000n, 48);
  bytes.writeUInt32LE(values.reliefAllowed ?? 0, 56);
  (values.allocatorVersion ?? Buffer.from("5.3.0")).copy(bytes, 64);
  (values.tunables ?? Buffer.from("narenas=8 dirty_decay_ms=10000")).copy(bytes, 128);
}

function writeRecord(bytes: Buffer, { lock = 2, number, sampledMs, probeCpuUs = 150n, ...record }: RecordValues): void {
  const offset = 4_096 + (record.slot ?? Number((number - 1n) % 16n)) * 1_024;
  bytes.writeUInt32LE(lock, offset);
  [number, sampledMs, probeCpuUs].forEach((word, at) => {
    bytes.writeBigUInt64LE(word, offset + 8 + at * 8);
  });
  for (let at = 0; at < 14; at++) bytes.writeBigUInt64LE(record.figures?.[at] ?? ABSENT, offset + 32 + at * 8);
  for (let at = 0; at < 32; at++) {
    bytes.writeBigUInt64LE(record.free === undefined ? ABSENT : (record.free[at] ?? 0n), offset + 144 + at * 8);
    bytes.writeBigUInt64LE(record.pinned === undefined ? ABSENT : (record.pinned[at] ?? 0n), offset + 400 + at * 8);
  }
}

const HOLDER = `
import mmap, os, sys, time
for line in sys.stdin:
    path, kind, bytes_ = line.split()
    file = os.open(path, os.O_RDWR)
    globals()[path] = mmap.mmap(file, int(bytes_), mmap.MAP_SHARED if kind == "shared" else mmap.MAP_PRIVATE)
    os.close(file)
    print(os.getpid(), flush=True)
`;

export interface Holder {
  readonly pid: number;
  /** Maps the file; it stays mapped until the holder ends. */
  map(path: string, bytes: number, kind?: "shared" | "private"): Promise<void>;
  stop(): Promise<void>;
}

/** A process that has files mapped as one with the shim would. */
export function startHolder(options: { readonly uid?: number; readonly env?: Readonly<Record<string, string>> } = {}): Holder {
  const child: ChildProcess = spawn("python3", ["-c", HOLDER], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: process.env["PATH"], ...options.env },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  const { pid, stdin, stdout } = child;
  if (pid === undefined || stdin === null || stdout === null) throw new Error("python3 did not start");
  const ended = once(child, "exit");
  return {
    pid,
    async map(path, bytes, kind = "shared") {
      stdin.write(`${path} ${kind} ${bytes}\n`);
      await once(stdout, "data");
    },
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
