// Which thresholds there are: the numeric parameters of the queries that have a default.
// Their values are given by the deployment, the alert settings and the command line.

interface ParameterText {
  readonly name: string;
  readonly type: "timestamp" | "bigint" | "double" | "varchar";
  readonly defaultText: string | null;
}

/** A name that several queries have is one threshold, set in all of them. */
export const thresholdNames = (queries: Iterable<{ readonly parameters: readonly ParameterText[] }>): ReadonlySet<string> =>
  new Set(
    Array.from(queries).flatMap(({ parameters }) =>
      parameters
        .filter(({ type, defaultText }) => defaultText !== null && (type === "bigint" || type === "double"))
        .map(({ name }) => name),
    ),
  );
