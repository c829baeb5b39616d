// Settings of the Lambdas from their environment.
import { deepEqual, match, throws } from "node:assert/strict";
import { test } from "node:test";
import { convertSettings, detectSettings, readSettings } from "../../../functions/aws/config.ts";

const enough = {
  TIDEMARK_LAKE_BUCKET: "lake",
  TIDEMARK_WORKGROUP: "tidemark",
  TIDEMARK_DATABASE: "tidemark",
  TIDEMARK_ALERTS_TOPIC_ARN: "arn:aws:sns:us-east-1:123456789012:alerts",
};

test("what infra sets is enough: a week of days, the queries' own thresholds", () => {
  deepEqual(readSettings(detectSettings, enough), {
    ...enough,
    TIDEMARK_THRESHOLDS: {},
    TIDEMARK_PERIOD_SECONDS: 86_400,
    TIDEMARK_PERIODS: 7,
    TIDEMARK_RUNBOOK_URL: "docs/runbook.md",
  });
});

test("thresholds are numbers by name", () => {
  const settings = readSettings(detectSettings, { ...enough, TIDEMARK_THRESHOLDS: '{"excess_bytes_min":5}' });
  deepEqual(settings.TIDEMARK_THRESHOLDS, { excess_bytes_min: 5 });
});

test("every problem is told at once, with the value", () => {
  const env = { ...enough, TIDEMARK_WORKGROUP: undefined, TIDEMARK_PERIODS: "0", TIDEMARK_THRESHOLDS: '{"a":"b"}' };
  throws(
    () => readSettings(detectSettings, env),
    ({ message }: Error) => {
      match(message, /TIDEMARK_WORKGROUP is not set/);
      match(message, /TIDEMARK_PERIODS is 0/);
      match(message, /TIDEMARK_THRESHOLDS is \{"a":"b"\}: .* at a/);
      return true;
    },
  );
  throws(() => readSettings(detectSettings, { ...enough, TIDEMARK_THRESHOLDS: "{" }), /expected a JSON object of numbers/);
});

test("a function is asked for its own settings alone", () => {
  deepEqual(readSettings(convertSettings, { TIDEMARK_RAW_BUCKET: "raw", TIDEMARK_LAKE_BUCKET: "lake", OTHER: "x" }), {
    TIDEMARK_RAW_BUCKET: "raw",
    TIDEMARK_LAKE_BUCKET: "lake",
  });
});
