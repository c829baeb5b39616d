// The one stack around every Lambda: context in each log line, metrics flushed, the time that is left, and what else it asks for.
// The handlers inside know none of it.
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import { logMetrics } from "@aws-lambda-powertools/metrics/middleware";
import middy, { type MiddlewareObj } from "@middy/core";
import type { Context } from "aws-lambda";
import type { Telemetry } from "./telemetry.ts";

/** How long the invocation in progress may still take; each execution environment runs one at a time. */
export interface Invocation {
  remainingMs(): number;
}

export interface Observed<Event, Result> {
  readonly handler: (event: Event, context: Context) => Promise<Result>;
  readonly telemetry: Telemetry;
  readonly invocation: CurrentInvocation;
  /** Tracing, for those that trace. */
  readonly also?: readonly MiddlewareObj[];
}

export interface CurrentInvocation extends Invocation {
  begin(context: Context): void;
}

export function currentInvocation(): CurrentInvocation {
  let current: Context | null = null;
  return {
    remainingMs: () => current?.getRemainingTimeInMillis() ?? 0,
    begin(context) {
      current = context;
    },
  };
}

export const observed = <Event, Result>({ handler, telemetry, invocation, also = [] }: Observed<Event, Result>) =>
  middy((event: Event, context: Context): Promise<Result> => handler(event, context))
    .use(injectLambdaContext(telemetry.logger))
    .use(logMetrics(telemetry.metrics))
    .use([...also])
    .before(({ context }) => invocation.begin(context));
