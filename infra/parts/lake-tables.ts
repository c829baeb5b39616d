// How the lake's tables and views look to Glue and Athena, derived from schema/ and queries/: types, projection, view text.
// Pure values; the resources are stages/catalogue.ts's.
import type { View } from "../../queries/base-views.ts";
import { type Columns, type ColumnType, type TableName, tables } from "../../schema/columns.ts";
import { LAKE_PREFIX } from "../../schema/keys.ts";

export interface GlueColumn {
  readonly name: string;
  readonly type: string;
  readonly comment?: string;
}

/** Type names of the Hive catalogue, and those of Trino, which the text of a view must declare. */
const typeNames: Readonly<Record<ColumnType, { readonly glue: string; readonly trino: string }>> = {
  string: { glue: "string", trino: "varchar" },
  int64: { glue: "bigint", trino: "bigint" },
  double: { glue: "double", trino: "double" },
  timestamp: { glue: "timestamp", trino: "timestamp(3)" },
  "int64[]": { glue: "array<bigint>", trino: "array(bigint)" },
};
const partitionKeys = [
  { name: "dt", type: "string", trino: "varchar", comment: "UTC date of the row." },
  { name: "hr", type: "int", trino: "integer", comment: "UTC hour of the row." },
] as const;
/** Glue refuses longer comments. */
const COMMENT_LENGTH_MAX = 255;

export const tableNames = Object.keys(tables) as readonly TableName[];

export const glueColumns = (table: TableName): readonly GlueColumn[] => glueColumnsOf(tables[table]);

const glueColumnsOf = (columns: Columns): readonly GlueColumn[] =>
  Object.entries(columns).map(([name, { type, meaning }]) => ({
    name,
    type: typeNames[type].glue,
    comment: meaning.slice(0, COMMENT_LENGTH_MAX),
  }));

export const gluePartitionKeys = (): readonly GlueColumn[] =>
  partitionKeys.map(({ name, type, comment }) => ({ name, type, comment }));

/** Columns of a view: its own and then the partition keys, as its text selects them. */
export const glueViewColumns = (view: View): readonly GlueColumn[] => [...glueColumnsOf(view.columns), ...gluePartitionKeys()];

export const tableLocation = (lakeBucket: string, table: TableName) => `s3://${lakeBucket}/${LAKE_PREFIX}${table}/`;

/** Partitions are computed from the query's filter, not looked up: no crawler, no partition that nobody has registered yet. */
export const projection = (lakeBucket: string, table: TableName, firstDate: string): Readonly<Record<string, string>> => ({
  EXTERNAL: "TRUE",
  classification: "parquet",
  "projection.enabled": "true",
  "projection.dt.type": "date",
  "projection.dt.format": "yyyy-MM-dd",
  "projection.dt.range": `${firstDate},NOW`,
  "projection.dt.interval": "1",
  "projection.dt.interval.unit": "DAYS",
  "projection.hr.type": "integer",
  "projection.hr.range": "0,23",
  "projection.hr.digits": "2",
  "storage.location.template": `${tableLocation(lakeBucket, table)}dt=\${dt}/hr=\${hr}/`,
});

/** Text of a view as Athena itself writes it to Glue: a comment with JSON in base64. */
export function viewText(view: View, database: string): string {
  const definition = {
    originalSql: view.sql,
    catalog: "awsdatacatalog",
    schema: database,
    columns: [
      ...Object.entries(view.columns).map(([name, { type }]) => ({ name, type: typeNames[type].trino })),
      ...partitionKeys.map(({ name, trino }) => ({ name, type: trino })),
    ],
  };
  return `/* Presto View: ${Buffer.from(JSON.stringify(definition)).toString("base64")} */`;
}
