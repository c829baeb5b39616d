// tidemark whatif as a program: run with arguments in a folder of its own, and its answer read.
// Which processes of a command run is asked of /proc.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const cli = join(import.meta.dirname, "../../local/cli.ts");
export const newFolder = (): string => mkdtempSync(join(tmpdir(), "tidemark-whatif-test-"));
export const whatif = (args: readonly string[], cwd = newFolder()) =>
  spawnSync(process.execPath, [cli, "whatif", ...args], { cwd, encoding: "utf8", timeout: 120_000 });

interface Figure {
  readonly median: number;
}

interface Row {
  readonly id: string;
  readonly peak_rss_bytes: Figure | null;
  readonly live_bytes: Figure | null;
  readonly cpu_s: Figure | null;
  readonly time_s: Figure | null;
  readonly saved_bytes: number | null;
  readonly saved_is_noise: boolean | null;
  readonly expected_saved_bytes: number | null;
  readonly exit: string;
  readonly run_count: number;
}

export const answerOf = (stdout: string): { readonly best: string | null; readonly settings: readonly Row[] } =>
  JSON.parse(stdout);

/** Pids whose command line is this. */
export function running(command: string): readonly number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").join(" ").trim() === command ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}
