// The collector's configuration file: NAME=value lines, the same names and values as in an environment or a systemd unit.
// Which names there are and what they may say is config.ts's; who may have written the file is decided here.
import { accessSync, closeSync, constants, fstatSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { err, ok, type Result } from "../schema/result.ts";

/** Where the host package puts it. It is read where `--config` says so, and not otherwise: a demo must not pick up the host's. */
export const CONFIG_PATH_PACKAGED = "/etc/tidemark/collector.conf";

export interface FileSetting {
  readonly value: string;
  readonly line: number;
}

export interface ConfigFile {
  readonly path: string;
  readonly settings: ReadonlyMap<string, FileSetting>;
}

/** Every setting with a comment as long as a page fits. */
const FILE_BYTES_MAX = 64 * 1_024;
const [OTHERS_OR_GROUP_WRITE, OTHERS_WRITE, STICKY] = [0o022, 0o002, 0o1000];

/** What the file says, or all that is wrong with it. */
export function readConfigFile(path: string): Result<ConfigFile, readonly string[]> {
  let text: string;
  try {
    text = readTrusted(path);
  } catch (error) {
    return err([`${path} is refused: ${(error as Error).message}`]);
  }
  return parseConfigFile(text, path);
}

/** Links are followed: those who manage configurations work with them. What is judged is the open file. */
function readTrusted(path: string): string {
  // O_NONBLOCK: opening a FIFO must not wait for somebody who writes to it.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new Error("it is no regular file");
    const ours = process.geteuid?.() ?? 0;
    if (stats.uid !== 0 && stats.uid !== ours) {
      throw new Error(`it belongs to user ${stats.uid}; root or user ${ours} must own it`);
    }
    if ((stats.mode & OTHERS_OR_GROUP_WRITE) !== 0) {
      throw new Error(`its mode is ${(stats.mode & 0o7777).toString(8)}, others may write to it: chmod go-w`);
    }
    for (const folder of new Set([dirname(path), dirname(realpathSync(path))])) refuseReplaceable(folder);
    const bytes = Buffer.alloc(FILE_BYTES_MAX + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, null);
    }
    if (length > FILE_BYTES_MAX) throw new Error(`it has more than ${FILE_BYTES_MAX} bytes`);
    return bytes.toString("utf8", 0, length);
  } finally {
    closeSync(file);
  }
}

function refuseReplaceable(folder: string): void {
  const { mode } = statSync(folder);
  if ((mode & OTHERS_WRITE) === 0 || (mode & STICKY) !== 0 || isReadOnly(folder)) return;
  throw new Error(`anyone may replace it, ${folder} is world-writable`);
}

/** A Kubernetes ConfigMap is mounted with mode 777, and read-only. */
function isReadOnly(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EROFS";
  }
}

/**
 * Lines of `NAME=value`; empty ones and those that begin with # mean nothing. A value may stand in quotes, which are taken off.
 * What systemd (EnvironmentFile=) or a shell would read as something else, a backslash or a quote within, is refused.
 */
export function parseConfigFile(text: string, path: string): Result<ConfigFile, readonly string[]> {
  const settings = new Map<string, FileSetting>();
  const problems: string[] = [];
  for (const [at, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const where = `${path} line ${at + 1}`;
    const [, name, quoted] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line) ?? [];
    const value = quoted === undefined ? undefined : (/^"([^"]*)"$|^'([^']*)'$/.exec(quoted)?.slice(1).join("") ?? quoted);
    if (name === undefined || value === undefined) problems.push(`${where} is ${shown(line)}: expected NAME=value`);
    else if (/["'\\\p{Cc}\p{Cf}]/u.test(value))
      problems.push(`${where}: a value cannot hold quotes, backslashes or control characters`);
    else if (settings.has(name)) problems.push(`${where} sets ${name} again, line ${settings.get(name)?.line} did before`);
    else settings.set(name, { value, line: at + 1 });
  }
  return problems.length === 0 ? ok({ path, settings }) : err(problems);
}

/** Part of a line that somebody may have put a secret into by mistake goes to the log: no more than its beginning. */
const shown = (line: string): string =>
  JSON.stringify(line.length > 24 ? `${line.slice(0, 24)}...` : line).replace(/[\p{Cc}\p{Cf}]/gu, "\u{fffd}");
