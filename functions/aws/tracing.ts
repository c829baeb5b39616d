// The calls of a Lambda as parts of its X-Ray trace, for those that run by the hour and ask several services.
// The conversion does without: the X-Ray SDK would be a fifth of its cold start, and Lambda itself traces every invocation.
import { Tracer } from "@aws-lambda-powertools/tracer";
import { captureLambdaHandler } from "@aws-lambda-powertools/tracer/middleware";
import { type ClientSettings, clientSettings } from "./clients.ts";

// Requests are traced by their SDK clients alone: a trace of every HTTPS call would carry the webhook's URL, a secret.
const tracer = new Tracer({ captureHTTPsRequests: false });

export const tracedClient = <T extends object>(Client: new (settings: ClientSettings) => T): T =>
  tracer.captureAWSv3Client(new Client(clientSettings));

/** Results are rows and pages: too large for a trace, and not its business. */
export const traced = () => captureLambdaHandler(tracer, { captureResponse: false });
