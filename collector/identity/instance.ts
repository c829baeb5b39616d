// The instance as far as it is known: asked at start while measuring goes on, and again at a low rate until it has answered.
// The questions are imds.ts's, what the answer does to the host's identity host.ts's.
import type { Result } from "../../schema/result.ts";
import { faultText } from "./ask.ts";
import type { ImdsFault, Instance } from "./imds.ts";
import { within } from "./within.ts";

export interface InstanceWatch {
  /** Null until it is known, and for ever off EC2. */
  current(): Instance | null;
  /** Resolves when the first round is over, or has taken a second. Later ones delay nobody. Never rejects. */
  firstRound(): Promise<void>;
  /** Asks again if it is not known and the last question is long enough ago. */
  askAgainIfDue(): void;
}

export interface InstanceEdge {
  readonly askInstance: () => Promise<Result<Instance, ImdsFault>>;
  nowMs(): number;
  /** Called once. */
  onKnown(instance: Instance): void;
  /** Why it is not known: told once, however often it is asked. */
  onUnknown(reason: string): void;
}

/** Whoever is not on EC2 gets a handful of packets an hour from us; a service that was slow at boot is found soon enough. */
export const ASK_AGAIN_MS = 600_000;
/** The first row is closed a tick after the start, so only a stop before it waits at all, and that must end in time. */
const ROUND_MS_MAX = 1_000;

/** What never changes while an instance runs is asked for until it is known, and no more. */
export function watchInstance(edge: InstanceEdge): InstanceWatch {
  let instance: Instance | null = null;
  let isTold = false;
  let askedMs = edge.nowMs();
  let isAsking = false;
  const first = round();

  async function round(): Promise<void> {
    isAsking = true;
    askedMs = edge.nowMs();
    try {
      take(await edge.askInstance());
    } catch (error) {
      tell(String(error));
    }
    isAsking = false;
  }

  function take(outcome: Result<Instance, ImdsFault>): void {
    if (!outcome.ok) {
      tell(outcome.error.kind === "malformed" ? `${outcome.error.url}: ${outcome.error.problem}` : faultText(outcome.error));
      return;
    }
    instance = outcome.value;
    edge.onKnown(outcome.value);
  }

  function tell(reason: string): void {
    if (!isTold) edge.onUnknown(reason);
    isTold = true;
  }

  return {
    current: () => instance,
    firstRound: () => within(first, ROUND_MS_MAX),
    askAgainIfDue() {
      if (instance === null && !isAsking && edge.nowMs() - askedMs >= ASK_AGAIN_MS) void round();
    },
  };
}

/** Where nobody may be asked. */
export const noInstance: InstanceWatch = {
  current: () => null,
  firstRound: () => Promise.resolve(),
  askAgainIfDue: () => undefined,
};
