// The lake as the scheduled handlers need it: its queries on Athena and its objects in S3.
// The query texts are handed in by the entries, which are the wiring; nothing else here knows where they lie.
import { setTimeout as sleep } from "node:timers/promises";
import { AthenaClient } from "@aws-sdk/client-athena";
import { S3Client } from "@aws-sdk/client-s3";
import type { Thresholds } from "../ask/detection.ts";
import { thresholdNames } from "../core/threshold-names.ts";
import type { ObjectStore, QueryEngine } from "../edges.ts";
import { athenaEngine } from "./athena-engine.ts";
import type { QueryText } from "./athena-literals.ts";
import type { LakeSettings } from "./config.ts";
import type { Invocation } from "./middleware.ts";
import { s3Store } from "./s3-store.ts";
import { countQuery, type Telemetry } from "./telemetry.ts";
import { tracedClient } from "./tracing.ts";

export interface LakeEdge {
  readonly queries: QueryEngine;
  readonly lake: ObjectStore;
}

export function lakeEdge(
  settings: LakeSettings,
  queries: ReadonlyMap<string, QueryText>,
  telemetry: Telemetry,
  invocation: Invocation,
): LakeEdge {
  return {
    lake: s3Store(tracedClient(S3Client), settings.TIDEMARK_LAKE_BUCKET),
    queries: athenaEngine({
      client: tracedClient(AthenaClient),
      queries,
      workgroup: settings.TIDEMARK_WORKGROUP,
      database: settings.TIDEMARK_DATABASE,
      lakeBucket: settings.TIDEMARK_LAKE_BUCKET,
      remainingMs: invocation.remainingMs,
      onOutcome: (outcome) => countQuery(telemetry, outcome),
      sleep: async (ms) => sleep(ms),
    }),
  };
}

/** A threshold that no query has would be ignored without a word; the names are checked once, at cold start. */
export function checkedThresholds(thresholds: Thresholds, queries: ReadonlyMap<string, QueryText>): Thresholds {
  const known = thresholdNames(queries.values());
  const unknown = Object.keys(thresholds).filter((name) => !known.has(name));
  if (unknown.length === 0) return thresholds;
  throw new Error(`TIDEMARK_THRESHOLDS names ${unknown.join(", ")}; the queries know ${[...known].sort().join(", ")}`);
}
