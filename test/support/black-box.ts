// Programs of some size, the collector beside them, and the detail rows that it delivers: for tests of the black box.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { visitBlocks } from "../../collector/black-box/blocks.ts";
import type { ProcessIdentity } from "../../collector/watch/identify.ts";
import type { SampleKind, Value } from "../../schema/columns.ts";
import { decodeBatch } from "../../schema/decode.ts";
import { walkerPath } from "./native.ts";

export const MIB = 1_024 * 1_024;
/** Above what anything else on the machine that runs the tests has: only the tests' own programs are kept. */
export const LARGE_BYTES = 150 * MIB;

export const LOOKS_MIN = 8;

export type Child = ChildProcess & { readonly pid: number };
const entry = fileURLToPath(new URL("../../collector/main.ts", import.meta.url));
const started: ChildProcess[] = [];
after(() => {
  for (const child of started) child.kill("SIGKILL");
});

export function start(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
  const child = spawn(command, args, {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  started.push(child);
  if (child.pid === undefined) throw new Error(`${command} did not start`);
  return child as unknown as Child;
}

/** Holds some memory, and as much more for each number that it reads. */
const HOLDER = `
  globalThis.held = [Buffer.alloc(Number(process.argv[1]), 1)];
  console.log("held");
  process.stdin.on("data", (more) => held.push(Buffer.alloc(Number(more), 1)));`;

/** A program that holds this much, from when this returns; in a control group where a folder of one is given. */
export async function startHolder(service: string, bytes: number, group?: string): Promise<Child> {
  const command = [process.execPath, "-e", HOLDER, String(bytes)];
  const joining = ["sh", "-c", `echo $$ > ${group}/cgroup.procs && exec "$@"`, "sh", ...command];
  const [program = "", ...args] = group === undefined ? command : joining;
  const child = start(program, args, { OTEL_SERVICE_NAME: service });
  await once(child.stdout ?? child, "data");
  return child;
}

/** Makes the holder hold more. */
export const grow = (holder: Child, bytes: number): void => void holder.stdin?.write(`${bytes}\n`);

/** A process of which only the name matters. */
export const identityOf = (pid: number, over: Partial<ProcessIdentity> = {}): ProcessIdentity =>
  ({
    pid,
    startTicks: 1_000 + pid,
    process_key: `boot-${pid}-${1_000 + pid}`,
    process_started_at: 1_790_000_000_000,
    service: `service-${pid}`,
    comm: `comm-${pid}`,
    ...over,
  }) as ProcessIdentity;

export async function killed(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

export interface Host {
  readonly delivered: string;
  readonly blackBox: string;
  readonly rings: string;
  startCollector(settings?: Readonly<Record<string, string>>): Child & { log(): string };
  /** Whether some looks at this process lie on the disk. */
  hasKept(child: Child): boolean;
  /** Rows delivered so far. */
  rows(kind?: SampleKind): readonly Readonly<Record<string, Value>>[];
}

/** Folders of one host's collector, which deliver, spool and keep as on AWS, in a hundredth of the time. */
export function newHost(): Host {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  const [delivered = "", blackBox = "", rings = ""] = ["bucket", "black-box", "rings"].map((name) => join(folder, name));
  const usual = {
    TIDEMARK_DELIVERY_FOLDER: delivered,
    TIDEMARK_SPOOL_FOLDER: join(folder, "spool"),
    TIDEMARK_BLACK_BOX_FOLDER: blackBox,
    TIDEMARK_RING_FOLDER: rings,
    TIDEMARK_RSS_BYTES_MIN: String(LARGE_BYTES),
    TIDEMARK_WALKER: walkerPath(),
    TIDEMARK_IMDS: "off",
    TIDEMARK_TICK_MS: "100",
    TIDEMARK_ROW_MS: "300",
    TIDEMARK_FLUSH_MS: "300",
  };
  return {
    delivered,
    blackBox,
    rings,
    startCollector(settings = {}) {
      const child = start(process.execPath, [entry], { ...usual, ...settings });
      let log = "";
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        log += text;
      });
      return Object.assign(child, { log: () => log });
    },
    hasKept: ({ pid }) => {
      let count = 0;
      for (const name of globSync("*.box", { cwd: blackBox })) {
        visitBlocks(readFileSync(join(blackBox, name)), {
          looks(looks) {
            for (let place = 0; place < looks.count; place++) if (looks.pidAt(place) === pid) count++;
          },
        });
      }
      return count >= LOOKS_MIN;
    },
    rows: (kind = "detail") =>
      globSync("raw/*/*/*.ndjson.gz", { cwd: delivered }).flatMap((object) => {
        const text = gunzipSync(readFileSync(join(delivered, object))).toString();
        return text
          .split("\n")
          .slice(0, -1)
          .flatMap((line) => rowsIn(line, kind));
      }),
  };
}

function rowsIn(line: string, kind: SampleKind): readonly Readonly<Record<string, Value>>[] {
  const { tables, rejects } = decodeBatch(line, Date.now());
  if (rejects.length > 0) throw new Error(JSON.stringify(rejects));
  const { rowCount = 0, columns = {} } = tables[kind] ?? {};
  return Array.from({ length: rowCount }, (_, row) =>
    Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[row] ?? null])),
  );
}

/** Asks again until it is true. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (isTrue()) return;
    await sleep(50);
  }
  throw new Error(`not within 15 s: ${what}`);
}
