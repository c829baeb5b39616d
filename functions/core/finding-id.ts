// The stable name of a finding: a hash of whom it concerns and why, so that every run calls the same thing the same.
// Which parts make two findings the same one is said by those who make them.
import { createHash } from "node:crypto";

/** 64 bits of SHA-256: no two findings of one fleet will share it. */
const LENGTH = 16;

export const findingId = (...parts: readonly (string | null)[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, LENGTH);
