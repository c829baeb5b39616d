// All targets, and how long each takes of a bounded run: those that draw pages or write files need more for as many inputs.
import type { FuzzTarget } from "./target.ts";
import { blackBox } from "./targets/black-box.ts";
import { config } from "./targets/config.ts";
import { proc } from "./targets/proc.ts";
import { perfData, rings } from "./targets/rings.ts";
import { messages, pages, terminal } from "./targets/shown.ts";
import { sql } from "./targets/sql.ts";
import { wire } from "./targets/wire.ts";

export const targets: readonly FuzzTarget[] = [proc, rings, perfData, blackBox, wire, config, sql, pages, messages, terminal];

/** Of the time of a bounded run; they add up to 1. */
export const shares: Readonly<Record<string, number>> = {
  proc: 0.15,
  rings: 0.05,
  "perf-data": 0.1,
  "black-box": 0.05,
  wire: 0.25,
  config: 0.1,
  sql: 0.05,
  pages: 0.15,
  messages: 0.05,
  terminal: 0.05,
};
