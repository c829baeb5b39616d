// Gathers what invariants.ts judges: rows as the base views show them, lines of rejects/, and where each row lay in raw objects.
// It only reads; what is damaged, and when, is the tests'.
import { openLake } from "../../local/duckdb.ts";
import { baseViews } from "../../queries/base-views.ts";
import { sampleKinds } from "../../schema/columns.ts";
import { REJECTS_PREFIX } from "../../schema/keys.ts";
import type { S3 } from "../aws/s3.ts";
import { judgeRows, type RawPlace, type Rejected, type RowVerdict } from "./invariants.ts";
import { membersOf, type RowId, rowId, rowsIn } from "./rows.ts";

/** Rows of every kind by the views that people ask, and the number of rows in the files. */
export async function seenRows(
  folder: string,
): Promise<{ readonly seen: ReadonlyMap<RowId, number>; readonly storedCount: number }> {
  const lake = await openLake(folder);
  try {
    const timesIn = async (name: (kind: (typeof sampleKinds)[number]) => string) => {
      const union = sampleKinds.map((kind) => `SELECT host_id, boot_id, sequence FROM ${name(kind)}`).join(" UNION ALL ");
      const { rows } = await lake.query(
        `SELECT host_id, boot_id, sequence, count(*) FROM (${union}) GROUP BY host_id, boot_id, sequence`,
      );
      return new Map(rows.map(([host, boot, sequence, times]) => [rowId(`${host}`, `${boot}`, `${sequence}`), Number(times)]));
    };
    const seen = await timesIn((kind) => baseViews[kind]);
    const stored = await timesIn((kind) => kind);
    // Rows that came between the two questions are left to the next look.
    return { seen, storedCount: [...seen.keys()].reduce((sum, id) => sum + (stored.get(id) ?? 0), 0) };
  } finally {
    lake.close();
  }
}

export const rejectsIn = (s3: S3, bucket: string): readonly Rejected[] =>
  s3.keys(bucket, REJECTS_PREFIX).flatMap((key) =>
    String(s3.get(bucket, key) ?? "")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Rejected),
  );

/** Raw objects as they were written first, member by member; null for a member that holds no rows of ours. */
export interface Originals {
  readonly members: ReadonlyMap<string, readonly (Uint8Array | null)[]>;
  /** What is not just undamaged members: said before it is put. The rows that are in it. */
  declare(key: string, members: readonly (Uint8Array | null)[]): readonly RowId[];
  /** Rows that have reached the raw bucket. */
  readonly arrived: ReadonlySet<RowId>;
  /** The highest sequence among them. */
  newest(): number;
  placesOf(id: RowId): readonly RawPlace[];
}

export function watchOriginals(s3: S3, bucket: string): Originals {
  const members = new Map<string, readonly (Uint8Array | null)[]>();
  const arrived = new Set<RowId>();
  const places = new Map<RowId, RawPlace[]>();
  let newest = 0;
  function declare(key: string, given: readonly (Uint8Array | null)[]): readonly RowId[] {
    members.set(key, given);
    const ids: RowId[] = [];
    for (const [member, bytes] of given.entries()) {
      for (const { id, sequence, ...where } of bytes === null ? [] : rowsIn(bytes)) {
        ids.push(id);
        arrived.add(id);
        newest = Math.max(newest, sequence);
        places.set(id, [...(places.get(id) ?? []), { key, member, ...where }]);
      }
    }
    return ids;
  }
  s3.onCreated((created, key) => {
    if (created === bucket && !members.has(key)) declare(key, membersOf(s3.get(bucket, key) ?? Buffer.alloc(0)));
  });
  return { members, declare, arrived, newest: () => newest, placesOf: (id) => places.get(id) ?? [] };
}

export interface Scene {
  readonly s3: S3;
  readonly lakeBucket: string;
  readonly originals: Originals;
}

export async function judgeScene({ s3, lakeBucket, originals }: Scene, promised: Iterable<RowId>): Promise<RowVerdict> {
  const { seen, storedCount } = await seenRows(s3.folderOf(lakeBucket));
  return judgeRows({ promised, seen, storedCount, placesOf: originals.placesOf, rejects: rejectsIn(s3, lakeBucket) });
}
