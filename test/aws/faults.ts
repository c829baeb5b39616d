// Faults that tests inject: the next calls of an operation fail as AWS would fail them.
// Failures within a successful answer (single records of a batch) are the service's own.
import { AwsError } from "./wire.ts";

export interface Fault {
  readonly service: string;
  readonly operation: string;
  readonly code: string;
  readonly status: number;
  readonly message?: string;
  /** Calls that fail; every one unless given. */
  readonly times?: number;
}

export interface Faults {
  inject(fault: Fault): void;
  clear(): void;
  /** Throws when a fault is meant for this call. */
  check(service: string, operation: string): void;
}

export function createFaults(): Faults {
  let faults: { fault: Fault; left: number }[] = [];
  return {
    inject(fault) {
      faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
    },
    clear() {
      faults = [];
    },
    check(service, operation) {
      const active = faults.find(({ fault, left }) => left > 0 && fault.service === service && fault.operation === operation);
      if (active === undefined) return;
      active.left--;
      const { code, status, message } = active.fault;
      throw new AwsError(code, status, message ?? `${code} was injected`);
    },
  };
}

export const throttled = { code: "ThrottlingException", status: 400, message: "Rate exceeded" } as const;
export const denied = { code: "AccessDenied", status: 403, message: "not authorized to perform this action" } as const;
