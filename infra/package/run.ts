// Runs a tool that packaging needs, and says which one is missing or what it said when it failed.
// What the tools are is their callers'.
import { spawnSync } from "node:child_process";

export interface RunOptions {
  readonly cwd: string;
  /** What to install, when the tool is not there. */
  readonly needs: string;
}

export function run(command: string, args: readonly string[], { cwd, needs }: RunOptions): string {
  const { error, status, signal, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT")
    throw new Error(`this machine has no ${command}: install ${needs}`);
  if (error !== undefined) throw error;
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")} ended with ${status ?? signal}: ${stderr.trim().slice(-800)}`);
  return stdout;
}
