// Which service a process works for, by what its environment, its platform, its executable and its name say. Pure; the files
// are read in watch/, and ECS is asked in ecs.ts. Names come from strangers: clean.ts bounds them, they are escaped where shown.
import { clean } from "./clean.ts";
import type { EcsContainer } from "./ecs.ts";
import { isKubernetesVariable, podNames } from "./kubernetes.ts";

/** In the order of their precedence: what people said on purpose before what can be seen. */
export type ServiceSource = "otel" | "tidemark" | "ecs" | "kubernetes" | "systemd" | "executable" | "comm";

export interface ServiceIdentity {
  readonly service: string;
  readonly service_version: string | null;
  readonly environment: string | null;
  /** Which of the sources gave the service's name. */
  readonly service_source: ServiceSource;
}

/** All that may tell whom a process works for. */
export interface Evidence {
  readonly environ: ReadonlyMap<string, string>;
  readonly ecs: EcsContainer | null;
  readonly pod_uid: string | null;
  readonly unit: string | null;
  /** Name of the file, without folders. */
  readonly executable: string | null;
  readonly comm: string;
}

const TUNABLE =
  /^(GLIBC_TUNABLES|MALLOC_[A-Z_]+|_RJEM_MALLOC_CONF|MIMALLOC_[A-Z_]+|TCMALLOC_[A-Z_]+|PYTHONMALLOC|GOMEMLIMIT|GOGC|LD_PRELOAD|TIDEMARK_RELIEF)$/;

/** Where ECS's agent tells about the container, set by it. Source: ECS developer guide, "Task metadata endpoint version 4". */
export const ECS_URI = "ECS_CONTAINER_METADATA_URI_V4";

const NAMES: ReadonlySet<string> = new Set([
  "OTEL_SERVICE_NAME",
  "OTEL_RESOURCE_ATTRIBUTES",
  "TIDEMARK_SERVICE",
  "TIDEMARK_SERVICE_VERSION",
  "TIDEMARK_ENVIRONMENT",
  ECS_URI,
]);

/** The only variables that are ever looked at; everything else in an environment is none of our business. */
export const isWantedVariable = (name: string): boolean => NAMES.has(name) || isKubernetesVariable(name) || TUNABLE.test(name);

/**
 * Name, version and environment each from the first source that has it: a name by OpenTelemetry may go with the revision that
 * ECS knows. Source: OpenTelemetry resource semantic conventions; OTEL_SERVICE_NAME takes precedence over service.name. The
 * executable comes before comm because runtimes rename their main thread (Node 24 calls it MainThread).
 */
export function serviceOf({ environ, ecs, pod_uid, unit, executable, comm }: Evidence): ServiceIdentity {
  const attributes = parseResourceAttributes(environ.get("OTEL_RESOURCE_ATTRIBUTES") ?? "");
  const pod = podNames(environ, pod_uid);
  const names: readonly (readonly [ServiceSource, string | null])[] = [
    ["otel", clean(environ.get("OTEL_SERVICE_NAME")) ?? clean(attributes.get("service.name"))],
    ["tidemark", clean(environ.get("TIDEMARK_SERVICE"))],
    ["ecs", ecs?.service ?? null],
    ["kubernetes", pod.service],
    ["systemd", clean(unit)],
    ["executable", clean(executable)],
  ];
  const named = names.find(([, name]) => name !== null);
  return {
    service: named?.[1] ?? clean(comm) ?? "unknown",
    service_source: named?.[0] ?? "comm",
    service_version:
      clean(attributes.get("service.version")) ??
      clean(environ.get("TIDEMARK_SERVICE_VERSION")) ??
      ecs?.version ??
      pod.service_version,
    environment:
      clean(attributes.get("deployment.environment.name")) ??
      clean(attributes.get("deployment.environment")) ??
      clean(environ.get("TIDEMARK_ENVIRONMENT")) ??
      pod.environment,
  };
}

/** Allocator settings as `NAME=value`, sorted by name and separated by spaces; null when there are none. */
export function tunablesOf(environ: ReadonlyMap<string, string>): string | null {
  const settings = [...environ].filter(([name]) => TUNABLE.test(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  return clean(settings.map(([name, value]) => `${name}=${value}`).join(" "), TUNABLES_LENGTH_MAX);
}

/** Room that is kept for the environment's, when the allocator tells much. */
const ENVIRONMENT_LENGTH_MIN = 256;

/** What the allocator says is in effect, and behind it what the environment asked for: the difference is worth seeing. */
export function tunablesInEffect(inEffect: string, environment: string | null): string | null {
  // For some allocators the shim hands on what the environment says: once is enough.
  const known = new Set(inEffect.split(" "));
  const others = (environment ?? "").split(" ").filter((word) => !known.has(word));
  if (others.every((word) => word === "")) return clean(inEffect, TUNABLES_LENGTH_MAX);
  const asked = `environment: ${others.join(" ")}`;
  const room = TUNABLES_LENGTH_MAX - Math.min(asked.length, ENVIRONMENT_LENGTH_MIN) - " ".length;
  return clean(`${clean(inEffect, room) ?? ""} ${asked}`, TUNABLES_LENGTH_MAX);
}
/** The decoder's limit for text; a longer one would be refused whole. */
const TUNABLES_LENGTH_MAX = 1_024;

/** `key=value,key=value`, values percent-encoded. Source: OpenTelemetry resource SDK, W3C baggage format. */
function parseResourceAttributes(text: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  for (const pair of text.split(",")) {
    const equals = pair.indexOf("=");
    if (equals > 0) attributes.set(pair.slice(0, equals).trim(), decodePercent(pair.slice(equals + 1).trim()));
  }
  return attributes;
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // Not percent-encoded after all: the text as it stands says more than nothing.
  }
}
