// The spool on a real disk: order, its bound, damage of every kind, kill -9 of who writes it, and a full disk.
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { HEADER_BYTES } from "../../../collector/ship/spool-record.ts";
import { skipReason } from "../../support/need.ts";
import { filesOf, MIB, newFolder, spoolIn, textsOf } from "../../support/spool.ts";

const bytes = (text: string) => Buffer.from(text);

/** Records of an earlier run, given back as kill -9 would leave them. */
function leave(folder: string, texts: readonly string[]): void {
  const spool = spoolIn(folder);
  spool.giveBack(texts.map((text) => spool.append(bytes(text), 2)));
  spool.close();
}

test("records come back in order after a restart, those in hand are given to nobody else, and what is delivered is gone", () => {
  const folder = newFolder();
  leave(folder, ["one", "two", "three"]);
  const spool = spoolIn(folder);
  deepEqual(spool.state().rowCount, 6);
  const [first, ...others] = spool.take(8, false);
  equal(String(first?.bytes), "one");
  equal(others.length, 1, "eight bytes hold two of them");
  deepEqual(textsOf(spool), ["three"]);
  deepEqual(textsOf(spool), []);
  spool.done(first === undefined ? [] : [first]);
  spool.giveBack(others);
  deepEqual(textsOf(spool), ["two"]);
  spool.close();
  const again = spoolIn(folder);
  deepEqual(textsOf(again), ["two", "three"], "the mark of the first has survived, what was in hand waits again");
  again.close();
});

test("the folder is 0700 and its files 0600", () => {
  const folder = newFolder();
  leave(folder, ["one"]);
  equal(statSync(folder).mode & 0o777, 0o700);
  for (const path of filesOf(folder)) equal(statSync(path).mode & 0o777, 0o600);
});

test("a file goes when all of its records are delivered", () => {
  const folder = newFolder();
  leave(folder, ["one", "two"]);
  const spool = spoolIn(folder);
  const [one, two] = spool.take(MIB, true);
  spool.done(one === undefined ? [] : [one]);
  equal(filesOf(folder).length, 1);
  spool.done(two === undefined ? [] : [two]);
  deepEqual(filesOf(folder), []);
  deepEqual(spool.state(), { bytes: 0, rowCount: 0 });
  spool.close();
});

test("a record larger than what is asked for is given when nothing smaller will ever do", () => {
  const spool = spoolIn(newFolder());
  spool.giveBack([spool.append(bytes("long"), 1)]);
  deepEqual(spool.take(3, false), []);
  equal(spool.take(3, true).length, 1);
  spool.close();
});

test("beyond its bound the oldest are dropped, counted in rows, and the files stay within it", () => {
  const folder = newFolder();
  const spool = spoolIn(folder, 4 * MIB);
  const size = 100_000;
  for (let index = 0; index < 100; index++) {
    spool.giveBack([spool.append(Buffer.alloc(size, index), 3)]);
    ok(filesOf(folder).reduce((sum, path) => sum + statSync(path).size, 0) <= 4 * MIB);
  }
  const dropped = spool.takeDroppedRowCount();
  equal(spool.takeDroppedRowCount(), 0);
  const left = spool.take(Number.POSITIVE_INFINITY, true);
  equal(left.length * 3 + dropped, 300, "every row is there or counted");
  deepEqual([left[0]?.bytes[0], left.at(-1)?.bytes[0]], [100 - left.length, 99], "the newest are those that stay");
  ok(left.length >= 30, `${left.length} of 41 that fit`);
  spool.close();
});

test("what was in hand when its file was dropped counts as dropped only if it was not delivered", () => {
  const spool = spoolIn(newFolder(), 4 * MIB);
  const [kept, lost] = [spool.append(bytes("a"), 1), spool.append(bytes("b"), 10)];
  for (let index = 0; index < 60; index++) spool.giveBack([spool.append(Buffer.alloc(100_000), 100)]);
  const before = spool.takeDroppedRowCount();
  equal(before % 100, 0);
  spool.done([kept]);
  equal(spool.takeDroppedRowCount(), 0);
  spool.giveBack([lost]);
  equal(spool.takeDroppedRowCount(), 10);
  spool.close();
});

const overwrite = (path: string, at: number, text: string) => {
  const content = readFileSync(path);
  content.write(text, at);
  writeFileSync(path, content);
};
const recordAt = (index: number) => index * (HEADER_BYTES + 3);

const damages: readonly {
  name: string;
  harm: (path: string) => void;
  left: readonly string[];
  damaged: number;
  dropped: number;
}[] = [
  {
    name: "a byte of a record's content costs that record and its rows",
    harm: (path) => overwrite(path, recordAt(1) + HEADER_BYTES, "x"),
    left: ["one", "six"],
    damaged: 1,
    dropped: 2,
  },
  {
    name: "a byte of a header costs that record; the next is found",
    harm: (path) => overwrite(path, recordAt(1) + 9, "x"),
    left: ["one", "six"],
    damaged: 1,
    dropped: 0,
  },
  {
    name: "the mark of delivery costs a repetition at most",
    harm: (path) => overwrite(path, recordAt(1) + 4, "abcd"),
    left: ["one", "two", "six"],
    damaged: 0,
    dropped: 0,
  },
  {
    name: "a torn tail is cut off",
    harm: (path) => truncateSync(path, recordAt(3) - 1),
    left: ["one", "two"],
    damaged: 1,
    dropped: 0,
  },
  {
    name: "half a header is cut off",
    harm: (path) => appendFileSync(path, "TMR1abc"),
    left: ["one", "two", "six"],
    damaged: 1,
    dropped: 0,
  },
  {
    name: "a tail of zeros, as a power cut leaves it, is cut off",
    harm: (path) => appendFileSync(path, Buffer.alloc(5_000)),
    left: ["one", "two", "six"],
    damaged: 1,
    dropped: 0,
  },
  {
    name: "another format altogether costs the file",
    harm: (path) => writeFileSync(path, "{}\n".repeat(200_000)),
    left: [],
    damaged: 1,
    dropped: 0,
  },
  {
    name: "something in front, however long, costs nothing behind it",
    harm: (path) => writeFileSync(path, Buffer.concat([Buffer.alloc(600_000, "TMR1"), readFileSync(path)])),
    left: ["one", "two", "six"],
    damaged: 1,
    dropped: 0,
  },
];

for (const { name, harm, left, damaged, dropped } of damages) {
  test(`damage: ${name}`, () => {
    const folder = newFolder();
    leave(folder, ["one", "two", "six"]);
    harm(filesOf(folder)[0] ?? "");
    const spool = spoolIn(folder);
    deepEqual(textsOf(spool), left);
    deepEqual([spool.takeDamagedCount(), spool.takeDroppedRowCount()], [damaged, dropped]);
    spool.append(bytes("new"), 1);
    spool.close();
  });
}

test("what is no file of ours under such a name is neither followed nor removed, and a file removed under us costs itself", () => {
  const folder = newFolder();
  leave(folder, ["one"]);
  const elsewhere = join(folder, "elsewhere");
  writeFileSync(elsewhere, "secret");
  symlinkSync(elsewhere, join(folder, "000000000009.spool"));
  execFileSync("mkfifo", [join(folder, "000000000010.spool")]);
  const spool = spoolIn(folder);
  equal(spool.takeDamagedCount(), 2);
  equal(readFileSync(elsewhere, "utf8"), "secret");
  rmSync(filesOf(folder)[0] ?? "");
  deepEqual(textsOf(spool), []);
  equal(spool.takeDroppedRowCount(), 2);
  spool.append(bytes("new"), 1);
  spool.close();
});

test("kill -9 at any moment: what was promised is there, what was marked as delivered is not given again", async () => {
  const child = fileURLToPath(new URL("../../support/loads/spool-writer.ts", import.meta.url));
  let promisedCount = 0;
  for (let round = 0; round < 20; round++) {
    const folder = newFolder();
    const writer = spawn(process.execPath, [child, folder], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    writer.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      // At a random number of promises, in the midst of the next.
      if (output.length > 20 + ((round * 7_919) % 1_000)) writer.kill("SIGKILL");
    });
    await once(writer, "close");
    const lines = output.split("\n").slice(0, -1);
    const promised = lines.filter((line) => line.startsWith("+")).map((line) => line.slice(1));
    const done = new Set(lines.filter((line) => line.startsWith("-")).map((line) => line.slice(1)));
    const spool = spoolIn(folder);
    const found = textsOf(spool).map((text) => text.split(" ")[0] ?? "");
    const has = new Set(found);
    deepEqual(
      promised.filter((id) => !has.has(id) && !done.has(id) && !isLastTaken(id, done)),
      [],
      `round ${round}: lost`,
    );
    deepEqual(
      found.filter((id) => done.has(id)),
      [],
      `round ${round}: given again`,
    );
    deepEqual(found, [...has], "nothing is there twice");
    spool.close();
    promisedCount += promised.length;
  }
  ok(promisedCount > 100, `${promisedCount} promises`);
});

/** Delivered and marked, but killed before it could say so: the oldest that is not known as delivered. */
const isLastTaken = (id: string, done: ReadonlySet<string>): boolean => Number(id) === done.size;

const isRoot = process.geteuid?.() === 0;
const skip = isRoot ? false : skipReason("only root may mount a small disk to fill");

test("a full disk refuses the record, keeps all that it promised, and takes records again when there is room", { skip }, () => {
  const disk = mkdtempSync(join(tmpdir(), "tidemark-full-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", disk]);
  try {
    const spool = spoolIn(join(disk, "spool"));
    spool.giveBack([spool.append(bytes("first"), 1)]);
    writeFileSync(join(disk, "ballast"), Buffer.alloc(200 * 1_024));
    throws(() => spool.append(Buffer.alloc(100_000, "x"), 1), /ENOSPC/);
    throws(() => spool.append(Buffer.alloc(100_000, "x"), 1), /ENOSPC/);
    rmSync(join(disk, "ballast"));
    spool.giveBack([spool.append(bytes("second"), 1)]);
    spool.close();
    const again = spoolIn(join(disk, "spool"));
    deepEqual(textsOf(again), ["first", "second"]);
    equal(again.takeDamagedCount(), 0, "nothing half-written was left");
    again.close();
  } finally {
    execFileSync("umount", [disk]);
  }
});
