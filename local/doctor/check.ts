// One thing that the doctor looked at: how it stands, what that is good for, and what to do about it. Pure.
// Which things these are is judge-*.ts's; how they look on a screen is screen.ts's.

export type Level = "ok" | "warn" | "fail";

export interface Check {
  readonly level: Level;
  /** One or two words: "rights", "spool". */
  readonly what: string;
  /** What was found, in plain words. */
  readonly found: string;
  /** Why it matters; null where `found` says it. */
  readonly why: string | null;
  /** What to do; null when nothing has to be done. */
  readonly todo: string | null;
}

export const good = (what: string, found: string): Check => ({ level: "ok", what, found, why: null, todo: null });

/** Something is missing in what is seen; everything else is measured. */
export const warn = (what: string, found: string, why: string, todo: string): Check => ({
  level: "warn",
  what,
  found,
  why,
  todo,
});

/** The host is not measured, or nothing arrives. */
export const fail = (what: string, found: string, why: string, todo: string): Check => ({
  level: "fail",
  what,
  found,
  why,
  todo,
});
