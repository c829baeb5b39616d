// Arguments of the `tidemark` command that several verbs take.
// Which verb takes what is cli.ts's and host-verbs.ts's.
import { InvalidArgumentError } from "commander";

/** `90s`, `15m`, `1h`, `7d` as milliseconds. */
export function duration(text: string): number {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const ms = Number(amount) * ({ s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ""] ?? Number.NaN);
  if (!Number.isSafeInteger(ms) || ms === 0) throw new InvalidArgumentError("Write it like 30s, 15m, 1h or 7d.");
  return ms;
}

export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError("It must be a whole number from 1 on.");
  return number;
}

/** A name that becomes a file's must not lead elsewhere. */
export function fileName(text: string): string {
  if (!/^[\w.-]+$/.test(text) || text.startsWith(".")) throw new InvalidArgumentError("Letters, digits, _, - and . only.");
  return text;
}
