// Where the collector's files lie, and where its rows go. Pure.
// What the kernel shows is judge-kernel.ts's.
import { needsShim } from "../../collector/heap/allocator.ts";
import { describeFailure } from "../../collector/ship/advice.ts";
import { formatBytes, formatDuration } from "../../functions/core/units.ts";
import { type Check, fail, good, warn } from "./check.ts";
import type {
  AllocatorGroup,
  DestinationFacts,
  FolderFacts,
  InstanceFacts,
  PlaceFacts,
  SettingFacts,
  WalkerFacts,
} from "./facts.ts";

const [OTHERS_WRITE, OTHERS_OR_GROUP_WRITE, STICKY] = [0o002, 0o022, 0o1000];
/** Who renews credentials does so well before their end: the SDK itself asks five minutes before. */
const EXPIRY_MS_MIN = 300_000;

export function judgeSettings({ filePath, problems, warnings, changed }: SettingFacts): readonly Check[] {
  const file = filePath === null ? "no file" : filePath;
  const wrong = problems.map((problem) =>
    fail("settings", problem, "the collector does not start with a wrong setting", "mend it; --print-config shows all of them"),
  );
  const odd = warnings.map((warning) => warn("settings", warning, "what is misspelt has no effect", "rename or remove it"));
  const set = changed.length === 0 ? "all at their defaults" : `${changed.join(", ")} set, the others at their defaults`;
  return wrong.length + odd.length > 0 ? [...wrong, ...odd] : [good("settings", `${file}; ${set}`)];
}

export function judgeWalker({ path, version, problem, architecture, hostArchitecture }: WalkerFacts): Check {
  const why = "no heap of glibc's is measured without it";
  if (architecture !== null && architecture !== hostArchitecture) {
    const found = `${path} is for ${architecture}, this host is ${hostArchitecture}`;
    return fail("walker", found, why, "install the package of this architecture");
  }
  if (version === null) {
    const todo = "install the package again, or make -C native in a clone; a mount with noexec forbids it as well";
    return fail("walker", `${path} does not run: ${problem}`, why, todo);
  }
  return good("walker", `${version}, ${architecture ?? hostArchitecture}`);
}

export interface Asker {
  readonly uid: number;
  readonly groups: readonly AllocatorGroup[];
  readonly kind: DestinationFacts["kind"];
}

export function judgePlaces(places: PlaceFacts, { uid, groups, kind }: Asker): readonly Check[] {
  const own = [
    {
      what: "spool",
      folder: places.spoolFolder,
      bytesMax: places.spoolBytesMax,
      why: "while the stream cannot be reached, rows wait in memory alone and a restart loses them",
    },
    {
      what: "black box",
      folder: places.blackBoxFolder,
      bytesMax: places.blackBoxBytesMax,
      why: "the last hour at 10 s is in memory alone: kill -9 of the collector loses it",
    },
  ];
  // Without a stream neither is used unless it is set.
  const used = own.filter(({ folder }) => kind === "firehose" || folder !== null);
  return [rings(places.ringFolder, groups), ...used.map((one) => ownFolder(one, uid))];
}

/** The letter box: everybody may put a file in, nobody may take another's away. */
function rings(folder: FolderFacts, groups: readonly AllocatorGroup[]): Check {
  const why = "the shim's figures are read from there: without it, it stays silent";
  const todo = `systemd-tmpfiles --create (package), or: install -d -m 1733 ${folder.path}`;
  if (!folder.exists) {
    const isWanted = groups.some(({ allocator }) => needsShim(allocator));
    const found = `${folder.path} is not there`;
    return isWanted ? warn("rings", found, why, todo) : good("rings", `${found}; it is needed where the shim is used`);
  }
  const loose = looseness(folder, { isShared: true });
  if (loose !== null)
    return warn("rings", loose, "who may replace files there could make us read another's: it is not swept", todo);
  return good("rings", `${folder.path} has mode ${octal(folder.mode)}`);
}

interface OwnFolder {
  readonly what: string;
  readonly folder: FolderFacts | null;
  readonly bytesMax: number;
  readonly why: string;
}

function ownFolder({ what, folder, bytesMax, why }: OwnFolder, uid: number): Check {
  const todo = "StateDirectory=tidemark in the unit makes /var/lib/tidemark; else set the folder (--help)";
  if (folder === null) return warn(what, "there is no folder for it", why, todo);
  const { path, exists, freeBytes } = folder;
  const loose = looseness(folder, { isShared: false });
  if (loose !== null)
    return warn(what, `${loose}: it is refused`, why, `chmod 700 ${path}, and a folder above it that is root's`);
  // Root asks on behalf of a service whose user is not known here.
  if (exists && uid !== 0 && folder.uid !== uid) {
    return warn(
      what,
      `${path} belongs to user ${folder.uid}, we are ${uid}: it is refused`,
      why,
      "ask as the service's user, or as root",
    );
  }
  if (folder.isReadOnly)
    return warn(what, `${path} is on a read-only file system`, why, "mount it writable, or choose another folder");
  if (freeBytes !== null && freeBytes < bytesMax) {
    const found = `${path} has ${formatBytes(freeBytes)} free, it may fill ${formatBytes(bytesMax)}`;
    return warn(what, found, "when the disk is full, rows wait in memory", "make room, or lower its bound (--help)");
  }
  const room = freeBytes === null ? "" : `, ${formatBytes(freeBytes)} free`;
  return good(what, `${path}${exists ? "" : " (is made at start)"}: up to ${formatBytes(bytesMax)}${room}`);
}

/** What is wrong with who may write there; null when nothing is. */
function looseness(folder: FolderFacts, { isShared }: { readonly isShared: boolean }): string | null {
  if (folder.looseAbove !== null) return `anyone may replace ${folder.path}: ${folder.looseAbove} is world-writable`;
  if (!folder.exists) return null;
  if (folder.isLink) return `${folder.path} is a symbolic link`;
  const isLoose = isShared
    ? (folder.mode & OTHERS_WRITE) !== 0 && (folder.mode & STICKY) === 0
    : (folder.mode & OTHERS_OR_GROUP_WRITE) !== 0;
  return isLoose ? `${folder.path} has mode ${octal(folder.mode)}: others may write to it` : null;
}

export function judgeDestination(facts: DestinationFacts, nowMs: number): readonly Check[] {
  if (facts.kind === "none") {
    const todo = "set TIDEMARK_FIREHOSE_STREAM, or ask with the service's file: tidemark doctor --config <path>";
    return [warn("destination", "none is set", "nothing is shipped, and the way there could not be looked at", todo)];
  }
  if (facts.kind === "folder") {
    const { path, isReadOnly } = facts.folder;
    if (!isReadOnly) return [good("destination", `the folder ${path}`)];
    return [fail("destination", `${path} is on a read-only file system`, "nothing is delivered", "choose another folder")];
  }
  return [reach(facts), credentials(facts, nowMs)];
}

type Firehose = Extract<DestinationFacts, { readonly kind: "firehose" }>;

function reach({ stream, region, address, connectProblem }: Firehose): Check {
  const why = "records wait in the spool until it is reached; beyond its bound the oldest are lost";
  if (region === null || address === null) {
    return fail("destination", `stream ${stream}: no region is known`, why, "set AWS_REGION in the service's environment");
  }
  if (connectProblem === null) {
    return good(
      "destination",
      `stream ${stream} in ${region}: ${address} accepts connections; whether it takes records shows only by sending`,
    );
  }
  const { advice } = describeFailure(Object.assign(new Error(connectProblem), { code: connectProblem, name: connectProblem }));
  const todo = advice ?? "open the way to it (port 443), or make a VPC endpoint (collectorEndpoint, docs/deploy.md)";
  return fail("destination", `stream ${stream} in ${region}: ${address} cannot be reached (${connectProblem})`, why, todo);
}

function credentials({ credentials: found }: Firehose, nowMs: number): Check {
  if (found.kind === "missing") {
    return fail(
      "credentials",
      `none were found: ${found.problem}`,
      "without them no record is taken",
      "give the instance a role with the collector's policy (docs/deploy.md), or set AWS_PROFILE",
    );
  }
  const { source, expiresAtMs } = found;
  if (expiresAtMs === null) return good("credentials", `from ${source}, without an end`);
  const leftMs = expiresAtMs - nowMs;
  if (leftMs > EXPIRY_MS_MIN) return good("credentials", `from ${source}, for ${formatDuration(leftMs)} more, then renewed`);
  const found_ = leftMs <= 0 ? `from ${source}, expired` : `from ${source}, which end in ${formatDuration(leftMs)}`;
  return warn("credentials", found_, "expired credentials are refused", "see to whoever renews them");
}

export function judgeInstance(facts: InstanceFacts): Check {
  if (facts.kind === "off") return good("instance", "is not asked for (TIDEMARK_IMDS, AWS_EC2_METADATA_DISABLED)");
  if (facts.kind === "known") {
    const { instanceId, instance_type, zone, autoscaling_group } = facts.instance;
    const rest = [instance_type, zone, autoscaling_group === null ? null : `group ${autoscaling_group}`].filter(
      (part) => part !== null,
    );
    return good("instance", `${instanceId}${rest.length === 0 ? "" : `, ${rest.join(", ")}`}`);
  }
  if (!facts.isOnEc2)
    return good("instance", `no metadata service answers, and this is no EC2 instance: host_id is the machine id`);
  return warn(
    "instance",
    `this is an EC2 instance, and its metadata service does not answer: ${facts.problem}`,
    "rows lack account, region, zone and instance type; credentials of the role come the same way",
    "aws ec2 modify-instance-metadata-options --http-endpoint enabled --http-put-response-hop-limit 2 (2 for a container)",
  );
}

const octal = (mode: number): string => (mode & 0o7777).toString(8);
