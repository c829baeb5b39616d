// What is run: a command, or a copy of a process that is only read. Its words are a stranger's.
// A process's own pid, files and sockets are never touched.
import { lstatSync } from "node:fs";
import { type ProcError, readKernelFile, readKernelLink } from "../../collector/proc/read.ts";
import { parseStatus } from "../../collector/proc/status.ts";
import { err, ok, type Result } from "../../schema/result.ts";

export interface Program {
  /** What is executed: a path, or a name to look for in PATH. */
  readonly file: string;
  readonly argv0: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** execve takes at most 6 MiB of arguments and environment together: bprm_set_stack_limits in fs/exec.c of Linux. */
const TEXT_BYTES_MAX = 8 * 1_024 * 1_024;

export const programOf = ([file, ...args]: readonly [string, ...string[]], env: Readonly<Record<string, string>>): Program => ({
  file,
  argv0: file,
  args,
  cwd: process.cwd(),
  env,
});

/** Program, arguments, folder and environment of a process, or in a sentence why a copy cannot be started. */
export function copyOf(pid: number): Result<Program, string> {
  const status = readKernelFile(`/proc/${pid}/status`);
  const parsed = status.ok ? parseStatus(status.value, `/proc/${pid}/status`) : status;
  if (!parsed.ok) return err(problemOf(pid, parsed.error));
  const [, uid] = parsed.value.uids;
  if (parsed.value.rss_bytes === null) return err(`process ${pid} is a kernel thread or a zombie: there is nothing to copy`);
  const exe = readKernelLink(`/proc/${pid}/exe`);
  const cwd = readKernelLink(`/proc/${pid}/cwd`);
  const cmdline = readKernelFile(`/proc/${pid}/cmdline`, TEXT_BYTES_MAX);
  const environ = readKernelFile(`/proc/${pid}/environ`, TEXT_BYTES_MAX);
  for (const read of [exe, cwd, cmdline, environ]) if (!read.ok) return err(problemOf(pid, read.error));
  if (!exe.ok || !cwd.ok || !cmdline.ok || !environ.ok) return err(`process ${pid} cannot be read`);
  const own = process.getuid?.();
  if (uid !== own)
    return err(
      `process ${pid} is user ${uid}'s and you are user ${own}: its copy would run as you. Ask as that user (sudo -u '#${uid}' ...)`,
    );
  if (!isInOurRoot(pid))
    return err(`process ${pid} lives in another root or mount namespace (a container): run whatif in there, or on its command`);
  if (exe.value.endsWith(" (deleted)")) return err(`the program of process ${pid} was replaced since it started: ${exe.value}`);
  const words = split(cmdline.value);
  const [argv0] = words;
  if (argv0 === undefined) return err(`process ${pid} has no command line: it has moved it, or is about to end`);
  // Servers write a title over their arguments (redis-server *:6379, nginx: master process ...): what they were started with is lost.
  if (words.slice(1).every((word) => word === "") && argv0.includes(" ") && !exists(argv0))
    return err(`process ${pid} has written a title over its command line (${argv0.slice(0, 80)}): give its command after --`);
  const env = Object.fromEntries(
    split(environ.value).flatMap((entry): [string, string][] => {
      const equals = entry.indexOf("=");
      return equals > 0 ? [[entry.slice(0, equals), entry.slice(equals + 1)]] : [];
    }),
  );
  return ok({ file: exe.value, argv0, args: words.slice(1), cwd: cwd.value, env });
}

function problemOf(pid: number, error: ProcError): string {
  switch (error.kind) {
    case "gone":
      return `process ${pid} does not exist (any more)`;
    case "denied":
      return `process ${pid} is closed to you (${error.path}): ask as its user`;
    case "malformed":
      return `process ${pid} has an unreadable ${error.path}`;
    case "unreadable":
      return error.code === "EFBIG"
        ? `process ${pid} has moved its arguments or its environment to something larger than the kernel takes (${error.path})`
        : `process ${pid} has an unreadable ${error.path}: ${error.code}`;
  }
}

/** Empty words are words, but for what follows the last NUL. */
const split = (text: string): readonly string[] =>
  text === ""
    ? []
    : text
        .replace(/\0$/, "")
        .split("\0")
        .map((word) => Buffer.from(word, "latin1").toString("utf8"));

function isInOurRoot(pid: number): boolean {
  const [root, ownRoot] = [readKernelLink(`/proc/${pid}/root`), readKernelLink("/proc/self/root")];
  const [mounts, ownMounts] = [readKernelLink(`/proc/${pid}/ns/mnt`), readKernelLink("/proc/self/ns/mnt")];
  return root.ok && ownRoot.ok && mounts.ok && ownMounts.ok && root.value === ownRoot.value && mounts.value === ownMounts.value;
}

function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
