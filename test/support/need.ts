// What a test says when the machine lacks something it needs: a reason to skip, or a failure where CI is set.
// It leaves installing to .ci/run.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Gives the reason back for a test to skip with; throws where CI is set, because there a skipped proof is no proof. */
export function skipReason(reason: string): string {
  if (process.env["CI"]) throw new Error(`${reason}; with CI set nothing is skipped`);
  return reason;
}

/** False when every command is in PATH, or is there when it is an absolute path; otherwise the reason to skip. */
export function missing(...commands: string[]): string | false {
  const absent = commands.filter((command) => !isInPath(command));
  return absent.length === 0 ? false : skipReason(`this machine has no ${absent.join(", no ")}`);
}

function isInPath(command: string): boolean {
  const folders = command.startsWith("/") ? ["/"] : (process.env["PATH"] ?? "").split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
