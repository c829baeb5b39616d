// Folders are made with all that is missing above them, and where none can be made there is an error, at once.
import { equal, throws } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeFolder } from "../../../collector/ship/make-folder.ts";

const place = () => mkdtempSync(join(tmpdir(), "tidemark-"));

test("a folder is made with those above it, and again without complaint, also through a link", () => {
  const folder = join(place(), "a", "b", "c");
  makeFolder(folder);
  makeFolder(folder);
  equal(statSync(folder).isDirectory(), true);
  const link = join(place(), "link");
  symlinkSync(folder, link);
  makeFolder(join(link, "d"));
  equal(statSync(join(folder, "d")).isDirectory(), true);
});

test("where no folder can be made there is an error that names it, not a wait without end", () => {
  const file = join(place(), "file");
  writeFileSync(file, "");
  const fails = (folder: string, message: RegExp, code: string) =>
    throws(
      () => makeFolder(folder),
      (error: Error) => message.test(error.message) && (error.cause as NodeJS.ErrnoException).code === code,
    );
  fails("/proc/tidemark/x/y", /^cannot make the folder \/proc\/tidemark$/, "ENOENT");
  fails(join(file, "x"), /^cannot make the folder .*file$/, "EEXIST");
  const dangling = join(place(), "link");
  symlinkSync("/proc/tidemark", dangling);
  fails(join(dangling, "x"), /^cannot make the folder .*link$/, "EEXIST");
});

test("no setting that names a folder below /proc holds up the collector or the command: they end with a message", () => {
  const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    spawnSync(process.execPath, args, { env: { PATH: process.env["PATH"], ...env }, encoding: "utf8", timeout: 60_000 });
  const folder = "/proc/tidemark/lake";
  const collector = run([file("collector/main.ts")], { TIDEMARK_DELIVERY_FOLDER: folder, TIDEMARK_RING_FOLDER: place() });
  equal(collector.status, 2, collector.stderr);
  equal(
    /TIDEMARK_DELIVERY_FOLDER is \/proc\/tidemark\/lake: cannot make .*ENOENT/.test(collector.stderr),
    true,
    collector.stderr,
  );
  for (const verb of ["watch", "demo"]) {
    const { status, stderr } = run([file("local/cli.ts"), verb, "--folder", folder], { TIDEMARK_RING_FOLDER: place() });
    equal(status, 1, stderr);
    equal(/cannot make the folder \/proc\/tidemark/.test(stderr), true, stderr);
  }
});
