// What a named query is, and reading one from its text: the header is its contract.
// Which queries there are is catalogue.ts's.

export type ParameterType = "timestamp" | "bigint" | "double" | "varchar";

export interface Parameter {
  readonly name: string;
  readonly type: ParameterType;
  /** Text of the default; null where the caller must say. */
  readonly defaultText: string | null;
}

export interface NamedQuery {
  readonly name: string;
  readonly summary: string;
  readonly why: string;
  readonly grain: string;
  /** In order of their `?`. */
  readonly parameters: readonly Parameter[];
  readonly result: string;
  /** Text for the engine, header included. */
  readonly sql: string;
}

/** Header form: `-- name: summary`, then why, grain, params, result; further lines of a part are indented. */
export function parseQuery(name: string, sql: string): NamedQuery {
  const parts = new Map<string, string>();
  let part = "";
  for (const line of sql.split("\n")) {
    const comment = /^-- ?(.*)$/.exec(line)?.[1];
    if (comment === undefined) break;
    const start = /^([a-z_]+): +(.*)$/.exec(comment);
    if (start === null) parts.set(part, `${parts.get(part) ?? ""} ${comment.trim()}`);
    else {
      part = start[1] ?? "";
      parts.set(part, start[2] ?? "");
    }
  }
  const text = (key: string): string => {
    const value = parts.get(key);
    if (value === undefined) throw new Error(`${name}.sql: header has no line "-- ${key}: ..."`);
    return value;
  };
  return {
    name,
    summary: text(name),
    why: text("why"),
    grain: text("grain"),
    parameters: parseParameters(name, text("params")),
    result: text("result"),
    sql,
  };
}

function parseParameters(query: string, text: string): readonly Parameter[] {
  if (text === "none") return [];
  return text.split(", ").map((entry, index) => {
    const match = /^(\d+) ([a-z_]+) (timestamp|bigint|double|varchar)(?: = (\S+))?$/.exec(entry);
    if (match === null || Number(match[1]) !== index + 1) {
      throw new Error(
        `${query}.sql: parameter ${index + 1} is "${entry}", expected "${index + 1} name type" with an optional " = default"`,
      );
    }
    return { name: match[2] ?? "", type: match[3] as ParameterType, defaultText: match[4] ?? null };
  });
}
