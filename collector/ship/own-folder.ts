// A folder that is the collector's alone, and one collector's at a time: the spool's, the black box's.
// What its files hold is its callers'.
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

const FOLDER_MODE = 0o700;
const LOCK = "lock";
const LOCK_TRIES_MAX = 3;
const [OTHERS_WRITE, GROUP_WRITE, STICKY] = [0o002, 0o020, 0o1000];

export interface OwnFolder {
  /** Path of a file in it by the folder's descriptor: whoever swaps the folder for a link swaps nothing for us. */
  pathOf(name: string): string;
  readonly file: number;
  /** Lets another collector have it. */
  close(): void;
}

/** Null when nobody has made a place for it. */
export const whereThereIsPlace = (folder: string): string | null =>
  statSync(dirname(folder), { throwIfNoEntry: false })?.isDirectory() ? folder : null;

/** Throws, with what is wrong in plain words, when it is not a folder that only this user can change. `what` it is for: "spool". */
export function openOwnFolder(folder: string, what: string): OwnFolder {
  const parent = statSync(dirname(folder));
  if ((parent.mode & OTHERS_WRITE) !== 0 && (parent.mode & STICKY) === 0) {
    throw new Error(`${what} folder ${folder} is refused: anyone may replace it, ${dirname(folder)} is world-writable`);
  }
  try {
    mkdirSync(folder, { mode: FOLDER_MODE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST")
      throw new Error(`${what} folder ${folder} cannot be made`, { cause: error });
  }
  if (lstatSync(folder).isSymbolicLink()) throw new Error(`${what} folder ${folder} is refused: it is a symbolic link`);
  const file = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const { uid, mode } = fstatSync(file);
    const ours = process.geteuid?.() ?? uid;
    if (uid !== ours)
      throw new Error(`${what} folder ${folder} is refused: it belongs to user ${uid}, the collector is user ${ours}`);
    if ((mode & (OTHERS_WRITE | GROUP_WRITE)) !== 0) {
      throw new Error(
        `${what} folder ${folder} is refused: its mode is ${(mode & 0o7777).toString(8)}, others may write to it`,
      );
    }
    if ((mode & 0o7777) !== FOLDER_MODE) fchmodSync(file, FOLDER_MODE);
    const pathOf = (name: string) => join(`/proc/self/fd/${file}`, name);
    lock(`${what} folder ${folder}`, pathOf);
    return {
      pathOf,
      file,
      close() {
        unlinkQuietly(pathOf(LOCK));
        closeSync(file);
      },
    };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/**
 * A file that names its holder by boot, pid and start time. It outlives kill -9, its holder does not, and then the next one
 * takes it. (Node has no flock; the lock keeps apart two collectors that were started by mistake, not two that race to the microsecond.)
 */
function lock(named: string, pathOf: (name: string) => string): void {
  const own = holderOf("self");
  const draft = pathOf(`${LOCK}.${process.pid}`);
  unlinkQuietly(draft);
  writeFileSync(draft, own, { flag: "wx", mode: 0o600 });
  try {
    for (let tries = 0; tries < LOCK_TRIES_MAX; tries++) {
      try {
        linkSync(draft, pathOf(LOCK));
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder = readLock(pathOf(LOCK));
      const pid = holder.split(" ")[1] ?? "";
      if (/^\d+$/.test(pid) && holder !== own && holderOf(pid) === holder) {
        throw new Error(`${named} is refused: the collector with pid ${pid} uses it`);
      }
      if (holder === own) throw new Error(`${named} is refused: this collector uses it already`);
      unlinkQuietly(pathOf(LOCK));
    }
    throw new Error(`${named} is refused: its lock changes hands`);
  } finally {
    unlinkQuietly(draft);
  }
}

function readLock(path: string): string {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    // Gone in between, or a link that somebody put there: either is taken away and tried again.
    return "";
  }
  try {
    return readFileSync(file, "utf8").slice(0, 200);
  } finally {
    closeSync(file);
  }
}

/** Boot id, pid and start tick of a process; empty when there is none. Source: man 5 proc_pid_stat, field 22. */
function holderOf(pid: string): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const afterName = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return `${boot} ${pid === "self" ? process.pid : pid} ${afterName[19] ?? ""}`;
  } catch {
    return "";
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Not there: that is what was wanted. Not allowed: the link that follows says so.
  }
}
