// What ECS says about containers on this host: the agent's task metadata endpoint, at the address a process's environment has.
// That address comes from a stranger: one host, one shape of path, and nothing else is ever asked.
import * as z from "zod";
import { type Ask, ask as askService } from "./ask.ts";
import { clean } from "./clean.ts";
import { jsonOf } from "./imds.ts";
import { within } from "./within.ts";

export interface EcsContainer {
  /** Family of the task definition and name of the container in it: `checkout/app`. */
  readonly service: string;
  /** Revision of the task definition. */
  readonly version: string | null;
  /** Null where the agent does not tell. */
  readonly container_id: string | null;
}

/** Looking up never waits: an address that is not known yet is asked in the background, and null until then. */
export interface EcsNames {
  find(uri: string): EcsContainer | null;
  /** Resolves when all that was asked has been answered, or after a second. Never rejects. */
  settled(): Promise<void>;
}

export interface EcsEdge {
  nowMs(): number;
  /** Where the agent is. Loopback in tests. */
  readonly origin?: string;
  readonly ask?: Ask;
}

/** Source: ECS developer guide, "Task metadata endpoint version 4". The agent answers there for containers of every network mode. */
export const ECS_ORIGIN = "http://169.254.170.2";
/** Below /v4/ the first part names the container; credentials are elsewhere, at paths that this does not let through. */
const CONTAINER_PATH = /^\/v4\/[A-Za-z0-9-]{1,128}$/;

/** Far above the containers of a host; the least recently added go first. */
const NAMES_MAX = 2_000;
/** Questions at a time: a host that starts with a hundred containers must not storm its agent, which throttles at 40 a second. */
const LANES = 4;
/** A row waits this long for the right name: under another it would be a service of its own. Then the executable's must do. */
const SETTLED_MS_MAX = 1_000;
/** An agent that did not answer for one container, or is not there at all, is left alone for so long. */
export const ASK_AGAIN_MS = 600_000;

const label = z.string().max(1_024).nullable().catch(null);
const metadata = z.object({
  DockerId: z
    .string()
    .regex(/^[0-9a-f]{32,64}(-\d{1,12})?$/)
    .nullable()
    .catch(null),
  Labels: z.object({
    "com.amazonaws.ecs.container-name": label,
    "com.amazonaws.ecs.task-definition-family": z.string().min(1).max(1_024),
    "com.amazonaws.ecs.task-definition-version": label,
  }),
});

export function createEcsNames({ nowMs, origin = ECS_ORIGIN, ask = askService }: EcsEdge): EcsNames {
  const known = new Map<string, { readonly container: EcsContainer | null; readonly askedMs: number }>();
  const asking = new Map<string, Promise<void>>();
  const lanes = Array.from({ length: LANES }, () => Promise.resolve());
  let askedCount = 0;
  let unreachableUntilMs = Number.NEGATIVE_INFINITY;

  async function askFor(uri: string): Promise<void> {
    const askedMs = nowMs();
    if (askedMs >= unreachableUntilMs) {
      const answer = await ask({ url: uri });
      if (!answer.ok && answer.error.kind === "unreachable") unreachableUntilMs = askedMs + ASK_AGAIN_MS;
      const oldest = known.keys().next();
      if (known.size >= NAMES_MAX && !oldest.done) known.delete(oldest.value);
      known.set(uri, { container: answer.ok ? containerOf(answer.value) : null, askedMs });
    }
    asking.delete(uri);
  }

  return {
    find(uri) {
      if (!isContainerUri(uri, origin)) return null;
      const found = known.get(uri);
      if (found?.container) return found.container;
      const isDue = nowMs() >= Math.max(unreachableUntilMs, found === undefined ? 0 : found.askedMs + ASK_AGAIN_MS);
      if (!isDue || asking.has(uri)) return null;
      const lane = askedCount++ % LANES;
      const answered = (lanes[lane] ?? Promise.resolve()).then(() => askFor(uri));
      lanes[lane] = answered;
      asking.set(uri, answered);
      return null;
    },
    async settled() {
      if (asking.size > 0) await within(Promise.all(asking.values()), SETTLED_MS_MAX);
    },
  };
}

/** Compared as text, before any parser has a say: what looks like another host to one of them is not asked. */
export const isContainerUri = (uri: string, origin: string): boolean =>
  uri.startsWith(`${origin}/`) && CONTAINER_PATH.test(uri.slice(origin.length));

export function containerOf(text: string): EcsContainer | null {
  const parsed = metadata.safeParse(jsonOf(text));
  if (!parsed.success) return null;
  const { DockerId, Labels } = parsed.data;
  const family = clean(Labels["com.amazonaws.ecs.task-definition-family"]);
  const name = clean(Labels["com.amazonaws.ecs.container-name"]);
  const service = clean(name === null ? family : `${family}/${name}`);
  if (family === null || service === null) return null;
  return { service, version: clean(Labels["com.amazonaws.ecs.task-definition-version"]), container_id: DockerId };
}
