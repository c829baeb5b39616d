// Faults that tests inject: calls of a service that fail as AWS or the way to it would fail them.
// Failures within a successful answer (single records of a batch) are the service's own.
import { AwsError } from "./wire.ts";

export type Fault = Target & (Refusal | Disturbance);

interface Target {
  readonly service: string;
  /** Every operation of the service unless given. */
  readonly operation?: string;
  /** Only calls whose path has this in it, as an object's key. */
  readonly path?: string;
  /** Calls that pass before the first one fails. */
  readonly skips?: number;
  /** Calls that fail; every one unless given. */
  readonly times?: number;
  /** Runs while the call is in the midst of failing. */
  readonly meanwhile?: () => void;
}

export interface Refusal {
  readonly code: string;
  readonly status: number;
  readonly message?: string;
}

export interface Disturbance {
  /**
   * half_request: the connection ends when half of the body has come, and nothing is done. lost_answer: done, and the connection
   * ends instead of an answer. half_answer: done, and it ends in the midst of the answer. garbage: not done, and answered with `body`.
   * slow: done and answered after `ms`.
   */
  readonly how: "half_request" | "lost_answer" | "half_answer" | "garbage" | "slow";
  readonly ms?: number;
  readonly body?: string;
}

export interface Faults {
  inject(fault: Fault): void;
  clear(): void;
  /** Throws when this call is to be refused; how it is to be disturbed, or null when it is not. */
  check(service: string, operation: string, path: string): Disturbance | null;
}

export function createFaults(): Faults {
  let faults: { fault: Fault; skips: number; left: number }[] = [];
  return {
    inject(fault) {
      faults.push({ fault, skips: fault.skips ?? 0, left: fault.times ?? Number.POSITIVE_INFINITY });
    },
    clear() {
      faults = [];
    },
    check(service, operation, path) {
      const active = faults.find(
        ({ fault, left }) =>
          left > 0 &&
          fault.service === service &&
          (fault.operation ?? operation) === operation &&
          path.includes(fault.path ?? ""),
      );
      if (active === undefined || active.skips-- > 0) return null;
      active.left--;
      const { fault } = active;
      fault.meanwhile?.();
      if ("how" in fault) return fault;
      throw new AwsError(fault.code, fault.status, fault.message ?? `${fault.code} was injected`);
    },
  };
}

export const throttled = { code: "ThrottlingException", status: 400, message: "Rate exceeded" } as const;
export const denied = { code: "AccessDenied", status: 403, message: "not authorized to perform this action" } as const;
export const slowDown = { code: "SlowDown", status: 503, message: "Please reduce your request rate." } as const;
export const internalError = { code: "InternalError", status: 500, message: "We encountered an internal error." } as const;
