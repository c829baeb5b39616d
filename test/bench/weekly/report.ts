// The weekly report of a fleet: seconds in DuckDB, bytes that its queries read, peak memory, size of the page.
// A hundred hosts are replayed to as many as are asked for, once, under ~/.cache/tidemark: minutes and gigabytes.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, renameSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { multiplyLake } from "../../../local/replay/multiply-lake.ts";
import { readCatalogue } from "../../../queries/catalogue.ts";
import { alone, type BenchRow, lacking } from "../row.ts";
import { END_MS, putFindings, SOURCE_HOSTS, sourceLake } from "./source-lake.ts";

/** Hosts to make, 10,000 for the table in docs/benchmarks.md; without it the part is left out. */
const HOSTS = Number(process.env["TIDEMARK_BENCH_WEEKLY_HOSTS"] ?? 0);
const CACHE = join(homedir(), ".cache", "tidemark");
const PAGE_KB_MAX = 1_000;

export async function benchWeekly(): Promise<BenchRow[]> {
  if (HOSTS === 0) return [lacking("weekly report of a fleet", "s", "it is asked for with TIDEMARK_BENCH_WEEKLY_HOSTS=10000")];
  const folder = join(CACHE, `bench-weekly-${HOSTS}`);
  if (!existsSync(folder)) await makeFleet(folder);
  const child = join(import.meta.dirname, "report-child.ts");
  const line = execFileSync(process.execPath, [child, folder, join(folder, "weekly.html")], { encoding: "utf8" });
  const result = JSON.parse(line) as {
    readonly seconds: number;
    readonly secondsOf: Readonly<Record<string, number>>;
    readonly pageBytes: number;
    readonly textBytes: number;
    readonly rssBytes: number;
  };
  const stored = globSync(join(folder, "lake/**/*.parquet")).reduce((sum, file) => sum + statSync(file).size, 0);
  const name = `weekly report, ${HOSTS.toLocaleString("en-US")} hosts`;
  return [
    alone(`${name}: lake`, "MB", stored / 1e6),
    alone(`${name}: read of it by its queries`, "MB", (await readBytes(folder)) / 1e6),
    alone(`${name}: page and message, DuckDB, all cores`, "s", result.seconds),
    ...Object.entries(result.secondsOf).map(([query, seconds]) => alone(`${name}: of that ${query}`, "s", seconds)),
    alone(`${name}: peak resident memory`, "MB", result.rssBytes / 1e6),
    alone(`${name}: page`, "KB", result.pageBytes / 1e3, PAGE_KB_MAX),
    alone(`${name}: mail`, "KB", result.textBytes / 1e3),
  ];
}

/** Each folder is whole once it has its name; two runs at once make theirs apart, and the second fails to name its own. */
async function makeFleet(folder: string): Promise<void> {
  const source = join(CACHE, "bench-weekly-source");
  if (!existsSync(source)) cpSync(await sourceLake(), source, { recursive: true });
  const unfinished = `${folder}.${process.pid}.part`;
  const progress = (done: number, all: number) =>
    void (done % 24 === 0 && process.stderr.write(`bench: ${done} of ${all} hours replayed\n`));
  await multiplyLake({ source, folder: unfinished, copies: Math.ceil(HOSTS / SOURCE_HOSTS), endMs: END_MS, progress });
  putFindings(unfinished);
  renameSync(unfinished, folder);
}

/** View, the files behind it, and the first day that the report reads of them. */
const reads: readonly (readonly [query: string, table: string, hours: number])[] = [
  ["weekly_fleet", "process_hour", 14 * 24],
  ["weekly_services", "process_hour", 14 * 24],
  ["weekly_worst_processes", "process", 1],
  ["weekly_unmeasured", "process", 1],
  ["hosts_silent", "host", 24],
  ["collector_losses", "collector", 24],
];

/** Compressed bytes of the columns that each query names, of the hours that it reads: what Athena bills. */
async function readBytes(folder: string): Promise<number> {
  const instance = await DuckDBInstance.create(":memory:");
  const duckdb = await instance.connect();
  const catalogue = readCatalogue();
  let bytes = 0;
  for (const [query, table, hours] of reads) {
    const words = new Set((catalogue.get(query)?.sql ?? "").match(/\b[a-z_]+\b/g));
    // What the base view needs to tell deliveries apart is read as well.
    for (const name of ["host_id", "process_key", "boot_id", "sequence", "hour", "sampled_at"]) words.add(name);
    const files = globSync(join(folder, "lake", table, "*/*/*.parquet"))
      .sort()
      .slice(-hours);
    if (files.length === 0) continue;
    const list = files.map((file) => `'${file}'`).join(", ");
    const names = [...words].map((word) => `'${word}'`).join(", ");
    const answer = await duckdb.runAndReadAll(
      `SELECT sum(total_compressed_size) FROM parquet_metadata([${list}]) WHERE split_part(path_in_schema, ',', 1) IN (${names})`,
    );
    bytes += Number(answer.getRows()[0]?.[0] ?? 0);
  }
  duckdb.closeSync();
  instance.closeSync();
  return bytes;
}
