// Proves the walker on aarch64: a whole emulated machine with Debian's kernels of 4 and 16 KiB pages and four releases' libc.
// It leaves x86-64 to foreign-libc.test.ts. No kernel of 64 KiB pages is packaged: there only the parser is proved, by qemu-user.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { debianTree } from "../support/debian.ts";
import { foreignLibc, foreignPrograms, minorOf, releases } from "../support/foreign-libc.ts";
import { missing } from "../support/need.ts";
import { assertExact, assertNoFigures, assertParkedExact } from "./exactness.ts";
import { type Fields, make, numberOf, parseFields, programPath } from "./target.ts";

const run = promisify(execFile);
const work = mkdtempSync(join(tmpdir(), "tidemark-arm64-"));
after(() => rmSync(work, { recursive: true, force: true }));

/** The emulated machine needs some 30 s; on a host that does other things as well, several times that. */
const machineMsMax = 300_000;
const kernels = [
  { pageKib: 4, package: "linux-image-cloud-arm64*" },
  { pageKib: 16, package: "linux-image-arm64-16k*" },
];
/** In the init script's words: walks, commands or -, program. Small, because an emulated machine is slow. */
const anyPageCases = ["1 - known 3000 mixed", "1 - threads 2 1 1 66", "1 release,clear aligned", "1 - parked 2 30"];
const smallPageCases = [
  "1 - known 3000 same",
  "2 stop churn 2 3000",
  "1 - odd forked",
  "1 - odd garbage",
  "1 - odd foreign_brk",
];

function casesFor(pageKib: number): readonly string[] {
  return pageKib === 4 ? [...anyPageCases, ...smallPageCases] : anyPageCases;
}

interface Machine {
  readonly image: string;
  readonly kernel: string;
}

interface Case {
  readonly release: keyof typeof minorOf;
  readonly program: string;
  readonly truths: readonly Fields[];
  readonly walks: readonly Fields[];
}

const skip = missing("qemu-system-aarch64", "aarch64-linux-gnu-gcc", "cpio");
const machines = skip === false ? prepare() : [];

/** Everything downloaded and built, or the reason why not. */
function prepare(): readonly { kernel: string; pageKib: number }[] | string {
  const busybox = debianTree({ release: "bookworm", architecture: "arm64", packages: ["busybox-static"] });
  const programs = foreignPrograms("arm64");
  const libcs = releases.map((release) => ({ release, libc: foreignLibc(release, "arm64") }));
  const trees = kernels.map((kernel) =>
    debianTree({ release: "trixie", architecture: "arm64", packages: [kernel.package], only: "boot" }),
  );
  for (const item of [busybox, programs, ...libcs.map(({ libc }) => libc), ...trees]) {
    if (item.kind === "unavailable") return item.reason;
  }
  make("aarch64");
  const root = join(work, "root");
  for (const folder of ["bin", "lib", "unit", "programs", "proc", "dev"]) mkdirSync(join(root, folder), { recursive: true });
  if (busybox.kind === "unpacked") copyFileSync(join(busybox.folder, "bin/busybox"), join(root, "bin/busybox"));
  if (programs.kind === "found") copyAll(programs.folder, join(root, "programs"));
  copyAll(programPath("aarch64"), join(root, "unit"), /^tidemark-walk$|_unit$/);
  for (const { release, libc } of libcs) {
    if (libc.kind === "found") copyLibc(libc.folder, join(root, "libc", release));
    /* The walker itself runs on the library of the release that it is built on. */
    if (libc.kind === "found" && release === "bookworm") copyLibc(libc.folder, join(root, "lib"));
  }
  for (const { pageKib } of kernels) {
    const lines = releases.flatMap((release) => casesFor(pageKib).map((line) => `${release} ${line}\n`));
    writeFileSync(join(root, `cases-${pageKib}`), lines.join(""));
  }
  copyFileSync(fileURLToPath(new URL("foreign-arm64-init.sh", import.meta.url)), join(root, "init"));
  chmodSync(join(root, "init"), 0o755);
  return trees.map((tree, index) => {
    const boot = tree.kind === "unpacked" ? join(tree.folder, "boot") : "";
    const kernel = readdirSync(boot).find((name) => name.startsWith("vmlinuz"));
    if (kernel === undefined) throw new Error(`${boot} holds no kernel`);
    return { kernel: join(boot, kernel), pageKib: kernels[index]?.pageKib ?? 0 };
  });
}

function copyAll(from: string, to: string, pattern = /./): void {
  for (const name of readdirSync(from).filter((file) => pattern.test(file))) copyFileSync(join(from, name), join(to, name));
}

function copyLibc(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of ["ld-linux-aarch64.so.1", "libc.so.6", "libpthread.so.0"]) copyFileSync(join(from, name), join(to, name));
}

/** Starts the machine and gives what its first process said until it switched the machine off. */
async function boot(machine: Machine): Promise<string[]> {
  const hardware = [
    "-M",
    "virt",
    "-cpu",
    "neoverse-n1",
    "-smp",
    "2",
    "-m",
    "768",
    "-display",
    "none",
    "-net",
    "none",
    "-no-reboot",
  ];
  const console = ["-serial", "stdio", "-monitor", "none", "-append", "console=ttyAMA0 panic=-1 quiet"];
  const { stdout } = await run(
    "qemu-system-aarch64",
    [...hardware, ...console, "-kernel", machine.kernel, "-initrd", machine.image],
    {
      timeout: machineMsMax,
      maxBuffer: 1 << 24,
    },
  );
  const lines = stdout.split(/\r?\n/).flatMap((line) => /tidemark: (.*)$/.exec(line)?.[1] ?? []);
  assert.equal(lines.at(-1), "end", `the machine stopped early:\n${stdout.slice(-3000)}`);
  return lines;
}

function casesOf(lines: readonly string[]): Case[] {
  const found: { release: keyof typeof minorOf; program: string; truths: Fields[]; walks: Fields[] }[] = [];
  for (const line of lines) {
    const [kind, ...words] = line.split(" ");
    if (kind === "case") {
      const [release, , , ...program] = words;
      found.push({ release: release as keyof typeof minorOf, program: program.join(" "), truths: [], walks: [] });
    }
    if (kind === "truth") found.at(-1)?.truths.push(parseFields(words.join(" ")));
    if (kind === "walk") found.at(-1)?.walks.push(parseFields(words.join(" ")));
  }
  return found;
}

function judge({ release, program, truths, walks }: Case): void {
  if (program === "odd garbage" || program === "odd foreign_brk") {
    assertNoFigures(walks[0] ?? new Map(), "layout");
    return;
  }
  const quiet = walks.slice(walks.length - truths.length);
  assert.ok(truths.length > 0 && quiet.length === truths.length, "each truth has its walk");
  for (const [index, truth] of truths.entries()) {
    // Churn said its first truth while its threads were at work.
    if (program.startsWith("churn") && index === 0) continue;
    assertExact(quiet[index] ?? new Map(), truth, minorOf[release]);
    if (program.startsWith("parked")) assertParkedExact(quiet[index] ?? new Map(), truth, minorOf[release]);
  }
  for (const fields of walks) if (fields.get("status") !== "ok") assertNoFigures(fields, "changed");
  if (program.startsWith("threads")) assert.ok(numberOf(walks[0] ?? new Map(), "arena_bytes_max") > 64 << 20, "several heaps");
}

test("aarch64: each release's heaps are walked to the last byte", { skip, concurrency: true }, async (t) => {
  if (typeof machines === "string") return t.skip(machines);
  const image = join(work, "image");
  await run("sh", ["-c", `find . | cpio -o -H newc --quiet > ${image}`], { cwd: join(work, "root") });
  const running = machines.map(({ kernel, pageKib }) =>
    t.test(`pages of ${pageKib} KiB`, async (machine) => {
      const lines = await boot({ kernel, image });
      assert.match(lines[0] ?? "", new RegExp(`^machine page_kb=${pageKib} `));
      const units = lines.filter((line) => line.startsWith("unit "));
      assert.deepEqual([...new Set(units.map((line) => line.split(" says=")[1]))], ["ok"], units.join("\n"));
      const found = casesOf(lines);
      assert.equal(found.length, releases.length * casesFor(pageKib).length);
      for (const item of found) await machine.test(`${item.release}: ${item.program}`, () => judge(item));
    }),
  );
  await Promise.all(running);
});

for (const release of releases) {
  for (const pageBytes of [4096, 65536]) {
    test(`aarch64, ${release}: the parser agrees with mallinfo about a process of ${pageBytes} byte pages that walks itself`, {
      skip: skip || missing("qemu-aarch64"),
    }, async (t) => {
      const libc = foreignLibc(release, "arm64");
      if (typeof machines === "string" || libc.kind === "unavailable") return t.skip(String(machines));
      const args = [
        "-p",
        String(pageBytes),
        libc.loader,
        "--library-path",
        libc.folder,
        programPath("foreign-aarch64/self_walk"),
      ];
      const { stdout } = await run("qemu-aarch64", args);
      assert.match(stdout, new RegExp(`^page=${pageBytes} heaps=[1-9][0-9]* whole_free=[1-9][0-9]* ok\n$`));
    });
  }
}
