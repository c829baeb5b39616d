// Keeps in mind what was asked of an engine, so that a page can name the queries behind its numbers.
// How they are shown is core/report/query-links.ts's.
import type { QueryLink } from "../core/report/query-links.ts";
import type { QueryEngine } from "../edges.ts";

export interface RecordedQueries {
  readonly queries: Pick<QueryEngine, "run">;
  /** In the order in which they were asked; of the same name and parameters once. */
  asked(): readonly QueryLink[];
}

/** What the named queries take; engines let other parameters pass, a person who asks again may not give them. */
export type Catalogue = ReadonlyMap<string, { readonly parameters: readonly { readonly name: string }[] }>;

export function recordedQueries(engine: Pick<QueryEngine, "run">, catalogue: Catalogue | null = null): RecordedQueries {
  const asked = new Map<string, QueryLink>();
  return {
    queries: {
      run(name, parameters) {
        const taken = catalogue?.get(name)?.parameters.map((parameter) => parameter.name);
        const given = Object.fromEntries(
          Object.entries(parameters).filter(([parameter]) => taken === undefined || taken.includes(parameter)),
        );
        asked.set(JSON.stringify([name, given]), { name, parameters: given });
        return engine.run(name, parameters);
      },
    },
    asked: () => [...asked.values()],
  };
}
