// Time, CPU and peak memory of one step of this process. What the step does is its own.
import { readFileSync, writeFileSync } from "node:fs";

export interface Step {
  readonly name: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  /** What the step says of its result. */
  readonly result: string;
}

export async function measured(name: string, work: () => Promise<string>): Promise<Step> {
  // 5 sets the peak back to what is resident now. Source: man 5 proc_pid_clear_refs.
  writeFileSync("/proc/self/clear_refs", "5");
  const [startedMs, before] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return {
    name,
    seconds: (performance.now() - startedMs) / 1_000,
    cpuSeconds: (user + system) / 1e6,
    peakBytes: Number(peak) * 1_024,
    result,
  };
}
