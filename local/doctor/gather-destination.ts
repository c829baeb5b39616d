// Facts about the way out: the destination, credentials, the instance. Asks no API of AWS: a look must need no rights.
// What they mean is judge-places.ts's.
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import type { CollectorConfig, Environment } from "../../collector/config.ts";
import { faultText } from "../../collector/identity/ask.ts";
import { askInstance } from "../../collector/identity/imds.ts";
import { describeFailure } from "../../collector/ship/advice.ts";
import type { DestinationFacts, InstanceFacts } from "./facts.ts";
import { folderFacts } from "./gather-places.ts";

/** Whoever has not answered by then would not answer the collector in time either. */
const CONNECT_MS_MAX = 3_000;
/** The SDK asks several places in turn, each with its own patience. */
const CREDENTIALS_MS_MAX = 5_000;

export async function gatherDestination(config: CollectorConfig, isSet: boolean, env: Environment): Promise<DestinationFacts> {
  const { destination } = config;
  if (!isSet) return { kind: "none" };
  if (destination.kind === "folder") return { kind: "folder", folder: folderFacts(destination.folder) };
  const { FirehoseClient } = await import("@aws-sdk/client-firehose");
  const client = new FirehoseClient({});
  try {
    const region = await inTime(client.config.region()).catch(() => null);
    const url = region === null ? null : await endpointOf(client, region, env);
    return {
      kind: "firehose",
      stream: destination.stream,
      region,
      address: url === null ? null : `${url.hostname}:${portOf(url)}`,
      connectProblem: url === null ? null : await connectProblem(url),
      credentials: await credentialsOf(client),
    };
  } finally {
    client.destroy();
  }
}

type Client = InstanceType<typeof import("@aws-sdk/client-firehose").FirehoseClient>;

/** As the SDK resolves it: its variables first, then the region's own. */
async function endpointOf({ config }: Client, region: string, env: Environment): Promise<URL | null> {
  const given = env["AWS_ENDPOINT_URL_FIREHOSE"] ?? env["AWS_ENDPOINT_URL"];
  try {
    if (given !== undefined && given !== "") return new URL(given);
    const [UseFIPS, UseDualStack] = await Promise.all([config.useFipsEndpoint(), config.useDualstackEndpoint()]);
    return config.endpointProvider({ Region: region, UseFIPS, UseDualStack }).url;
  } catch {
    return null;
  }
}

const portOf = (url: URL): number => Number(url.port) || (url.protocol === "http:" ? 80 : 443);

/** A name to resolve and a connection to make; nothing is sent. */
function connectProblem(url: URL): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ""), port: portOf(url) });
    const timer = setTimeout(() => end("ETIMEDOUT"), CONNECT_MS_MAX);
    const end = (problem: string | null) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(problem);
    };
    socket.once("connect", () => end(null));
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.name));
  });
}

/** Where they come from and when they end: no part of them leaves this function. */
async function credentialsOf({ config }: Client): Promise<Extract<DestinationFacts, { kind: "firehose" }>["credentials"]> {
  try {
    const { expiration, $source = {} } = (await inTime(config.credentials())) as {
      readonly expiration?: Date;
      readonly $source?: object;
    };
    return { kind: "found", source: sourceOf(Object.keys($source)), expiresAtMs: expiration?.getTime() ?? null };
  } catch (error) {
    return { kind: "missing", problem: describeFailure(error).text.slice(0, 200) };
  }
}

/** The SDK names its providers by features: CREDENTIALS_IMDS, CREDENTIALS_ENV_VARS... */
const sourceOf = (features: readonly string[]): string =>
  features
    .filter((name) => name.startsWith("CREDENTIALS_"))
    .map((name) => name.slice("CREDENTIALS_".length).toLowerCase().replaceAll("_", " "))
    .at(-1) ?? "the SDK's chain";

function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${CREDENTIALS_MS_MAX / 1_000} s`)), CREDENTIALS_MS_MAX);
  work.then(resolve, reject).finally(() => clearTimeout(timer));
  return promise;
}

export async function gatherInstance({ imdsEndpoint }: CollectorConfig): Promise<InstanceFacts> {
  if (imdsEndpoint === null) return { kind: "off" };
  const answer = await askInstance(imdsEndpoint);
  if (answer.ok) return { kind: "known", instance: answer.value };
  const { error } = answer;
  return { kind: "silent", problem: error.kind === "malformed" ? error.problem : faultText(error), isOnEc2: isOnEc2() };
}

/** EC2 user guide, "Detect whether a host is an EC2 instance". */
function isOnEc2(): boolean {
  try {
    return readFileSync("/sys/class/dmi/id/sys_vendor", "utf8").trim() === "Amazon EC2";
  } catch {
    return false;
  }
}
