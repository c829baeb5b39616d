// Lambda entry: SQS messages about raw objects to the convert handler, with buckets for its stores.
// It wires and measures; what a message leads to is functions/convert.ts.
import { S3Client } from "@aws-sdk/client-s3";
import { clientSettings } from "../aws/clients.ts";
import { convertSettings, readSettings } from "../aws/config.ts";
import { currentInvocation, observed } from "../aws/middleware.ts";
import { s3Store } from "../aws/s3-store.ts";
import { countConversion, createTelemetry, logOf } from "../aws/telemetry.ts";
import { createConvertHandler } from "../convert.ts";

const settings = readSettings(convertSettings, process.env);
const telemetry = createTelemetry();
const client = new S3Client(clientSettings);

export const handler = observed({
  telemetry,
  invocation: currentInvocation(),
  handler: createConvertHandler({
    raw: s3Store(client, settings.TIDEMARK_RAW_BUCKET),
    rawBucket: settings.TIDEMARK_RAW_BUCKET,
    lake: s3Store(client, settings.TIDEMARK_LAKE_BUCKET),
    log: logOf(telemetry),
    nowMs: Date.now,
    report: (report) => countConversion(telemetry, report),
  }),
});
