// What was not converted, as NDJSON: one line a reason, so that nothing is dropped silently.
// Where the lines are kept is left to the handler, and why they arose to those who reject.
import { REJECTS_PER_LINE_MAX, type Reject } from "../../schema/decode.ts";
import type { Refusal } from "./convert-message.ts";
import type { Damage } from "./gzip-members.ts";

/** A collector gone wrong rejects every value it sends; the first thousands tell as much as all of them. */
export const REJECT_LINES_MAX = 10_000;

/** One line of `rejects/`. Names follow the lake's spelling, because people read them with SQL. */
export interface RejectLine {
  readonly object_key: string | null;
  readonly member: number | null;
  readonly line: number | null;
  readonly kind: string | null;
  readonly row: number | null;
  readonly field: string | null;
  readonly value: string;
  readonly limit: string;
  readonly reason: Reject["reason"] | Damage["reason"] | Refusal["reason"] | "more_rejects";
}

/** Collects up to REJECT_LINES_MAX lines and counts the rest. */
export interface RejectList {
  readonly lines: RejectLine[];
  /** All reasons, also those without a line. */
  count: number;
}

export const emptyRejects = (): RejectList => ({ lines: [], count: 0 });

export function addReject(rejects: RejectList, line: RejectLine): void {
  rejects.count++;
  if (rejects.lines.length < REJECT_LINES_MAX) rejects.lines.push(line);
}

export const refusalLine = ({ reason, key, value, limit }: Refusal): RejectLine => ({
  ...nowhere(key),
  value,
  limit,
  reason,
});

/** NDJSON; a last line says how many reasons the limits kept out. */
export function encodeRejects({ lines, count }: RejectList): Buffer {
  const missing = count - lines.length;
  const more: RejectLine[] =
    missing === 0
      ? []
      : [
          {
            ...nowhere(lines[0]?.object_key ?? null),
            value: `${missing} more`,
            limit: `${REJECTS_PER_LINE_MAX} reasons a line, ${REJECT_LINES_MAX} an object`,
            reason: "more_rejects",
          },
        ];
  return Buffer.from([...lines, ...more].map((line) => `${JSON.stringify(line)}\n`).join(""));
}

const nowhere = (key: string | null) => ({ object_key: key, member: null, line: null, kind: null, row: null, field: null });
