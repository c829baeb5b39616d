// The one stack around every Lambda: context in each log line, metrics flushed, a trace segment, the time that is left.
// The handlers inside know none of it.
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import { logMetrics } from "@aws-lambda-powertools/metrics/middleware";
import { captureLambdaHandler } from "@aws-lambda-powertools/tracer/middleware";
import middy from "@middy/core";
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

export const observed = <Event, Result>({ handler, telemetry, invocation }: Observed<Event, Result>) =>
  middy((event: Event, context: Context): Promise<Result> => handler(event, context))
    .use(injectLambdaContext(telemetry.logger))
    .use(logMetrics(telemetry.metrics))
    // Results are rows and pages: too large for a trace, and not its business.
    .use(captureLambdaHandler(telemetry.tracer, { captureResponse: false }))
    .before(({ context }) => invocation.begin(context));
