// The allocator's own heap profile, by way of the shim: asks for it as relief is asked for, and fetches what the shim holds.
// What the text says is heap-text.ts's; what the shim does is native/shim/profile.c's.
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { askForProfile } from "../../collector/heap/relief.ts";
import { assertNever, err, ok, type Result } from "../../schema/result.ts";
import type { MappedRingOf } from "../measure-once.ts";
import { refusalText } from "../relief.ts";

/** The shim looks once a second, and a dump of the largest profiles takes some seconds. */
const ANSWER_MS_MAX = 20_000;
/** A profile of 65,536 stacks of 128 frames is 150 MB. */
const TEXT_BYTES_MAX = 256 * 1_024 * 1_024;

export type ShimRefusal =
  /** Not started with what it takes; `reason` is what the shim said. */
  | { readonly kind: "off"; readonly reason: "not_allowed" | "profiling_off" | "unsupported" }
  | { readonly kind: "failed"; readonly why: string };

export async function heapTextOf(pid: number, { owner, file }: MappedRingOf): Promise<Result<string, ShimRefusal>> {
  const answer = await askForProfile(owner, file, { timeoutMs: ANSWER_MS_MAX, nowMs: Date.now });
  if (!answer.ok) {
    if (answer.error.kind === "not_allowed") return err({ kind: "off", reason: "not_allowed" });
    return err({ kind: "failed", why: refusalText(answer.error) });
  }
  const { outcome } = answer.value;
  switch (outcome) {
    case "done":
      return fetchText(pid);
    case "not_allowed":
    case "profiling_off":
    case "unsupported":
      return err({ kind: "off", reason: outcome });
    case "rate_limited":
      return err({ kind: "failed", why: "the last profile of this process is less than 5 seconds old. Ask again." });
    case "failed":
    case "never_quiet":
    case "none":
      return err({ kind: "failed", why: "the allocator could not write its profile." });
    default:
      return assertNever(outcome);
  }
}

/** Open in the shim's thread alone, which is named for it. */
function fetchText(pid: number): Result<string, ShimRefusal> {
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      if (readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8") !== "tidemark\n") continue;
      const folder = `/proc/${pid}/task/${thread}/fd`;
      const name = readdirSync(folder).find((each) => readlinkSync(`${folder}/${each}`).startsWith("/memfd:tidemark-profile "));
      if (name !== undefined) return readText(`${folder}/${name}`);
    }
    return err({ kind: "failed", why: "the shim holds no profile (any more)." });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return err({
      kind: "failed",
      why: `what the shim holds cannot be opened (${code}): ask as root, or as the user of the process.`,
    });
  }
}

function readText(path: string): Result<string, ShimRefusal> {
  const descriptor = openSync(path, "r");
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile() || stats.size > TEXT_BYTES_MAX)
      return err({ kind: "failed", why: `its profile has ${stats.size} bytes.` });
    const bytes = Buffer.alloc(stats.size);
    return ok(bytes.toString("latin1", 0, readSync(descriptor, bytes, 0, stats.size, 0)));
  } finally {
    closeSync(descriptor);
  }
}
