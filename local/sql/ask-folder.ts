// A folder's lake behind the questions of `tidemark sql`.
// The engine is duckdb.ts's.
import { openLake } from "../duckdb.ts";
import { newestSampleMs, oldestSampleMs } from "../lake-times.ts";
import type { Asker } from "./asker.ts";

export async function askFolder(folder: string): Promise<Asker> {
  const lake = await openLake(folder);
  return {
    answer: (question) =>
      question.kind === "statement" ? lake.query(question.sql) : lake.ask(question.query.name, question.parameters),
    explain: (question) =>
      question.kind === "statement" ? lake.explain(question.sql) : lake.explain(question.query.sql, question),
    async usualWindow(query) {
      if (/FROM (process|service)_hours/.test(query.sql) && (await isEmpty("process_hours"))) {
        throw new Error("the lake has no rolled-up hours yet, which this query reads: run tidemark report first");
      }
      return { startMs: await oldestSampleMs(lake), endMs: (await newestSampleMs(lake)) + 1 };
    },
    closingLine: () => null,
    close: () => lake.close(),
  };

  async function isEmpty(view: string): Promise<boolean> {
    return (await lake.query(`SELECT 1 FROM ${view} LIMIT 1`)).rows.length === 0;
  }
}
