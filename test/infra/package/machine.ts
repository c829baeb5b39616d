// A machine to install on: this one's file system under an overlay that is thrown away, with a real systemd as its first process.
// Only root can make one. What is installed is the tests'.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { missing, skipReason } from "../../support/need.ts";

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Machine extends AsyncDisposable {
  /** Runs a command inside, as root; never throws. */
  run(command: string, ...args: readonly string[]): Ran;
  /** Standard output of a command that must succeed. */
  output(command: string, ...args: readonly string[]): string;
  /** A path inside, as seen from outside. */
  outside(path: string): string;
  /** Regular files and links that are not as on the real machine, or gone. */
  changed(): readonly string[];
}

const SYSTEMD = "/lib/systemd/systemd";
const BOOT_TRIES_MAX = 200;
const DEVICES = ["null", "zero", "full", "random", "urandom", "tty"];

/** False where a machine can be made; otherwise the reason to skip. */
export function noMachine(): string | false {
  if (process.getuid?.() !== 0) return skipReason("only root can install packages, even on an overlay");
  if (!readFileSync("/proc/filesystems", "utf8").includes("overlay"))
    return skipReason("this kernel has no overlay file system");
  return missing("unshare", "nsenter", "setpriv", "chroot", SYSTEMD, "systemctl", "dpkg");
}

export async function startMachine(): Promise<Machine> {
  // A file system of its own: an overlay takes none that is one itself for what is written.
  const work = mkdtempSync("/var/tmp/tidemark-machine-");
  const root = join(work, "root");
  mkdirSync(join(work, "disk"));
  mkdirSync(root);
  const cgroups = readCgroups().map((cgroup) => ({ ...cgroup, own: join(cgroup.at, basename(work)) }));
  const script = bootScript({ work, root, cgroups });
  const enter = cgroups.map(({ own }) => `mkdir -p ${own} && echo $$ > ${own}/cgroup.procs`).join("\n");
  const child = spawn(
    "sh",
    ["-ec", `${enter}\nexec unshare --mount --pid --fork --cgroup --ipc --uts --net --kill-child sh -ec "$1"`, "sh", script],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-4_000);
  });
  const dispose = async () => {
    const first = systemdOf(child);
    if (first !== null) process.kill(first, "SIGKILL");
    else child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    for (const { own } of cgroups) await removeCgroup(own);
    rmSync(work, { recursive: true, force: true });
  };
  try {
    const pid = await booted(child, () => said);
    const inside = (command: string, args: readonly string[]) =>
      spawnSync("nsenter", [`--target=${pid}`, "-m", "-p", "-C", "-i", "-u", "-n", "-r", "-w", command, ...args], {
        encoding: "utf8",
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" },
        maxBuffer: 1 << 26,
        timeout: 60_000,
      });
    const outside = (path: string) => join(`/proc/${pid}/root`, path);
    return {
      run: (command, ...args) => inside(command, args),
      output(command, ...args) {
        const { error, status, stdout, stderr } = inside(command, args);
        if (error !== undefined) throw error;
        if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}: ${stdout}${stderr}`);
        return stdout;
      },
      outside,
      changed: () => filesBelow(outside("/.upper"), ""),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface Cgroup {
  readonly at: string;
  readonly type: string;
  readonly options: string;
}

/** man 5 proc_pid_mountinfo: mount point is the fifth field, type and own options stand behind the dash. systemd uses no cpuset. */
function readCgroups(): readonly Cgroup[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, at = "", type = "", options = ""] = /^\S+ \S+ \S+ \S+ (\S+) .* - (cgroup2?) \S+ (\S+)$/.exec(line) ?? [];
      return at === "" || options.includes("cpuset") ? [] : [{ at, type, options: options.replace(/^rw,?/, "") }];
    });
}

interface Boot {
  readonly work: string;
  readonly root: string;
  readonly cgroups: readonly Cgroup[];
}

/** Runs in the new namespaces. Nothing of it outlives them. */
function bootScript({ work, root, cgroups }: Boot): string {
  const disk = join(work, "disk");
  return [
    "mount --make-rprivate /",
    `mount -t tmpfs disk ${disk}`,
    `mkdir ${disk}/upper ${disk}/work`,
    `mount -t overlay overlay -o lowerdir=/,upperdir=${disk}/upper,workdir=${disk}/work ${root}`,
    `mkdir ${root}/.upper && mount --bind ${disk}/upper ${root}/.upper`,
    // Machines that are tested on forbid services to start; the one to install on does not.
    `rm -f ${root}/usr/sbin/policy-rc.d`,
    `mount -t proc proc ${root}/proc`,
    `mount -t sysfs sysfs ${root}/sys`,
    ...["dev", "run", "tmp"].map((folder) => `mount -t tmpfs ${folder} ${root}/${folder}`),
    ...DEVICES.map((device) => `touch ${root}/dev/${device} && mount --bind /dev/${device} ${root}/dev/${device}`),
    // PrivateDevices= takes these along.
    `mkdir ${root}/dev/shm ${root}/dev/pts ${root}/dev/mqueue ${root}/dev/hugepages && ln -s pts/ptmx ${root}/dev/ptmx`,
    `mount -t devpts -o newinstance,ptmxmode=0666 devpts ${root}/dev/pts`,
    ...(cgroups.some(({ at }) => at === "/sys/fs/cgroup") ? [] : [`mount -t tmpfs cgroup ${root}/sys/fs/cgroup`]),
    ...cgroups.map(
      ({ at, type, options }) =>
        `mkdir -p ${root}${at} && mount -t ${type} ${options === "" ? "" : `-o ${options}`} cgroup ${root}${at}`,
    ),
    // Nothing of the real machine's services: a target that wants none.
    `mkdir -p ${root}/run/systemd/system`,
    `printf '[Unit]\\nDefaultDependencies=no\\n' > ${root}/run/systemd/system/installed-on.target`,
    `exec chroot ${root} env -i container=tidemark ${SYSTEMD} --system --unit=installed-on.target --log-target=console --show-status=no --log-level=warning`,
  ].join("\n");
}

function systemdOf(child: ChildProcess): number | null {
  if (child.pid === undefined) return null;
  try {
    const [first = ""] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").split(" ");
    return /^\d+$/.test(first) ? Number(first) : null;
  } catch {
    return null;
  }
}

async function booted(child: ChildProcess, said: () => string): Promise<number> {
  for (let tries = 0; tries < BOOT_TRIES_MAX; tries++) {
    await sleep(50);
    if (child.exitCode !== null) break;
    const pid = systemdOf(child);
    if (pid === null || !readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("systemd")) continue;
    const state = spawnSync(
      "nsenter",
      [`--target=${pid}`, "-m", "-p", "-C", "-n", "-r", "-w", "systemctl", "is-system-running"],
      {
        encoding: "utf8",
      },
    );
    if (/running|degraded/.test(state.stdout)) return pid;
  }
  throw new Error(`systemd did not start on the overlay: ${said()}`);
}

/** Empty folders of ended services; the last ones are left by the kernel a moment after their processes. */
async function removeCgroup(own: string): Promise<void> {
  for (let tries = 0; tries < 40; tries++) {
    try {
      for (const folder of globSync("**/", { cwd: own }).sort((one, other) => other.length - one.length))
        rmdirSync(join(own, folder));
      rmdirSync(own);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      await sleep(50);
    }
  }
}

function filesBelow(folder: string, path: string): readonly string[] {
  return readdirSync(join(folder, path), { withFileTypes: true }).flatMap((entry) => {
    const below = join(path, entry.name);
    return entry.isDirectory() ? filesBelow(folder, below) : [`/${below}`];
  });
}
