// Starting processes with libtidemark-profile.so preloaded, and what their profile says of functions that tests know by name.
// It leaves what to prove to profile*.test.ts; taking and naming is local/profile/'s, for real.
import { strict as assert } from "node:assert";
import { beginningAtCallers, type HeapProfile } from "../../local/profile/heap-profile.ts";
import { executable, mappingAt } from "../../local/profile/mappings.ts";
import { openSymbols } from "../../local/profile/symbols.ts";
import { takeProfile } from "../../local/profile/take.ts";
import { programPath, startTarget, type Target } from "./target.ts";

export const wrapper = programPath("libtidemark-profile.so");
export const sites = programPath("test/profile_sites");

/** Enough samples for narrow bounds from tens of megabytes. */
export const MEAN_BYTES = 65_536;

export const wrapped = (env: Record<string, string> = {}): Promise<Target> =>
  startTarget(sites, [], { LD_PRELOAD: wrapper, TIDEMARK_PROFILE_BYTES: String(MEAN_BYTES), ...env });

export interface Sites {
  readonly profile: HeapProfile;
  /** Estimated bytes by the innermost function whose name begins with `site_`; "none" where no frame has one. */
  readonly bytes: ReadonlyMap<string, number>;
  /** The names of each stack, innermost first. */
  readonly stacks: readonly (readonly string[])[];
}

export async function sitesOf(pid: number, durationMs: number | null = null): Promise<Sites> {
  const taken = await takeProfile({ pid, allocator: null, ring: null, durationMs });
  assert.ok(taken.ok, JSON.stringify(taken));
  const code = executable(taken.value.mappings);
  const symbols = openSymbols(pid, code);
  try {
    const isWrapper = (frame: number) => mappingAt(code, frame - 1)?.path.includes("libtidemark") ?? false;
    const profile = beginningAtCallers(taken.value.profile, isWrapper);
    const stacks = profile.stacks.map(({ frames }) => frames.map((frame) => symbols.placeOf(frame).name));
    const bytes = new Map<string, number>();
    for (const [at, stack] of profile.stacks.entries()) {
      const name = stacks[at]?.find((each) => each.startsWith("site_")) ?? "none";
      bytes.set(name, (bytes.get(name) ?? 0) + stack.bytes);
    }
    return { profile, bytes, stacks };
  } finally {
    symbols.close();
  }
}
