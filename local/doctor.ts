// tidemark doctor: what the collector can and cannot see on this host, and why, with the settings it would run with.
// Facts are gathered by doctor/gather-*.ts and judged by doctor/judge-*.ts.

import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { styleText } from "node:util";
import { resolveConfig } from "../collector/config.ts";
import { CONFIG_PATH_PACKAGED } from "../collector/config-file.ts";
import { startWalker } from "../collector/heap/walker.ts";
import { settingNames } from "../collector/settings.ts";
import type { Facts } from "./doctor/facts.ts";
import { gatherDestination, gatherInstance } from "./doctor/gather-destination.ts";
import { gatherKernel } from "./doctor/gather-kernel.ts";
import { gatherPlaces, gatherWalker } from "./doctor/gather-places.ts";
import { gatherProcesses } from "./doctor/gather-processes.ts";
import { gatherRunning } from "./doctor/gather-running.ts";
import { canMeasure, judge } from "./doctor/judge.ts";
import { doctorText, type Screen } from "./doctor/screen.ts";
import { jsonText } from "./json-text.ts";
import { shimPath } from "./shim-path.ts";

export interface DoctorOptions {
  /** Null: the host package's, where it is there. */
  readonly configPath: string | null;
  readonly json: boolean;
}

export async function doctor({ configPath, json }: DoctorOptions): Promise<number> {
  const checks = judge(await gather(configPath ?? (existsSync(CONFIG_PATH_PACKAGED) ? CONFIG_PATH_PACKAGED : null)));
  const isWell = canMeasure(checks);
  process.stdout.write(json ? `${jsonText({ can_measure: isWell, checks })}\n` : `${doctorText(checks, terminal)}\n`);
  return isWell ? 0 : 1;
}

const colours = { ok: "green", warn: "yellow", fail: "red", verdict: "bold" } as const;
/** styleText hears NO_COLOR, and leaves text for pipes as it is. */
const terminal: Screen = {
  hostName: hostname(),
  paint: (as, text) => styleText(colours[as], text, { stream: process.stdout }),
};

async function gather(filePath: string | null): Promise<Facts> {
  const { config, values, sources, problems, warnings } = resolveConfig({ flags: new Map(), env: process.env, filePath });
  const hasDestination = values.TIDEMARK_FIREHOSE_STREAM !== null || values.TIDEMARK_DELIVERY_FOLDER !== null;
  const walker = startWalker(config.walkerPath);
  try {
    const [processes, destination, instance] = await Promise.all([
      gatherProcesses(walker, config.rssBytesMin),
      gatherDestination(config, hasDestination, process.env),
      gatherInstance(config),
    ]);
    return {
      settings: {
        filePath,
        // That none is set is said where destinations are.
        problems: hasDestination ? problems : problems.filter((problem) => !problem.includes("says where records go")),
        warnings,
        changed: settingNames.filter((name) => (sources.get(name)?.kind ?? "default") !== "default"),
      },
      kernel: gatherKernel(Date.now()),
      processes,
      walker: gatherWalker(config.walkerPath),
      places: gatherPlaces(config),
      running: gatherRunning(config.spoolFolder),
      destination,
      instance,
      shimPath: shimPath(),
    };
  } finally {
    walker.close();
  }
}
