// How many bytes of the lake a question can scan at most: the files of the tables and days that it names.
// Athena reads only the columns that are asked for, so the truth is less.
import { paginateListObjectsV2, type S3Client } from "@aws-sdk/client-s3";
import { baseViews } from "../../queries/base-views.ts";
import type { TableName } from "../../schema/columns.ts";
import { LAKE_PREFIX } from "../../schema/keys.ts";
import type { Question } from "./asker.ts";

export interface Estimate {
  readonly bytesMax: number;
  readonly fileCount: number;
  readonly days: number;
}

/** Null: every day that there is. */
interface Reach {
  readonly tables: readonly TableName[];
  readonly days: { readonly first: string; readonly last: string } | null;
}

export async function estimateScan(client: S3Client, bucket: string, question: Question): Promise<Estimate> {
  const { tables, days } = reachOf(question);
  let bytesMax = 0;
  let fileCount = 0;
  const seen = new Set<string>();
  for (const table of tables) {
    const prefix = `${LAKE_PREFIX}${table}/dt=`;
    // Keys are listed in order, so listing can begin at the first day and end behind the last one.
    const from = days === null ? {} : { StartAfter: `${prefix}${days.first}` };
    listing: for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix, ...from })) {
      for (const { Key = "", Size = 0 } of page.Contents ?? []) {
        const day = Key.slice(prefix.length, prefix.length + "2026-11-23".length);
        if (days !== null && day > days.last) break listing;
        seen.add(day);
        bytesMax += Size;
        fileCount++;
      }
    }
  }
  return { bytesMax, fileCount, days: seen.size };
}

/** Which tables a text reads, through their views too, and which days: those of a named query's parameters, else every one. */
export function reachOf(question: Question): Reach {
  const sql = question.kind === "named" ? question.query.sql : question.sql;
  const words = new Set(sql.replace(/--.*$/gm, "").match(/\w+/g) ?? []);
  const tables = (Object.keys(baseViews) as TableName[]).filter((table) => words.has(table) || words.has(baseViews[table]));
  if (words.has("service_hours") && !tables.includes("process_hour")) tables.push("process_hour");
  if (question.kind === "statement") return { tables, days: null };
  const { dt_first: first, dt_last: last } = question.parameters;
  return { tables, days: typeof first === "string" && typeof last === "string" ? { first, last } : null };
}
