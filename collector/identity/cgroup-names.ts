// Names in a process's cgroup path: its container, its pod, its systemd unit. Pure; paths as docker, podman, containerd,
// CRI-O and ECS make them with either cgroup driver, in v1 and v2 hierarchies. Limits and usage are in proc/.

export interface CgroupNames {
  readonly container_id: string | null;
  readonly pod_uid: string | null;
  /** Without `.service`. */
  readonly unit: string | null;
}

/** 64 hexadecimal digits everywhere; Fargate's are the task's 32 and a number. Not conmon's scope: that is who watches the container. */
const CONTAINER = /(?<![0-9a-f])(?<!conmon-)([0-9a-f]{64}|[0-9a-f]{32}-\d{8,12})(?![0-9a-f])/g;
/** With the systemd driver dashes are underscores; static pods have 32 digits without any. */
const POD = /(?<![a-z])pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?![0-9a-f])/g;
/** `systemd-run` makes them up: run-u12, run-r0123..., run-p12-i34, run-1234. They name no service. */
const TRANSIENT = /^run-(?:u\d+|p\d+-i\d+|\d+|r[0-9a-f]{32})$/;

/** Text of /proc/pid/cgroup, man 7 cgroups. The hierarchy that systemd keeps comes first; in v1 others may know more. */
export function namesInCgroup(text: string): CgroupNames {
  const paths = text
    .split("\n")
    .map((line) => /^\d+:([^:]*):(\/.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, controllers = "", path = ""]) => ({ path, rank: rankOf(controllers) }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ path }) => path);
  const inContainer = paths.find((path) => innermost(path, CONTAINER) !== null);
  // Hybrid hosts keep a pod's processes in the unified hierarchy at /system.slice/containerd.service: only the path that
  // names the container tells what is inside it.
  const unit = inContainer === undefined ? first(paths, unitIn) : unitIn(belowContainer(inContainer));
  return {
    container_id: inContainer === undefined ? null : innermost(inContainer, CONTAINER),
    pod_uid: first(paths, (path) => innermost(path, POD)?.replaceAll("_", "-") ?? null),
    unit,
  };
}

const rankOf = (controllers: string): number => (controllers === "" ? 0 : controllers === "name=systemd" ? 1 : 2);

/** Containers run in containers: the last one named is the one the process sees. */
const innermost = (path: string, shape: RegExp): string | null => [...path.matchAll(shape)].at(-1)?.[1] ?? null;

const first = (paths: readonly string[], find: (path: string) => string | null): string | null =>
  paths.map(find).find((found) => found !== null) ?? null;

/** A unit that holds containers (containerd.service above kubepods) is not theirs; systemd may run inside one. */
function belowContainer(path: string): string {
  const container = [...path.matchAll(CONTAINER)].at(-1);
  return container === undefined ? path : path.slice(container.index + container[0].length);
}

function unitIn(path: string): string | null {
  if (path.startsWith("/user.slice/") || innermost(path, POD) !== null) return null;
  const unit = path.split("/").find((part) => part.endsWith(".service"));
  if (unit === undefined || unit.startsWith("user@")) return null;
  const name = unescapeUnit(unit.slice(0, -".service".length));
  return name === "" || TRANSIENT.test(name) ? null : name;
}

/** `worker@3` is one of many workers, `app@checkout` an app of its own. `\x2d` as in man 5 systemd.unit, "String escaping". */
const unescapeUnit = (name: string): string =>
  name
    .replace(/@\d*$/, "")
    .replace(/\\x([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
