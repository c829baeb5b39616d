// Which service a process works for, by what its environment, executable and name say. Pure; the files are read in watch/.
// Names come from strangers: they are bounded and freed of control characters here, escaped where they are shown.

export interface ServiceIdentity {
  readonly service: string;
  readonly service_version: string | null;
  readonly environment: string | null;
}

/** OpenTelemetry sets no limit; no name that people use comes near this one. */
const NAME_LENGTH_MAX = 255;

const TUNABLE = /^(GLIBC_TUNABLES|MALLOC_[A-Z_]+|_RJEM_MALLOC_CONF|MIMALLOC_[A-Z_]+|TCMALLOC_[A-Z_]+|PYTHONMALLOC|LD_PRELOAD)$/;

/** The only variables that are ever looked at; everything else in an environment is none of our business. */
export const isWantedVariable = (name: string): boolean =>
  name === "OTEL_SERVICE_NAME" || name === "OTEL_RESOURCE_ATTRIBUTES" || TUNABLE.test(name);

/**
 * Source: OpenTelemetry resource semantic conventions; OTEL_SERVICE_NAME takes precedence over service.name. The executable
 * comes before comm because runtimes rename their main thread (Node 24 calls it MainThread).
 */
export function serviceOf(environ: ReadonlyMap<string, string>, executable: string | null, comm: string): ServiceIdentity {
  const attributes = parseResourceAttributes(environ.get("OTEL_RESOURCE_ATTRIBUTES") ?? "");
  return {
    service:
      clean(environ.get("OTEL_SERVICE_NAME")) ??
      clean(attributes.get("service.name")) ??
      clean(executable ?? "") ??
      clean(comm) ??
      "unknown",
    service_version: clean(attributes.get("service.version")),
    environment: clean(attributes.get("deployment.environment.name")) ?? clean(attributes.get("deployment.environment")),
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

function clean(text: string | undefined, lengthMax = NAME_LENGTH_MAX): string | null {
  const cleaned = (text ?? "").replace(/\p{Cc}/gu, "").trim();
  return cleaned === "" ? null : cleaned.slice(0, lengthMax);
}
