// Which folder a spool may be in: ours, closed to others, no link, and one collector's at a time.
import { equal, match, ok, throws } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openSpoolFolder } from "../../../collector/ship/spool-folder.ts";
import { skipReason } from "../../support/need.ts";

const newParent = () => mkdtempSync(join(tmpdir(), "tidemark-"));

test("a folder is made closed to others, and one that others may read is closed", () => {
  const parent = newParent();
  openSpoolFolder(join(parent, "made")).close();
  equal(statSync(join(parent, "made")).mode & 0o777, 0o700);
  mkdirSync(join(parent, "open"));
  chmodSync(join(parent, "open"), 0o755);
  openSpoolFolder(join(parent, "open")).close();
  equal(statSync(join(parent, "open")).mode & 0o777, 0o700);
});

for (const mode of [0o777, 0o1777, 0o770, 0o722]) {
  test(`a folder of mode ${mode.toString(8)} is refused: others may write to it`, () => {
    const folder = join(newParent(), "spool");
    mkdirSync(folder);
    chmodSync(folder, mode);
    throws(() => openSpoolFolder(folder), new RegExp(`is refused: its mode is ${mode.toString(8)}, others may write to it`));
    equal(statSync(folder).mode & 0o7777, mode, "and left as it is");
  });
}

test("a symbolic link is refused, and so is a folder that anyone may replace, or that is none", () => {
  const parent = newParent();
  mkdirSync(join(parent, "elsewhere"));
  symlinkSync(join(parent, "elsewhere"), join(parent, "link"));
  throws(() => openSpoolFolder(join(parent, "link")), /is refused: it is a symbolic link/);
  writeFileSync(join(parent, "file"), "");
  throws(() => openSpoolFolder(join(parent, "file")), /ENOTDIR/);
  chmodSync(parent, 0o777);
  throws(() => openSpoolFolder(join(parent, "spool")), /is refused: anyone may replace it, .* is world-writable/);
});

const skip = process.geteuid?.() === 0 ? false : skipReason("only root can give a folder away");

test("another user's folder is refused, with both users", { skip }, () => {
  const folder = join(newParent(), "spool");
  mkdirSync(folder, { mode: 0o700 });
  chownSync(folder, 4_711, 4_711);
  throws(() => openSpoolFolder(folder), /is refused: it belongs to user 4711, the collector is user 0/);
});

test("a folder that is swapped for another while it is used stays the one that was opened", () => {
  const parent = newParent();
  const folder = openSpoolFolder(join(parent, "spool"));
  renameSync(join(parent, "spool"), join(parent, "moved"));
  symlinkSync("/etc", join(parent, "spool"));
  writeFileSync(folder.pathOf("probe"), "here");
  equal(readFileSync(join(parent, "moved", "probe"), "utf8"), "here");
  folder.close();
});

test("a second collector is refused as long as the first lives, and has the folder when that was killed", async () => {
  const folder = join(newParent(), "spool");
  const module = fileURLToPath(new URL("../../../collector/ship/spool-folder.ts", import.meta.url));
  const script = `
    import { openSpoolFolder } from ${JSON.stringify(module)};
    openSpoolFolder(${JSON.stringify(folder)});
    console.log("open");
    setInterval(() => undefined, 1_000);`;
  const first = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(first.stdout, "data");
  throws(() => openSpoolFolder(folder), new RegExp(`is refused: the collector with pid ${first.pid} uses it`));
  first.kill("SIGKILL");
  await once(first, "exit");
  ok(readFileSync(join(folder, "lock"), "utf8").includes(` ${first.pid} `), "its lock is still there");
  const second = openSpoolFolder(folder);
  throws(() => openSpoolFolder(folder), /is refused: this collector uses it already/);
  second.close();
});

test("a lock in words that nobody understands, or a link in its place, is taken away", () => {
  const folder = join(newParent(), "spool");
  openSpoolFolder(folder).close();
  writeFileSync(join(folder, "lock"), "\0nonsense 1 1 1");
  openSpoolFolder(folder).close();
  symlinkSync("/etc/passwd", join(folder, "lock"));
  openSpoolFolder(folder).close();
  match(readFileSync("/etc/passwd", "utf8"), /root/);
});
