// First and last moment of which a lake has samples.
import type { Lake } from "./duckdb.ts";

export const oldestSampleMs = (lake: Lake): Promise<number> => sampleTime(lake, "min");
export const newestSampleMs = (lake: Lake): Promise<number> => sampleTime(lake, "max");

async function sampleTime(lake: Lake, extreme: "min" | "max"): Promise<number> {
  const { rows } = await lake.query(`SELECT epoch_ms(${extreme}(sampled_at)) FROM process_samples`);
  const time = rows[0]?.[0];
  if (typeof time !== "number") throw new Error("the lake has no process samples yet: wait for the first delivery");
  return time;
}
