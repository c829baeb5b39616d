// Trouble is told once when it begins, again when it is of another kind, and once when it is over.
// What the trouble is and where it is written is the caller's.

export interface Trouble {
  /** `kind` tells one trouble from the next; null when all is well. */
  note(kind: string | null, fields?: object): void;
}

export type Log = (message: string, fields?: object) => void;

/** `what` is the thing in trouble, as a person would name it: "delivery", "spool". */
export function createTrouble(what: string, nowMs: () => number, log: Log): Trouble {
  let told: string | null = null;
  let sinceMs = 0;
  return {
    note(kind, fields) {
      if (kind === told) return;
      if (kind === null) log(`${what} is well again`, { after_s: Math.round((nowMs() - sinceMs) / 1_000) });
      else log(`${what} is in trouble`, { kind, ...fields });
      if (told === null) sinceMs = nowMs();
      told = kind;
    },
  };
}
