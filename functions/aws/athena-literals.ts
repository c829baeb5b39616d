// Named parameters as Athena's ExecutionParameters: SQL literals, one for each `?`, in the order of the query's header.
// Source: Athena user guide, "Use parameterized queries": texts need their quotes, numbers have none.
import type { QueryParameters } from "../edges.ts";

export interface QueryParameter {
  readonly name: string;
  readonly type: "timestamp" | "bigint" | "double" | "varchar";
  /** Text of the default; null where the caller must say. */
  readonly defaultText: string | null;
}

/** A query as its file in queries/ has it. */
export interface QueryText {
  readonly name: string;
  readonly sql: string;
  /** In order of their `?`. */
  readonly parameters: readonly QueryParameter[];
}

/** Athena's limit for one execution parameter (StartQueryExecution, ExecutionParameters). */
const LITERAL_LENGTH_MAX = 1_024;

/** Throws on a parameter that is missing, of another type, or longer than Athena takes. */
export function executionParameters(query: QueryText, given: QueryParameters): readonly string[] {
  return query.parameters.map((parameter) => {
    const value = given[parameter.name] ?? parameter.defaultText;
    if (value === null) throw new Error(`query ${query.name} needs the parameter ${parameter.name} (${parameter.type})`);
    const literal = literalOf(query, parameter, value);
    if (literal.length > LITERAL_LENGTH_MAX) {
      throw new Error(
        `parameter ${parameter.name} of ${query.name} has ${literal.length} characters, the limit is ${LITERAL_LENGTH_MAX}`,
      );
    }
    return literal;
  });
}

function literalOf(query: QueryText, { name, type }: QueryParameter, value: string | number): string {
  if (type === "varchar") return quoted(String(value));
  // The queries say CAST(? AS timestamp); Trino reads this form as a time without a zone, and ours are all UTC.
  if (type === "timestamp") {
    return quoted(typeof value === "number" ? new Date(value).toISOString().replace("T", " ").replace("Z", "") : value);
  }
  const number = value === "" ? Number.NaN : Number(value);
  if (!Number.isFinite(number) || (type === "bigint" && !Number.isSafeInteger(number))) {
    throw new Error(`parameter ${name} of ${query.name} is ${JSON.stringify(value)}: expected a ${type}`);
  }
  return String(number);
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
