// What SQL sees: the Glue database, a table for each table of the schema, and the views that people ask.
// Types, partitions and view text are derived in parts/lake-tables.ts; nothing is written down twice.
import { Aws } from "aws-cdk-lib";
import { CfnDatabase, CfnTable } from "aws-cdk-lib/aws-glue";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { baseViews, type View, views } from "../../queries/base-views.ts";
import type { TableName } from "../../schema/columns.ts";
import type { Options } from "../options.ts";
import * as lakeTables from "../parts/lake-tables.ts";

export class Catalogue extends Construct {
  readonly databaseName: string;
  /** Tables and views by name, for the roles of those who ask. */
  readonly names: readonly string[];

  constructor(scope: Construct, id: string, { options, lake }: { readonly options: Options; readonly lake: IBucket }) {
    super(scope, id);
    // Athena takes no hyphen in a name without quotes.
    this.databaseName = options.name.replaceAll("-", "_");
    this.names = [...lakeTables.tableNames, ...views().map(({ name }) => name)];
    const database = new CfnDatabase(this, "Database", {
      catalogId: Aws.ACCOUNT_ID,
      databaseInput: { name: this.databaseName, description: "Tidemark: heaps of a fleet" },
    });
    for (const table of lakeTables.tableNames) {
      const physical = this.#createTable(table, lake.bucketName, options.lake.firstDate);
      physical.addResourceDependency(database);
    }
    for (const view of views()) this.#createView(view).addResourceDependency(database);
  }

  #createTable(table: TableName, lakeBucket: string, firstDate: string): CfnTable {
    return new CfnTable(this, `Table-${table}`, {
      catalogId: Aws.ACCOUNT_ID,
      databaseName: this.databaseName,
      tableInput: {
        name: table,
        description: `Rows as delivered, duplicates included: ask ${baseViews[table]} instead.`,
        tableType: "EXTERNAL_TABLE",
        parameters: lakeTables.projection(lakeBucket, table, firstDate),
        partitionKeys: [...lakeTables.gluePartitionKeys()],
        storageDescriptor: {
          columns: [...lakeTables.glueColumns(table)],
          location: lakeTables.tableLocation(lakeBucket, table),
          inputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
          outputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
          serdeInfo: { serializationLibrary: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe" },
        },
      },
    });
  }

  #createView(view: View): CfnTable {
    return new CfnTable(this, `View-${view.name}`, {
      catalogId: Aws.ACCOUNT_ID,
      databaseName: this.databaseName,
      tableInput: {
        name: view.name,
        description: view.about,
        tableType: "VIRTUAL_VIEW",
        parameters: { presto_view: "true", comment: "Presto View" },
        viewOriginalText: lakeTables.viewText(view, this.databaseName),
        viewExpandedText: "/* Presto View */",
        storageDescriptor: { columns: [...lakeTables.glueViewColumns(view)], location: "", serdeInfo: {} },
      },
    });
  }
}
