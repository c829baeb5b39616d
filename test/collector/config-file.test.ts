// The configuration file: what its lines say, and whose files are not believed.
// Which names there are is config.test.ts's.
import { deepEqual, equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseConfigFile, readConfigFile } from "../../collector/config-file.ts";
import { skipReason } from "../support/need.ts";

const newFolder = () => mkdtempSync(join(tmpdir(), "tidemark-"));

/** Path of a file with this text and mode. */
function written(text: string, mode = 0o644): string {
  const path = join(newFolder(), "collector.conf");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const problemOf = (path: string): string => {
  const file = readConfigFile(path);
  return file.ok ? "" : file.error.join("\n");
};

test("lines are NAME=value; comments, empty lines, carriage returns and quotes around a value are no part of it", () => {
  const file = parseConfigFile("# a\n\n  A=1\r\nB=\"two words\"\nC='x#y'\nD=a=b\nE=\n#F=7", "f");
  deepEqual(
    file.ok && Object.fromEntries(Array.from(file.value.settings, ([name, { value, line }]) => [name, [value, line]])),
    {
      A: ["1", 3],
      B: ["two words", 4],
      C: ["x#y", 5],
      D: ["a=b", 6],
      E: ["", 7],
    },
  );
});

test("what is no assignment, is set twice, or systemd would read otherwise is refused, all at once and with its line", () => {
  const text = ["export A=1", "A", "B=1", "B=2", "C=a\\nb", 'D="a', "E=a\u0007", "=1", "[Service]", "1A=2"].join("\n");
  deepEqual(parseConfigFile(text, "f"), {
    ok: false,
    error: [
      'f line 1 is "export A=1": expected NAME=value',
      'f line 2 is "A": expected NAME=value',
      "f line 4 sets B again, line 3 did before",
      "f line 5: a value cannot hold quotes, backslashes or control characters",
      "f line 6: a value cannot hold quotes, backslashes or control characters",
      "f line 7: a value cannot hold quotes, backslashes or control characters",
      'f line 8 is "=1": expected NAME=value',
      'f line 9 is "[Service]": expected NAME=value',
      'f line 10 is "1A=2": expected NAME=value',
    ],
  });
});

test("no more of a strange line is repeated than its beginning: it may hold a secret", () => {
  const parsed = parseConfigFile("export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI", "f");
  equal(parsed.ok ? "" : parsed.error[0]?.includes("wJal"), false);
});

test("a file that others may write to, that lies where anyone may replace it, or that is none is not believed", () => {
  match(problemOf(written("A=1", 0o664)), /is refused: its mode is 664, others may write to it/);
  match(problemOf(written("A=1", 0o602)), /its mode is 602/);
  match(problemOf(newFolder()), /it is no regular file/);
  match(problemOf(written("A=1\n".repeat(20_000))), /it has more than 65536 bytes/);
  const open = newFolder();
  writeFileSync(join(open, "collector.conf"), "A=1");
  chmodSync(open, 0o777);
  match(problemOf(join(open, "collector.conf")), /anyone may replace it, .* is world-writable/);
  chmodSync(open, 0o1777);
  equal(problemOf(join(open, "collector.conf")), "");
});

test("a link is followed, and the folder that it leads to judged as well", () => {
  const target = newFolder();
  writeFileSync(join(target, "real.conf"), "A=1");
  const link = join(newFolder(), "collector.conf");
  symlinkSync(join(target, "real.conf"), link);
  equal(problemOf(link), "");
  chmodSync(target, 0o777);
  match(problemOf(link), /is world-writable/);
});

test("a FIFO is refused at once: nobody has to write to it first", { timeout: 5_000 }, () => {
  const path = join(newFolder(), "fifo");
  equal(spawnSync("mkfifo", ["-m", "600", path]).status, 0);
  match(problemOf(path), /it is no regular file/);
});

test("a stranger's file is refused", {
  skip: process.getuid?.() === 0 ? false : skipReason("needs root to give a file away"),
}, () => {
  const path = written("A=1");
  chownSync(path, 65_534, 65_534);
  match(problemOf(path), /it belongs to user 65534; root or user 0 must own it/);
});

test("a folder that anyone could write to, but that is mounted read-only, is a Kubernetes ConfigMap", (t) => {
  const folder = newFolder();
  mkdirSync(join(folder, "map"), { mode: 0o777 });
  chmodSync(join(folder, "map"), 0o777);
  writeFileSync(join(folder, "map", "collector.conf"), "A=1");
  const entry = join(import.meta.dirname, "../../collector/config-file.ts");
  const ask = `import(${JSON.stringify(entry)}).then((m) => console.log(JSON.stringify(m.readConfigFile("${folder}/map/collector.conf"))))`;
  const script = `mount --bind ${folder}/map ${folder}/map && mount -o remount,bind,ro ${folder}/map && exec "$0" -e '${ask}'`;
  const { status, stdout, stderr } = spawnSync("unshare", ["-m", "sh", "-c", script, process.execPath], { encoding: "utf8" });
  if (status !== 0) return t.skip(skipReason(`no mount namespace here: ${stderr.slice(0, 80)}`));
  match(stdout, /"ok":true/);
});
