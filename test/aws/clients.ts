// SDK clients as the functions make them, pointed at a stand-in. Two attempts: a test of retries should not take seconds.
import type { AwsEndpoint } from "./endpoint.ts";

export const clientFor = ({ url }: Pick<AwsEndpoint, "url">, maxAttempts = 2) => ({
  endpoint: url,
  region: "us-east-1",
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
  maxAttempts,
  forcePathStyle: true,
});
